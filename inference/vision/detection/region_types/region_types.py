"""What types a taught classifier of regions names, alone or together with the patches of the defect head."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.special import log_softmax  # type: ignore[import-untyped]


@dataclass(frozen=True)
class RegionTypes:
    """`weights` float32 (K, D) and `bias` (K,) on the features of a cut-out, for the types of the head in their order.

    `share` is how much the regions count beside the patches, 0 to 1. `temperature` makes what both say together as sure
    as it is right; `own_temperature` does for the regions what the head's does for its patches.
    """

    weights: np.ndarray = field(repr=False)
    bias: np.ndarray = field(repr=False)
    share: float
    own_temperature: float = 1.0
    temperature: float = 1.0

    def judge(self, features: np.ndarray) -> np.ndarray:
        """Return the log-probabilities (K,) by the regions alone, from all views of all of them, float32 (n, v, D)."""
        return judge_regions(self.weights, self.bias, features)

    def join(self, patches: np.ndarray, regions: np.ndarray) -> np.ndarray:
        """Return log-probabilities (..., K) from those of the patches and of the regions."""
        return join_opinions(patches, regions, self.share, self.own_temperature, self.temperature)

    def to_dict(self) -> dict[str, Any]:
        """Return all but the arrays as plain values."""
        return {"share": self.share, "own_temperature": self.own_temperature, "temperature": self.temperature}

    @classmethod
    def from_dict(
        cls, values: Mapping[str, Any], *, weights: np.ndarray, bias: np.ndarray, dimension: int, count: int
    ) -> RegionTypes:
        """Return those in a bundle, for `count` types. Raises KeyError, TypeError or ValueError for anything else."""
        found = cls(
            weights=weights,
            bias=bias,
            share=float(values["share"]),
            own_temperature=float(values["own_temperature"]),
            temperature=float(values["temperature"]),
        )
        if weights.shape != (count, dimension) or bias.shape != (count,):
            raise ValueError("the regions do not fit the types")
        finite = np.isfinite(weights).all() and np.isfinite(bias).all()
        if not (finite and 0.0 < found.share <= 1.0 and found.own_temperature > 0.0 and found.temperature > 0.0):
            raise ValueError("the regions have numbers that are none")
        return found


def judge_regions(weights: np.ndarray, bias: np.ndarray, features: np.ndarray) -> np.ndarray:
    """Return the mean log-probabilities (K,) over all views of all regions, float32 (n, v, D)."""
    logits = features.reshape(-1, features.shape[-1]).astype(np.float64) @ weights.T + bias
    return np.asarray(log_softmax(logits, axis=1).mean(axis=0))


def join_opinions(
    patches: np.ndarray, regions: np.ndarray, share: float, own_temperature: float, temperature: float
) -> np.ndarray:
    """Return log-probabilities (..., K): the weighted mean of both, made as sure as `temperature` says."""
    own = log_softmax(regions / own_temperature, axis=-1)
    return np.asarray(log_softmax(((1.0 - share) * patches + share * own) / temperature, axis=-1))
