"""Similarity search: indexes of vectors, what ranks and votes by them, and what a set of images has in it."""
