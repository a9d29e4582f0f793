"""Sentences of how views are combined."""

FUSION_MESSAGES: dict[str, str] = {}
