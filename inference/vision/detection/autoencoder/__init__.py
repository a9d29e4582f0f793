"""A convolutional auto-encoder on good images: what it cannot reconstruct is anomalous."""

# Stands in databases and bundles.
NAME = "autoencoder"
