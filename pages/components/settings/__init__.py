"""Widgets of the settings screens."""
