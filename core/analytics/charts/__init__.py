"""Control charts: pure arithmetic, from numbers to limits and signals."""
