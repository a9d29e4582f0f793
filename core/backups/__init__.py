"""Backups: making, verifying and restoring them, and their schedule."""
