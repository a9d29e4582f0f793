"""Readers of annotation files: which regions of which images they mark, in one form whatever program wrote them."""
