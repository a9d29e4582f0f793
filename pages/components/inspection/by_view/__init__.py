"""A part inspected by several views, on the screen: the pictures that are given, and each view's evidence."""
