"""Sentences of health, logs, proxies and the security of an installation."""

OPERATION_MESSAGES: dict[str, str] = {}
