"""Widgets of the screens of training."""
