"""From the similar defect images to a defect type with a calibrated confidence, or to none of the known types.

Each of the nearest images votes for its type, less the less similar it is than the nearest. How fast a vote fades, how
much weight the defective place has beside the whole image, and how much doubt remains are chosen by the log loss when
every indexed image in turn is asked of those of all other parts (leave-one-out); so is the similarity below which
nothing is near.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from inference.vision.detection.metrics import image_auroc

VOTERS = 10
LEAST_IMAGES = 8
MOST_IMAGES = 1500
# Known defects are rarely farther from the others than this share of the indexed ones, and a margin below: with 30
# images the share alone took 9 to 23 % of the test images of known types for unknown.
FAR_SHARE = 0.02
_MARGIN = 0.25
_WEIGHTS = (0.5, 0.75, 1.0)
_HALVES = (0.005, 0.01, 0.02, 0.04, 0.08)
_DOUBTS = (0.05, 0.2, 0.5, 1.0, 2.0)
_BINS = 5


@dataclass(frozen=True)
class VoteRule:
    """How votes are counted.

    `region_weight` is the share of the defective place in the similarity (the rest is the whole image's);
    `half_vote_at` the loss of similarity that halves a vote; `doubt` votes that all `type_count` types share;
    `known_at` the similarity to the nearest image from which on the defect is of a known type (None: not enough images
    to tell); `most` the highest confidence that so many images allow. `figures` is what leave-one-out measured.
    """

    region_weight: float = 0.75
    half_vote_at: float = 0.01
    doubt: float = 0.5
    type_count: int = 1
    known_at: float | None = None
    most: float = 0.9
    figures: Mapping[str, float | int | None] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the rule as JSON values."""
        return {**asdict(self), "figures": dict(self.figures)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> VoteRule:
        """Return the rule that `to_dict` gave. Raises KeyError, TypeError or ValueError for anything else."""
        known_at = values["known_at"]
        return cls(
            region_weight=float(values["region_weight"]),
            half_vote_at=float(values["half_vote_at"]),
            doubt=float(values["doubt"]),
            type_count=max(1, int(values["type_count"])),
            known_at=None if known_at is None else float(known_at),
            most=float(values["most"]),
            figures=dict(values["figures"]),
        )


@dataclass(frozen=True)
class Vote:
    """The type that the similar images name. `known` is False when none of them is near: then it is no known type.

    `confidence` is how often such a vote is right, 0 to 1; for an unknown one, the share of the known defects that
    have a nearer image.
    """

    label: int
    confidence: float
    known: bool


def join_views(whole: np.ndarray | None, region: np.ndarray | None, *, region_weight: float) -> np.ndarray:
    """Return one similarity from both views' (same shape, or None where a view is missing). A NaN leaves the other."""
    if whole is None or region is None:
        found = region if whole is None else whole
        assert found is not None
        return np.asarray(found, np.float32)
    joined = region_weight * region + (1.0 - region_weight) * whole
    joined = np.where(np.isnan(region), whole, joined)
    return np.asarray(np.where(np.isnan(whole), region, joined), np.float32)


def count_votes(similarities: np.ndarray, labels: np.ndarray, rule: VoteRule) -> Vote | None:
    """Return the vote of similar images (n,) of these types (n,), int; None without any."""
    if len(similarities) == 0:
        return None
    nearest = np.argsort(-similarities, kind="stable")[:VOTERS]
    best = float(similarities[nearest[0]])
    shares = _shares(similarities[nearest], labels[nearest], rule)
    label = max(shares, key=lambda found: (shares[found], -found))
    if rule.known_at is not None and best < rule.known_at:
        return Vote(label, 1.0 - FAR_SHARE, known=False)
    return Vote(label, min(shares[label], rule.most), known=True)


def learn_rule(
    whole: np.ndarray | None, region: np.ndarray | None, labels: np.ndarray, parts: Sequence[str] | None = None
) -> VoteRule:
    """Learn the rule of an index: unit vectors of each view (n, d) (None where missing), their types (n,), int.

    Images of one of the `parts` (n,) are not asked about each other; without any each image is its own. With fewer than
    8 parts it is the default, without a threshold of the unknown. Deterministic.
    """
    count = len(labels)
    smooth = VoteRule(
        most=(count + 1) / (count + 2),
        region_weight=1.0 if whole is None else 0.75,
        type_count=max(1, len(np.unique(labels))),
    )
    if (count if parts is None else len(set(parts))) < LEAST_IMAGES:
        return smooth
    if count > MOST_IMAGES:
        kept = np.sort(np.random.default_rng(0).choice(count, size=MOST_IMAGES, replace=False))
        whole, region = (None if rows is None else rows[kept] for rows in (whole, region))
        labels = labels[kept]
        parts = None if parts is None else [parts[place] for place in kept.tolist()]
    views = [None if rows is None else _others(rows, parts) for rows in (whole, region)]
    both = whole is not None and region is not None
    best: tuple[float, VoteRule] | None = None
    for weight in _WEIGHTS if both else (smooth.region_weight,):
        joined = join_views(views[0], views[1], region_weight=weight)
        nearest, votes_for = _nearest(joined, labels)
        for half, doubt in itertools.product(_HALVES, _DOUBTS):
            rule = replace(smooth, region_weight=weight, half_vote_at=half, doubt=doubt)
            loss = _log_loss(nearest, votes_for, labels, rule)
            if best is None or loss < best[0] - 1e-9:
                best = (loss, rule)
    assert best is not None
    loss, rule = best
    joined = join_views(views[0], views[1], region_weight=rule.region_weight)
    far, middle = (float(found) for found in np.quantile(joined.max(axis=1), (FAR_SHARE, 0.5)))
    return replace(
        rule,
        known_at=far - _MARGIN * (middle - far),
        figures=_figures(joined, labels, rule, loss=loss),
    )


def _others(rows: np.ndarray, parts: Sequence[str] | None) -> np.ndarray:
    """Return the similarity of each to each, and of none to itself or to another exposure of its part."""
    similarities = rows @ rows.T
    np.fill_diagonal(similarities, -1.0)
    if parts is not None:
        _, numbers = np.unique(np.asarray(parts, dtype=str), return_inverse=True)
        similarities[numbers[:, None] == numbers[None, :]] = -1.0
    return np.asarray(similarities, np.float32)


def _nearest(joined: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the similarities (n, v) of each image's voters, and their types (n, v)."""
    count = min(VOTERS, len(labels) - 1)
    order = np.argsort(-joined, axis=1, kind="stable")[:, :count]
    return np.take_along_axis(joined, order, 1), labels[order]


def _log_loss(nearest: np.ndarray, votes_for: np.ndarray, labels: np.ndarray, rule: VoteRule) -> float:
    weights = np.exp2((nearest - nearest[:, :1]) / rule.half_vote_at)
    right = np.where(votes_for == labels[:, None], weights, 0.0).sum(axis=1)
    shares = (right + rule.doubt / rule.type_count) / (weights.sum(axis=1) + rule.doubt)
    return float(-np.log(np.clip(shares, 1e-6, 1.0)).mean())


def _shares(similarities: np.ndarray, labels: np.ndarray, rule: VoteRule) -> dict[int, float]:
    weights = np.exp2((similarities - similarities.max()) / rule.half_vote_at)
    whole, each = float(weights.sum()) + rule.doubt, rule.doubt / rule.type_count
    return {int(label): (float(weights[labels == label].sum()) + each) / whole for label in np.unique(labels)}


def _figures(joined: np.ndarray, labels: np.ndarray, rule: VoteRule, *, loss: float) -> dict[str, float | int | None]:
    nearest, votes_for = _nearest(joined, labels)
    votes = [count_votes(row, types, rule) for row, types in zip(nearest, votes_for, strict=True)]
    right = np.array([vote is not None and vote.label == label for vote, label in zip(votes, labels, strict=True)])
    sure = np.array([0.0 if vote is None else vote.confidence for vote in votes])
    places = np.minimum((sure * _BINS).astype(int), _BINS - 1)
    error = sum(
        abs(float(right[places == place].mean()) - float(sure[places == place].mean()))
        * float((places == place).mean())
        for place in np.unique(places)
    )
    return {
        "n_images": len(labels),
        "n_types": len(np.unique(labels)),
        "accuracy": float(right.mean()),
        "log_loss": loss,
        "calibration_error": error,
        "unknown_auroc": _unknown_auroc(joined, labels),
    }


def _unknown_auroc(joined: np.ndarray, labels: np.ndarray) -> float | None:
    """Return how well the nearest similarity tells known types from those left out of the index; None with one type."""
    same = labels[:, None] == labels[None, :]
    if same.all():
        return None
    with_own = joined.max(axis=1)
    without_own = np.where(same, -1.0, joined).max(axis=1)
    scores = np.concatenate([-with_own, -without_own])
    unknown = np.concatenate([np.zeros(len(labels), bool), np.ones(len(labels), bool)])
    return image_auroc(scores.tolist(), unknown.tolist())
