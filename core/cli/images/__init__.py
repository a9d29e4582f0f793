"""The commands that take images in."""
