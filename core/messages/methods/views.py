"""Sentences of views of a product and of inspecting a part by several of them."""

VIEWS_MESSAGES: dict[str, str] = {}
