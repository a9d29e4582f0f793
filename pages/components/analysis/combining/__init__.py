"""Combining the views of a product: the form of the rule, its effect on labeled parts, its history."""
