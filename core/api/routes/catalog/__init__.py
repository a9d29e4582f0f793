"""Routes of what belongs to a product."""
