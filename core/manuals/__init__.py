"""Manuals: ingestion and the library."""
