"""The kinds of models that are built: what a job is for, and what a version is."""

from __future__ import annotations

MEMORY_BANK = "memory_bank"
SIMILARITY_INDEX = "similarity_index"
MANUAL_INDEX = "manual_index"
KINDS = (MEMORY_BANK, SIMILARITY_INDEX, MANUAL_INDEX)
