"""Dataset versions, and methods compared on them, in the terminal."""
