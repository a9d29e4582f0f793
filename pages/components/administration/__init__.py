"""Widgets of the administration screens."""
