"""Export of a product's images with everything that is known of them, in the formats that other programs read."""
