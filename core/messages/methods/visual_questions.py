"""Sentences of models that see and are asked in words."""

VISUAL_QUESTIONS_MESSAGES: dict[str, str] = {}
