"""Tests of `core.images.likeness`."""
