"""How good masks are: intersection over union by label and of defect against rest, and the F1 of pixels.

Pixels of all images are counted together, as the PASCAL VOC challenge does (Everingham et al., 2010): an image without
a defect adds what is wrongly found in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class LabelSegmentation:
    """How well one label is found: `n` images that show it, its pixels, and its figures (None where nobody has it)."""

    label: str
    n: int
    pixels: int
    iou: float | None
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class SegmentationFigures:
    """What `measure_segmentation` found.

    `miou` is the mean IoU over the labels that the truth or the masks show, “nothing” not among them: it is nearly
    always nearly 1. `miou_with_nothing` counts it in, as VOC does. `mask_iou` is the IoU of all defects against the
    rest, `f1` the F1 of its pixels. All are None where there is no defect and none was found. `confusion` counts pixels
    by truth × found, “nothing” first.
    """

    n: int
    miou: float | None
    miou_with_nothing: float | None
    mask_iou: float | None
    precision: float
    recall: float
    f1: float | None
    labels: tuple[LabelSegmentation, ...]
    confusion: tuple[tuple[int, ...], ...] = field(repr=False, default=())
    per_domain: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "n": self.n,
            "miou": self.miou,
            "miou_with_nothing": self.miou_with_nothing,
            "mask_iou": self.mask_iou,
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
            "per_class": {
                one.label: {
                    "n": one.n,
                    "pixels": one.pixels,
                    "iou": one.iou,
                    "precision": one.precision,
                    "recall": one.recall,
                    "f1": one.f1,
                }
                for one in self.labels
            },
            "confusion": [list(row) for row in self.confusion],
            "per_domain": {domain: dict(figures) for domain, figures in self.per_domain.items()},
        }


def measure_segmentation(
    labels: Sequence[str],
    truth: Iterable[Mapping[str, np.ndarray]],
    found: Iterable[Mapping[str, np.ndarray]],
    domains: Sequence[str] = (),
) -> SegmentationFigures:
    """Return the figures of masks, bool H×W by label, beside the truth, image by image; generators will do.

    Where several labels are marked on one pixel, any of them is right. Labels that are not in `labels` are passed over,
    in the truth: with their pixels. Raises ValueError for masks of different sizes, or lengths that differ.
    """
    counts = [count_pixels(labels, real, claimed) for real, claimed in zip(truth, found, strict=True)]
    if domains and len(domains) != len(counts):
        raise ValueError("one domain for each image")
    whole = measure_pixels(labels, counts)
    per_domain = {}
    for domain in sorted(set(domains)):
        own = measure_pixels(labels, [count for count, one in zip(counts, domains, strict=True) if one == domain])
        per_domain[domain] = {"n": own.n, "miou": own.miou, "mask_iou": own.mask_iou, "f1": own.f1}
    return SegmentationFigures(**{**_shallow(whole), "per_domain": per_domain})


def count_pixels(
    labels: Sequence[str], truth: Mapping[str, np.ndarray], found: Mapping[str, np.ndarray]
) -> NDArray[np.int64]:
    """Return the pixels of one image by truth × found, “nothing” first: int64 (K+1, K+1).

    Raises ValueError for masks of different sizes.
    """
    shapes = {mask.shape for masks in (truth, found) for mask in masks.values()}
    if len(shapes) > 1:
        raise ValueError("masks of one image have one size")
    count = len(labels) + 1
    if not shapes:
        return np.zeros((count, count), np.int64)
    (shape,) = shapes
    real, claimed = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    counted = np.ones(shape, np.bool_)
    for label, mask in truth.items():
        if label not in labels:
            counted &= ~mask
    for number, label in enumerate(labels, start=1):
        if label in found:
            claimed[found[label] & (claimed == 0)] = number
    for number, label in enumerate(labels, start=1):
        if label in truth:
            counted |= truth[label]
            real[truth[label] & ((real == 0) | (claimed == number))] = number
    flat = real[counted] * count + claimed[counted]
    return np.bincount(flat, minlength=count * count).reshape(count, count).astype(np.int64)


def measure_pixels(labels: Sequence[str], counts: Sequence[NDArray[np.int64]]) -> SegmentationFigures:
    """Return the figures of pixels by truth × found, int64 (K+1, K+1) of each image."""
    size = len(labels) + 1
    total = np.zeros((size, size), np.int64)
    for one in counts:
        total += one
    rows = []
    for place, label in enumerate(labels, start=1):
        shown = sum(1 for one in counts if one[place].any())
        pixels, claimed, right = int(total[place].sum()), int(total[:, place].sum()), int(total[place, place])
        precision, recall, f1 = _rates(right, claimed, pixels)
        rows.append(LabelSegmentation(label, shown, pixels, _iou(right, claimed, pixels), precision, recall, f1))
    there = [row.iou for row in rows if row.iou is not None]
    nothing = _iou(int(total[0, 0]), int(total[:, 0].sum()), int(total[0].sum()))
    with_nothing = [*there, *([nothing] if nothing is not None and there else [])]
    right, claimed, pixels = int(total[1:, 1:].sum()), int(total[:, 1:].sum()), int(total[1:].sum())
    precision, recall, f1 = _rates(right, claimed, pixels)
    return SegmentationFigures(
        n=len(counts),
        miou=float(np.mean(there)) if there else None,
        miou_with_nothing=float(np.mean(with_nothing)) if with_nothing else None,
        mask_iou=_iou(right, claimed, pixels),
        precision=precision,
        recall=recall,
        f1=f1 if claimed + pixels else None,
        labels=tuple(rows),
        confusion=tuple(tuple(int(value) for value in row) for row in total),
    )


def _iou(right: int, claimed: int, pixels: int) -> float | None:
    union = claimed + pixels - right
    return right / union if union else None


def _rates(right: int, claimed: int, pixels: int) -> tuple[float, float, float]:
    """Return precision, recall and F1."""
    f1 = 2.0 * right / (claimed + pixels) if right else 0.0
    return (right / claimed if claimed else 0.0, right / pixels if pixels else 0.0, f1)


def _shallow(figures: SegmentationFigures) -> dict[str, Any]:
    return {name: getattr(figures, name) for name in figures.__dataclass_fields__}
