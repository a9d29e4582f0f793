"""Open-vocabulary grounding: networks that find what a phrase names in an image, read from a local folder."""
