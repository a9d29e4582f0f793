"""Sentences about trainings: exports."""

EXPORTS_MESSAGES: dict[str, str] = {}
