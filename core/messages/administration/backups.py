"""Sentences of backups and their restoration."""

BACKUPS_MESSAGES: dict[str, str] = {}
