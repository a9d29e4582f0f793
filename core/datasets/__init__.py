"""Dataset versions: a product's images as they were at one moment, with their labels, split by part."""
