"""Similar images: search, matches, suggestions, text search, the image map."""
