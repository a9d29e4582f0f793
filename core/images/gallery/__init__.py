"""The gallery of a product's images: what is filtered by, what is found, thumbnails by address, changes of many."""
