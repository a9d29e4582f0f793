"""Sentences of dataset versions."""

DATASETS_MESSAGES: dict[str, str] = {}
