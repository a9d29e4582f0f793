"""The gallery of images: filter, tiles, what is done to many, near-duplicates, trash."""
