"""CLIP: images and words in one space. Which models there are, and their embedder."""
