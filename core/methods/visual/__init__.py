"""The methods that are not trained: models that see and are asked in words, and networks that find phrases."""
