"""Manuals and guidance: from the bytes of a PDF to passages, their search, and the steps written from them."""
