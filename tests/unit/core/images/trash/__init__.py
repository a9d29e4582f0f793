"""Tests of `core.images.trash`."""
