"""The preprocessing of a product: what is set, and advice on it."""
