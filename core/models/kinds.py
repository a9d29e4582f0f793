"""The kinds of models that are built: what a job is for, and what a version is."""

from __future__ import annotations

MEMORY_BANK = "memory_bank"
SIMILARITY_INDEX = "similarity_index"
MANUAL_INDEX = "manual_index"
# Trained by a run and put into use by a person; never built by a deployment.
TRAINED_MODEL = "trained_model"
# The kind of its bundle, and of every other network that a run has trained.
TRAINED_NETWORK = "trained_network"
KINDS = (MEMORY_BANK, SIMILARITY_INDEX, MANUAL_INDEX)
