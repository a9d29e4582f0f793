"""A linear layer fitted to pooled features: logistic regression, its strength and its confidence by whole parts.

As `inference.vision.learning.probe`, with weights of examples, and with probabilities that mean what they say: they are
divided by one temperature (Guo et al., "On calibration of modern neural networks", ICML 2017).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from inference.vision.learning.measures.classification import measure_classification
from inference.vision.learning.probe import softmax
from inference.vision.learning.splits import fold_parts

if TYPE_CHECKING:
    from inference.vision.learning.recipes.ticking import Ticker

# Weights are held back by 1/C, as in scikit-learn. Strongest first: each fit starts from the one before it.
STRENGTHS = (0.0001, 0.001, 0.01, 0.1, 1.0)
FOLDS = 4
# Fits of `fit_head`, for whoever counts them.
FITS = FOLDS + 1
_MOST_STEPS = 300
# A feature that hardly varies among the training images would be blown up where others look different.
_LEAST_SPREAD_SHARE, _SMALLEST_SPREAD = 0.05, 1e-6
_TEMPERATURES = (0.1, 10.0)
# A label that no training image has is never named.
NEVER = -50.0


@dataclass(frozen=True, eq=False)
class LinearHead:
    """`weights` float32 (K, D) and `bias` float32 (K,) on features as they are; the temperature is divided out already.

    `strengths` are the C that were tried, each with macro-F1 and mean log loss of whole parts that had not been seen;
    `unseen` float64 (N, K) are the probabilities of the training images by heads that had not seen their part.
    """

    weights: NDArray[np.float32] = field(repr=False)
    bias: NDArray[np.float32] = field(repr=False)
    strength: float
    strengths: tuple[tuple[float, float, float], ...]
    temperature: float
    unseen: NDArray[np.float64] = field(repr=False)

    def probabilities(self, features: np.ndarray) -> NDArray[np.float64]:
        """Return the probability of each label: float32 (N, D) to float64 (N, K)."""
        return softmax(features.astype(np.float64) @ self.weights.T.astype(np.float64) + self.bias)


def fit_head(
    features: np.ndarray,
    truth: NDArray[np.int64],
    parts: Sequence[str],
    sample_weights: NDArray[np.float64],
    *,
    count: int,
    seed: int,
    ticker: Ticker,
    held_out: tuple[np.ndarray, NDArray[np.int64]] | None = None,
) -> LinearHead:
    """Return the layer for `count` labels of features, float32 (N, D), with truth, part and weight of each (N,).

    Labels count alike, however many images each has. The strength is that of the best macro-F1 by cross-validation over
    whole parts, among equal ones that of the lowest log loss. The temperature is that of the lowest log loss on those
    same predictions and on `held_out` (features, truth). The same arguments give the same bits.
    """
    import sklearn.linear_model  # noqa: F401 - before BLAS is held to one thread: it may bring its own

    rows = np.asarray(features, np.float64)
    fold_of = fold_parts(parts, folds=FOLDS, seed=seed, labels=truth.tolist())
    folds = [fold_of == fold for fold in range(int(fold_of.max()) + 1)]
    # One part alone: nothing is honest then, and nothing can be chosen.
    learned = [~inside if len(folds) > 1 else inside for inside in folds]
    fits = ticker.run(
        [
            partial(_fit_strengths, rows[kept], truth[kept], sample_weights[kept], count)
            for kept in (*learned, np.ones(len(truth), np.bool_))
        ]
    )
    logits = np.zeros((len(STRENGTHS), len(truth), count))
    for inside, (weights, bias) in zip(folds, fits[:-1], strict=True):
        logits[:, inside] = np.einsum("nd,skd->snk", rows[inside], weights, optimize=True) + bias[:, None, :]
    names = [str(place) for place in range(count)]
    named = [names[place] for place in truth]
    tried = []
    for strength, found in zip(STRENGTHS, logits, strict=True):
        figures = measure_classification(names, frozenset(), named, found, [""] * len(truth))
        temperature = find_temperature(found, truth)
        tried.append((strength, figures.macro_f1, log_loss(found / temperature, truth)))
    best = min(range(len(tried)), key=lambda place: (-round(tried[place][1], 9), tried[place][2]))
    weights, bias = fits[-1][0][best], fits[-1][1][best]
    known, right = logits[best], truth
    if held_out is not None and len(held_out[1]):
        known = np.concatenate([known, held_out[0].astype(np.float64) @ weights.T + bias])
        right = np.concatenate([right, held_out[1]])
    temperature = find_temperature(known, right)
    return LinearHead(
        weights=(weights / temperature).astype(np.float32),
        bias=(bias / temperature).astype(np.float32),
        strength=STRENGTHS[best],
        strengths=tuple(tried),
        temperature=temperature,
        unseen=softmax(logits[best] / temperature),
    )


def find_temperature(logits: np.ndarray, truth: NDArray[np.int64]) -> float:
    """Return what logits, float64 (N, K), are divided by for the lowest log loss; 1 where there are none.

    The truth is taken for as certain as so many images can make it, not for more (Platt, 1999): where all are named
    rightly, confidence would be without limit otherwise.
    """
    from scipy.optimize import minimize_scalar  # type: ignore[import-untyped]

    if not len(truth):
        return 1.0
    doubt, count = 1.0 / (len(truth) + 2), logits.shape[1]
    right = logits[np.arange(len(truth)), truth]
    others = (logits.sum(axis=1) - right) / max(count - 1, 1)

    def doubted(power: float) -> float:
        # With targets 1 - doubt for the truth and the rest for the others, by linearity of the logarithm's numerator.
        share = float(np.exp(power))
        return log_loss(logits / share, truth) + doubt * float((right - others).mean()) / share

    low, high = (float(np.log(one)) for one in _TEMPERATURES)
    found = minimize_scalar(doubted, bounds=(low, high), method="bounded")
    return float(np.exp(found.x))


def log_loss(logits: np.ndarray, truth: NDArray[np.int64]) -> float:
    """Return the mean negative logarithm of the truth's probability, in nats; 0 without rows."""
    if not len(truth):
        return 0.0
    shifted = logits - logits.max(axis=1, keepdims=True)
    return float((np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(truth)), truth]).mean())


def _fit_strengths(
    rows: NDArray[np.float64], truth: NDArray[np.int64], sample_weights: NDArray[np.float64], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return weights (S, K, D) and bias (S, K) of every strength, on features as they are."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    weights, bias = np.zeros((len(STRENGTHS), count, rows.shape[1])), np.full((len(STRENGTHS), count), NEVER)
    present = np.unique(truth)
    if len(present) == 1:
        bias[:, present] = 0.0
        return weights, bias
    spread = rows.std(axis=0)
    spread = np.maximum(spread, max(float(np.median(spread)) * _LEAST_SPREAD_SHARE, _SMALLEST_SPREAD))
    mean = rows.mean(axis=0)
    standard = (rows - mean) / spread
    model = LogisticRegression(class_weight="balanced", max_iter=_MOST_STEPS, warm_start=True)
    for place, strength in enumerate(STRENGTHS):
        model.set_params(C=strength)
        with warnings.catch_warnings():
            # Stopped after so many steps it is a good classifier, too.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(standard, truth, sample_weight=sample_weights)
        found, offset = model.coef_, model.intercept_
        if len(present) == 2:  # one row stands for both
            found, offset = np.concatenate([-found, found]) / 2.0, np.concatenate([-offset, offset]) / 2.0
        weights[place, present] = found / spread
        bias[place, present] = offset - (found / spread) @ mean
    return weights, bias
