"""Manuals: taking in and the library."""
