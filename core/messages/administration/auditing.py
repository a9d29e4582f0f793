"""Sentences of the audit log."""

AUDITING_MESSAGES: dict[str, str] = {}
