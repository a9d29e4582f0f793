"""Pictures: from the bytes of a file to pixels that a network is given, and back to files."""
