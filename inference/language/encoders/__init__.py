"""Sentence encoders whose weights come with a package: the file, its tokens, its network."""
