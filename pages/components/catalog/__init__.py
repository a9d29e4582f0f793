"""Widgets of the catalog screens."""
