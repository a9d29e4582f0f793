"""Curated images: records, labels, ingestion, masks, edits, the library, previews, import."""
