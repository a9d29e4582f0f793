"""Sentences of views, their combination, and methods side by side."""
