"""The images of the demo products: two real ones, and five that our own code draws.

Everything is decided by fixed seeds, so each call gives the same images. Nothing is drawn at import.
"""
