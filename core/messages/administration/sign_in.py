"""Sentences of signing in, the first administrator and OpenID providers."""

SIGN_IN_MESSAGES: dict[str, str] = {}
