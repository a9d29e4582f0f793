"""Widgets of the screens of assistant."""
