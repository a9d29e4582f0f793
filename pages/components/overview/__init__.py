"""Widgets of the overview: the dashboard, and the way to the first inspection."""
