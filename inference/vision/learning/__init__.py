"""Learning from labeled images, and splits that are honest about it."""
