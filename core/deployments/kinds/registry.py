"""The kinds of models by name: where whoever has a kind finds its steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.deployments.kinds.manual_indexes import ManualIndexSteps
from core.deployments.kinds.memory_banks import MemoryBankSteps
from core.deployments.kinds.similarity_indexes import SimilarityIndexSteps
from core.deployments.steps import ModelSteps
from core.errors import NotFound

# In the order of building: what a kind follows comes before it.
STEPS: Mapping[str, ModelSteps[Any, Any, Any]] = {
    steps.kind: steps for steps in (MemoryBankSteps(), SimilarityIndexSteps(), ManualIndexSteps())
}


def find_steps(kind: str) -> ModelSteps[Any, Any, Any]:
    """Return the steps of a kind. Raises NotFound job_kind_unknown."""
    if kind not in STEPS:
        raise NotFound("job_kind_unknown", kind=kind)
    return STEPS[kind]
