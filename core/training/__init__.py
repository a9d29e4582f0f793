"""Training a network: what was asked for, the ways of training, runs as jobs."""
