"""The commands of `python -m core`, by subject. One function a command; each answers the exit status."""
