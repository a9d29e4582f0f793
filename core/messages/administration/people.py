"""Sentences of accounts, invitations, bindings and API keys."""

PEOPLE_MESSAGES: dict[str, str] = {}
