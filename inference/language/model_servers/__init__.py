"""Servers of language models behind one interface, each on its maker's own SDK."""
