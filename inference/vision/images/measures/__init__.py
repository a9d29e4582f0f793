"""What is measured of an image when it is stored."""
