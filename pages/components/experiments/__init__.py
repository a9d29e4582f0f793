"""Widgets of the screens of experiments."""
