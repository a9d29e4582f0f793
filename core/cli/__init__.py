"""The commands of `python -m core`, by subject. One function a command; each returns the exit status."""
