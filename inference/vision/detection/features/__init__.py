"""Patch features: what the detectors are built from, of images seen at once and of large ones in tiles."""
