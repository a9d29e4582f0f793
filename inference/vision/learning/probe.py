"""A linear classifier on pooled features: multinomial logistic regression, its strength chosen by whole parts.

As in Alain & Bengio, "Understanding intermediate layers using linear classifier probes" (2016). scikit-learn fits it by
L-BFGS, from zero and without chance: the same features give the same weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.errors import ModelError
from inference.vision.learning.splits import fold_parts

# Weights are held back by 1/C; 1 is the library's own.
STRENGTHS = (0.001, 0.01, 0.1, 1.0)
_FOLDS = 4
_MOST_STEPS = 500
_SMALLEST_SPREAD = 1e-6
# A label is weak where so few images taught it, or so few of its images are told from the others.
FEW_IMAGES, LOW_RECALL = 10, 0.6


@dataclass(frozen=True)
class LabelFigures:
    """How well one label is told from the others, on images whose parts were not learned from.

    `weak` names why not to rely on it: `few_images`, `low_recall`. `confused_with` is the label that its images are
    taken for most often, empty where none is.
    """

    label: str
    support: int
    precision: float
    recall: float
    f1: float
    confused_with: str = ""
    weak: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "support": self.support,
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
            "confused_with": self.confused_with,
            "weak": list(self.weak),
        }


@dataclass(frozen=True)
class ProbeFigures:
    """What cross-validation by part says: macro-F1, each label, and the confusion matrix (truth × named)."""

    macro_f1: float
    labels: tuple[LabelFigures, ...]
    confusion: tuple[tuple[int, ...], ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "macro_f1": self.macro_f1,
            "per_class": {one.label: one.to_json() for one in self.labels},
            "confusion": [list(row) for row in self.confusion],
        }


@dataclass(frozen=True, eq=False)
class Probe:
    """`weights` float32 (K, D) and `bias` float32 (K,) of the `labels` on pooled features as they are.

    `strength` is the chosen C; `strengths` the macro-F1 of each, by cross-validation.
    """

    labels: tuple[str, ...]
    weights: NDArray[np.float32] = field(repr=False)
    bias: NDArray[np.float32] = field(repr=False)
    strength: float
    strengths: tuple[tuple[float, float], ...]
    figures: ProbeFigures

    def probabilities(self, features: np.ndarray) -> NDArray[np.float64]:
        """Return the probability of each label: float32 (N, D) to float64 (N, K)."""
        return softmax(features.astype(np.float64) @ self.weights.T.astype(np.float64) + self.bias)


def fit_probe(features: np.ndarray, labels: Sequence[str], parts: Sequence[str], *, seed: int = 0) -> Probe:
    """Return the classifier of pooled features, float32 (N, D), by labels and parts (N,).

    Its strength is the one of the best macro-F1 by cross-validation over whole parts; of equal ones, the one that holds
    weights back most. Labels count alike, however many images each has. Raises ModelError(`classifier_one_label`) for
    fewer than two labels.
    """
    names = tuple(sorted(set(labels)))
    if len(names) < 2:
        raise ModelError("classifier_one_label", found=", ".join(names))
    truth = np.array([names.index(label) for label in labels], np.int64)
    rows = np.asarray(features, np.float64)
    fold_of = fold_parts(parts, folds=_FOLDS, seed=seed, labels=labels)
    best: tuple[float, float, NDArray[np.int64]] | None = None
    tried = []
    for strength in STRENGTHS:
        named = _name_unseen(rows, truth, fold_of, strength, count=len(names))
        score = measure_probe(names, truth, named).macro_f1
        tried.append((strength, score))
        if best is None or score > best[1]:
            best = strength, score, named
    assert best is not None
    weights, bias = _fit(rows, truth, best[0], count=len(names))
    return Probe(
        labels=names,
        weights=weights.astype(np.float32),
        bias=bias.astype(np.float32),
        strength=best[0],
        strengths=tuple(tried),
        figures=measure_probe(names, truth, best[2]),
    )


def measure_probe(names: Sequence[str], truth: NDArray[np.int64], named: NDArray[np.int64]) -> ProbeFigures:
    """Return the figures of what was named, numbers of `names` (N,), beside the truth (N,)."""
    count = len(names)
    confusion = np.zeros((count, count), np.int64)
    np.add.at(confusion, (truth, named), 1)
    rows = []
    for place, label in enumerate(names):
        support, right, claimed = int(confusion[place].sum()), int(confusion[place, place]), confusion[:, place].sum()
        precision = right / int(claimed) if claimed else 0.0
        recall = right / support if support else 0.0
        f1 = 2.0 * precision * recall / (precision + recall) if right else 0.0
        others = confusion[place].copy()
        others[place] = 0
        mistaken = names[int(others.argmax())] if others.any() else ""
        weak = [
            *(["few_images"] if support < FEW_IMAGES else []),
            *(["low_recall"] if support and recall < LOW_RECALL else []),
        ]
        rows.append(LabelFigures(label, support, precision, recall, f1, mistaken, tuple(weak)))
    there = [one.f1 for one in rows if one.support]
    macro_f1 = sum(there) / len(there) if there else 0.0
    return ProbeFigures(macro_f1, tuple(rows), tuple(tuple(int(n) for n in row) for row in confusion))


def softmax(logits: np.ndarray) -> NDArray[np.float64]:
    """Return probabilities of logits (N, K): float64 (N, K), each row adds up to 1."""
    shares = np.exp(logits - logits.max(axis=1, keepdims=True), dtype=np.float64)
    return np.asarray(shares / shares.sum(axis=1, keepdims=True), np.float64)


def _name_unseen(
    rows: NDArray[np.float64], truth: NDArray[np.int64], fold_of: NDArray[np.int64], strength: float, *, count: int
) -> NDArray[np.int64]:
    """Return what is named by classifiers that have not seen the image's part: int64 (N,)."""
    named = np.zeros(len(truth), np.int64)
    folds = range(int(fold_of.max()) + 1)
    for fold in folds:
        inside = fold_of == fold
        learned = ~inside if len(folds) > 1 else inside  # one part alone: no figure is honest then
        weights, bias = _fit(rows[learned], truth[learned], strength, count=count)
        named[inside] = (rows[inside] @ weights.T + bias).argmax(axis=1)
    return named


def _fit(
    rows: NDArray[np.float64], truth: NDArray[np.int64], strength: float, *, count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return weights (K, D) and bias (K,) on features as they are; a label that is not there is never named."""
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    weights, bias = np.zeros((count, rows.shape[1])), np.full(count, -50.0)
    present = np.unique(truth)
    if len(present) == 1:
        bias[present] = 0.0
        return weights, bias
    mean, spread = rows.mean(axis=0), np.maximum(rows.std(axis=0), _SMALLEST_SPREAD)
    model = LogisticRegression(C=strength, class_weight="balanced", max_iter=_MOST_STEPS)
    with threadpool_limits(limits=1):  # sums in another order would be another model
        model.fit((rows - mean) / spread, truth)
    found, offset = model.coef_, model.intercept_
    if len(present) == 2:  # one row stands for both
        found, offset = np.concatenate([-found, found]) / 2.0, np.concatenate([-offset, offset]) / 2.0
    weights[present] = found / spread
    bias[present] = offset - (found / spread) @ mean
    return weights, bias
