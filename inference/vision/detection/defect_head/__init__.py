"""A small model of the labeled defects on the patches of a memory bank: it names types, and may raise a score."""
