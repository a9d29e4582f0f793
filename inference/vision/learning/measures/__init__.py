"""How well a trained network does: figures of classification, segmentation and detection."""
