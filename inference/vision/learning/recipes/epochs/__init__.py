"""Training by epochs: what the epochs are fed with, the epochs, their checkpoints, several processes."""
