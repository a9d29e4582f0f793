"""Sentences of methods that are trained and compared."""

COMPARISONS_MESSAGES: dict[str, str] = {}
