"""Widgets of the image screens."""
