"""anomalib's own models, trained by its own engine in a process of their own."""
