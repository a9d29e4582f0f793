"""Dataset versions: a product's images frozen by hash and split by part."""
