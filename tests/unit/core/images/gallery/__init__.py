"""Tests of `core.images.gallery`."""
