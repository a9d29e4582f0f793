"""The way from a product's name to its first inspection, step by step."""
