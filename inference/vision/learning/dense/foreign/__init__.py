"""Detectors of torchvision and transformers, trained whole and exported as ours are."""
