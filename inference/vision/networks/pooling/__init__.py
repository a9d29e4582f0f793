"""Embeddings by pooling a backbone's feature maps, on the runtimes that detection uses."""
