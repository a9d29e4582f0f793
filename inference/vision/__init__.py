"""Image decoding, anomaly detection, similarity and their measures."""
