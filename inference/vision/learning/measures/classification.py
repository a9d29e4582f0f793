"""How well images are named: shares of right ones, figures by label and by domain, and what was taken for what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class LabelScore:
    """One label: `n` images of it; `precision`, `recall` and `f1` from 0 to 1, 0 where nothing can be said."""

    n: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class DomainScore:
    """The images of one domain (`studio`, `field` …): how many, the share named rightly, the mean F1 of labels."""

    n: int
    top1: float
    macro_f1: float


@dataclass(frozen=True)
class ClassificationFigures:
    """`top1` is the share of images named rightly, `top5` that of those with the truth among the first five.

    `macro_f1` is the mean F1 of the labels of which there are images: every label counts alike. `overkill` are good
    parts named a defect, `escape` defective ones named good. `confusion` counts truth × named in the order of `labels`.
    """

    n: int
    top1: float
    top5: float
    macro_f1: float
    per_class: dict[str, LabelScore]
    per_domain: dict[str, DomainScore]
    overkill: int
    escape: int
    labels: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...] = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "n": self.n,
            "top1": self.top1,
            "top5": self.top5,
            "macro_f1": self.macro_f1,
            "per_class": {
                label: {"n": one.n, "precision": one.precision, "recall": one.recall, "f1": one.f1}
                for label, one in self.per_class.items()
            },
            "per_domain": {
                domain: {"n": one.n, "top1": one.top1, "macro_f1": one.macro_f1}
                for domain, one in self.per_domain.items()
            },
            "overkill": self.overkill,
            "escape": self.escape,
            "confusion": [list(row) for row in self.confusion],
            "labels": list(self.labels),
        }


def measure_classification(
    labels: Sequence[str],
    good_labels: frozenset[str],
    truth: Sequence[str],
    probabilities: np.ndarray,
    domains: Sequence[str],
) -> ClassificationFigures:
    """Return the figures of `probabilities`, float64 (N, K) over `labels`, beside the truth and domain of each (N,).

    Of equal probabilities the first label counts as named. Without images all shares are 0. Raises ValueError for a
    truth that is none of the labels, or lengths that differ.
    """
    names = tuple(labels)
    shares = np.asarray(probabilities, np.float64).reshape(len(truth), len(names))
    place_of = {label: place for place, label in enumerate(names)}
    unknown = sorted(set(truth) - set(names))
    if unknown or len(domains) != len(truth):
        raise ValueError(f"labels that are not known: {unknown}" if unknown else "one domain for each image")
    right = np.array([place_of[label] for label in truth], np.int64)
    named = shares.argmax(axis=1) if len(truth) else right
    confusion = _count(right, named, len(names))
    scores = _score(names, confusion)
    first = np.argsort(-shares, axis=1, kind="stable")[:, :5]
    of_domain = np.array(domains, object)
    per_domain = {}
    for domain in sorted(set(domains)):
        inside = of_domain == domain
        inner = _score(names, _count(right[inside], named[inside], len(names)))
        per_domain[domain] = DomainScore(
            int(inside.sum()), _share(right[inside] == named[inside]), _mean_f1(inner.values())
        )
    is_good = np.array([label in good_labels for label in names], np.bool_)
    return ClassificationFigures(
        n=len(truth),
        top1=_share(right == named),
        top5=_share((first == right[:, None]).any(axis=1)),
        macro_f1=_mean_f1(scores.values()),
        per_class=scores,
        per_domain=per_domain,
        overkill=int((is_good[right] & ~is_good[named]).sum()),
        escape=int((~is_good[right] & is_good[named]).sum()),
        labels=names,
        confusion=tuple(tuple(int(n) for n in row) for row in confusion),
    )


def choose_defect_threshold(scores: np.ndarray, is_defect: Sequence[bool]) -> float | None:
    """Return the score from which a part is best called defective (highest F1), None where one kind is missing.

    `scores` (N,) are the defects' share of probability. Between the two neighboring scores the middle is taken; of
    thresholds that do equally well the lowest: it is the one that lets fewest defects pass.
    """
    truth = np.asarray(is_defect, np.bool_)
    if truth.all() or not truth.any():
        return None
    values = np.unique(np.asarray(scores, np.float64))
    edges = np.concatenate([values[:1], (values[1:] + values[:-1]) / 2])
    called = np.asarray(scores, np.float64)[None, :] >= edges[:, None]
    hits = (called & truth).sum(axis=1)
    f1 = 2.0 * hits / (called.sum(axis=1) + truth.sum())
    return float(min(max(edges[int(f1.argmax())], 0.0), 1.0))


def _count(truth: NDArray[np.int64], named: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    confusion = np.zeros((count, count), np.int64)
    np.add.at(confusion, (truth, named), 1)
    return confusion


def _score(names: tuple[str, ...], confusion: NDArray[np.int64]) -> dict[str, LabelScore]:
    found = {}
    for place, label in enumerate(names):
        support, hits, claimed = int(confusion[place].sum()), int(confusion[place, place]), confusion[:, place].sum()
        precision, recall = hits / max(int(claimed), 1), hits / max(support, 1)
        f1 = 2.0 * precision * recall / (precision + recall) if hits else 0.0
        found[label] = LabelScore(support, precision, recall, f1)
    return found


def _mean_f1(scores: Iterable[LabelScore]) -> float:
    there = [one.f1 for one in scores if one.n]
    return sum(there) / len(there) if there else 0.0


def _share(right: NDArray[np.bool_]) -> float:
    return float(right.mean()) if len(right) else 0.0
