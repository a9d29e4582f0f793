"""Widgets of the import of images."""
