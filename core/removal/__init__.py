"""Removing a product for good, with everything that hangs on it."""
