"""Sentences about trainings: assistant."""

ASSISTANT_MESSAGES: dict[str, str] = {}
