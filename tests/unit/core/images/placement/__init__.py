"""Tests of `core.images.placement`."""
