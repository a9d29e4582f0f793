"""Folders, archives and uploads of images: planned first, decided on by a person, stored as decided."""
