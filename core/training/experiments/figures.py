"""Figures of several runs on the same images: 95 % intervals by parts, and paired differences from the first run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inference.vision.comparison.bootstrap import Difference, Estimate, compare, estimate
from inference.vision.comparison.measures import Figure, Judged, make_figures

if TYPE_CHECKING:
    from core.training.runs.records import ImageResult

SEED = 0
# By task: of places no sum over images gives the mean average precision, so its interval cannot be told this way.
FIGURES: Mapping[str, tuple[str, ...]] = {
    "classification": ("macro_f1", "top1"),
    "segmentation": ("match", "right"),
    "detection": ("match", "right"),
}


@dataclass(frozen=True)
class FigureRow:
    """One figure of all runs: with its interval for each, and for all but the first the difference from the first."""

    name: str
    values: tuple[Estimate | None, ...]
    differences: tuple[Difference | None, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "figure": self.name,
            "values": [None if one is None else vars(one).copy() for one in self.values],
            "differences": [None if one is None else {**vars(one), "shown": one.is_shown} for one in self.differences],
        }


def measure(task: str, runs: Sequence[Sequence[ImageResult]], good_labels: Sequence[str]) -> tuple[FigureRow, ...]:
    """Return the figures of runs on the same images, given in the same order for each run; none without images."""
    if not runs or not runs[0]:
        return ()
    judged = [_judge(images, good_labels) for images in runs]
    made = [_make(task, images, own) for images, own in zip(runs, judged, strict=True)]
    rows = []
    for name in FIGURES.get(task, ("right",)):
        values = tuple(estimate(own, figures[name], seed=SEED) for own, figures in zip(judged, made, strict=True))
        differences = tuple(compare(judged[0], figures[name], made[0][name], seed=SEED) for figures in made[1:])
        rows.append(FigureRow(name, values, differences))
    return tuple(rows)


def _judge(images: Sequence[ImageResult], good_labels: Sequence[str]) -> list[Judged]:
    return [
        Judged(str(one.image_id), one.part, one.truth, one.truth not in good_labels, one.score, one.named)
        for one in images
    ]


def _make(task: str, images: Sequence[ImageResult], judged: Sequence[Judged]) -> dict[str, Figure]:
    """Return the figures as functions of weighted images: one that could not be read counts as wrong."""
    right = _mean([float(one.right and not one.error) for one in images])
    if task == "classification":
        return {"top1": right, "macro_f1": make_figures(judged, None, names_types=True)["macro_f1"]}
    return {"right": right, "match": _mean([0.0 if one.error else one.quality for one in images])}


def _mean(values: Sequence[float]) -> Figure:
    import numpy as np

    of_each = np.array(values, np.float64)
    return lambda weights: (weights @ of_each) / weights.sum(axis=1)
