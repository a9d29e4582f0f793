"""Sentences of moving objects between stores."""

STORE_MOVES_MESSAGES: dict[str, str] = {}
