"""Experiments: the runs as a table, seeds of one configuration together, and a few runs side by side."""
