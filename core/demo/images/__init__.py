"""The images of the demo products: two real ones, and four that our own code draws.

Everything is decided by fixed seeds, so each call gives the same images. Nothing is drawn at import.
"""

from core.demo.images.catalogue import PRODUCTS
from core.demo.images.records import DemoDefect, DemoImage, DemoProduct

__all__ = ["PRODUCTS", "DemoDefect", "DemoImage", "DemoProduct"]
