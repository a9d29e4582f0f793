"""Curated images: records, labels, taking in, masks, edits, the library, previews, import."""
