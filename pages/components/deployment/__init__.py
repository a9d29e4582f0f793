"""Widgets of the deployment screens."""
