"""Sentences about trainings: adapters."""

ADAPTERS_MESSAGES: dict[str, str] = {}
