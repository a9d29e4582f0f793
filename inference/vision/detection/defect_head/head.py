"""The defect head: one softmax over “nothing” and the known types of defect for every patch of an image.

What it is sure of makes patches more distant: distance + gain · max(0, log-odds of a defect − those usual for the
highest patches of good parts). It never makes one less distant, so a defect that it does not know is found as without.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy.special import log_softmax, logsumexp, softmax  # type: ignore[import-untyped]

from inference.vision.detection.region_types.region_types import RegionTypes
from inference.vision.detection.scoring import PatchDistances, smooth_distances

# The most distant patches of an image say what type it shows.
SPOKESMEN = 8


@dataclass(frozen=True)
class TypeOpinion:
    """What type of defect an image shows: probabilities by type, highest first, and whether it is a known one at all.

    `confidence` is how often such an opinion is right; of an unknown one, how rare so little evidence is among known
    defects.
    """

    probabilities: tuple[tuple[str, float], ...]
    known: bool
    confidence: float

    @property
    def first(self) -> str:
        """The type of the highest probability."""
        return self.probabilities[0][0]


@dataclass(frozen=True)
class DefectHead:
    """`weights` float32 (K + 1, D) and `bias` (K + 1,): “nothing” first, then the K `types`, on patches as they are.

    `usual` are the log-odds that the highest patches of good parts have (median), `gain` the distance that each unit
    above them adds (0: the head names types and raises nothing). Log-odds are smoothed over the grid by `smoothing`
    cells. `temperature` makes the probabilities of types as sure as they are right; an image whose highest patches
    have log-odds below `known_at` shows none of the known types (None: too few labeled defects to tell). `regions` name
    types by a closer look at the defective region, together with the patches or instead of them (None: the patches do).
    """

    types: tuple[str, ...]
    weights: np.ndarray = field(repr=False)
    bias: np.ndarray = field(repr=False)
    usual: float
    gain: float
    smoothing: float
    temperature: float = 1.0
    known_at: float | None = None
    most: float = 0.9
    regions: RegionTypes | None = None

    def logits(self, patches: np.ndarray) -> np.ndarray:
        """Return the logits of patches float32 (D, P): float32 (K + 1, P)."""
        return np.asarray(self.weights @ patches + self.bias[:, None], np.float32)

    def raise_distances(self, distances: PatchDistances, logits: np.ndarray) -> PatchDistances:
        """Return the distances with what the head adds; `logits` (K + 1, P) are of the same patches."""
        if self.gain <= 0.0:
            return distances
        return add_evidence(distances, smooth_evidence(logits, distances, self.smoothing), self.usual, self.gain)

    def name_type(self, distances: PatchDistances, logits: np.ndarray) -> TypeOpinion:
        """Return what type the image shows, by its most distant patches; `distances` are the raised ones."""
        spoken, evidence = speak(distances, logits)
        shares = softmax(spoken / self.temperature)
        order = np.argsort(-shares, kind="stable")
        known = self.known_at is None or evidence >= self.known_at
        confidence = min(float(shares[order[0]]), self.most) if known else self.most
        return TypeOpinion(tuple((self.types[k], float(shares[k])) for k in order), known, confidence)

    def join_regions(self, opinion: TypeOpinion, features: np.ndarray) -> tuple[TypeOpinion, np.ndarray]:
        """Return the opinion with what a closer look says, and how much likelier that makes each type: logits (K,).

        `features` (n, views, D) describe the defective regions. Whether the type is known at all, the patches say.
        """
        regions, shares = self.regions, dict(opinion.probabilities)
        patches = np.log(np.maximum([shares[name] for name in self.types], 1e-12))
        if regions is None or not len(features):
            return opinion, np.zeros(len(self.types))
        joined = regions.join(patches, regions.judge(features))
        order = np.argsort(-joined, kind="stable")
        found = np.exp(joined)
        confidence = min(float(found[order[0]]), self.most) if opinion.known else opinion.confidence
        probabilities = tuple((self.types[k], float(found[k])) for k in order)
        return TypeOpinion(probabilities, opinion.known, confidence), joined - patches

    def to_dict(self) -> dict[str, Any]:
        """Return all but the arrays as plain values."""
        return {
            "types": list(self.types),
            "usual": self.usual,
            "gain": self.gain,
            "smoothing": self.smoothing,
            "temperature": self.temperature,
            "known_at": self.known_at,
            "most": self.most,
            **({} if self.regions is None else {"regions": self.regions.to_dict()}),
        }

    @classmethod
    def from_dict(
        cls, values: Mapping[str, Any], *, weights: np.ndarray, bias: np.ndarray, regions: RegionTypes | None = None
    ) -> DefectHead:
        """Return the head in a bundle. Raises KeyError, TypeError or ValueError for anything that is none."""
        known_at = values["known_at"]
        head = cls(
            types=tuple(str(name) for name in values["types"]),
            weights=weights,
            bias=bias,
            usual=float(values["usual"]),
            gain=float(values["gain"]),
            smoothing=float(values["smoothing"]),
            temperature=float(values["temperature"]),
            known_at=None if known_at is None else float(known_at),
            most=float(values["most"]),
            regions=regions,
        )
        count = len(head.types) + 1
        if weights.ndim != 2 or len(weights) != count or bias.shape != (count,) or count < 2:
            raise ValueError("the head does not fit its types")
        if not (np.isfinite(weights).all() and np.isfinite(bias).all() and head.temperature > 0 and head.gain >= 0):
            raise ValueError("the head has numbers that are none")
        return head

    def with_gain(self, gain: float) -> DefectHead:
        """Return the same head with another gain."""
        return replace(self, gain=gain)


def log_shares(spoken: np.ndarray, temperature: float) -> np.ndarray:
    """Return the log-probabilities of the types (K,) that the most distant patches speak for."""
    return np.asarray(log_softmax(spoken / temperature))


def log_odds(logits: np.ndarray) -> np.ndarray:
    """Return the log-odds of any defect of each patch: float32 (P,) from (K + 1, P)."""
    return np.asarray(logsumexp(logits[1:], axis=0) - logits[0], np.float32)


def smooth_evidence(logits: np.ndarray, distances: PatchDistances, smoothing: float) -> np.ndarray:
    """Return the log-odds (P,) smoothed as distances are."""
    return smooth_distances(log_odds(logits), sigma=smoothing, grid=distances.grid, valid=distances.valid)


def add_evidence(distances: PatchDistances, evidence: np.ndarray, usual: float, gain: float) -> PatchDistances:
    """Return distances + gain · max(0, evidence − usual), where cells count."""
    added = np.maximum(evidence - np.float32(usual), 0.0) * np.float32(gain)
    if distances.valid is not None:
        added = np.where(distances.valid, added, np.float32(0.0))
    return replace(distances, values=np.asarray(distances.values + added, np.float32))


def speak(distances: PatchDistances, logits: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the mean logits (K,) of the types at the most distant patches, and the mean log-odds of a defect there."""
    considered = distances.values
    if distances.valid is not None:
        considered = np.where(distances.valid, considered, np.float32(-1.0))
    count = min(SPOKESMEN, len(considered))
    cells = np.argpartition(considered, len(considered) - count)[len(considered) - count :]
    chosen = logits[:, cells]
    return chosen[1:].mean(axis=1), float(log_odds(chosen).mean())
