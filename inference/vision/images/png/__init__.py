"""PNG files of the usual kind, decoded in less than half the time."""
