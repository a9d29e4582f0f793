"""What is measured of stored images, and which of them show nearly the same."""
