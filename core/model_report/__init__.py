"""How good a memory bank is on its frozen test images, and which thresholds suit the line."""
