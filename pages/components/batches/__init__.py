"""Widgets of *Batch inspection*."""
