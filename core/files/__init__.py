"""Untrusted archives, file names, objects that are discarded."""
