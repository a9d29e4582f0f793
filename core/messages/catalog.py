"""Sentences of products, defect types, the image library and people."""

from core.i18n import N_

CATALOG_MESSAGES: dict[str, str] = {}
