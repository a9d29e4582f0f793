"""The REST interface: the use cases of the screens for programs, under /api/v1, with keys in place of people."""
