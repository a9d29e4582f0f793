"""From an anomaly score to the probability that the picture shows a defect, so that views can be combined.

With labeled defects the scores of pictures that the model has not learned from are fitted by Platt's sigmoid (Platt,
Advances in Large Margin Classifiers, 1999, with his targets, which keep a few pictures from becoming certainties) or by
isotonic regression (pool adjacent violators: Ayer et al., Annals of Mathematical Statistics 26, 1955). Which of the two
is decided by log loss on parts that were left out; with few parts it is Platt's. Without defects the percentile of the
good pictures counts: where a share q of good parts scores as high, the probability is a/(a + q), a being the share of
good parts that may go to a person: one half where a view alone would begin to ask for a look.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from inference.errors import ModelError
from inference.vision.detection.calibration import REVIEW_SHARE, calibrate

Method = Literal["platt", "isotonic", "percentile"]
METHODS: tuple[Method, ...] = ("platt", "isotonic", "percentile")
FloatArray = npt.NDArray[np.float64]

# Below so many parts of either class a staircase follows single pictures: Platt's two numbers are all that is fitted.
ENOUGH_FOR_ISOTONIC = 30
# Below so many defective parts nothing is fitted to them: the good ones alone decide.
ENOUGH_DEFECTS = 3
_FOLDS = 5
_SMALLEST_GAIN = 0.01  # of log loss: a staircase that is not clearly better is not worth its jumps
_LEAST = 1e-6  # probabilities stay this far from 0 and 1
_GRID = (50.0, 60.0, 70.0, 80.0, 90.0, 95.0, 98.0, 99.0, 99.5, 99.8)


@dataclass(frozen=True)
class ScoreCalibration:
    """How a view's score becomes a probability; it never falls where the score grows.

    `points` are pairs of a score and: for `isotonic` the probability there, for `percentile` the share of good parts
    that score as high (straight lines between them, of its logarithm for a share, which goes on beyond the last);
    for `platt` the pairs are none and the probability is 1/(1 + exp(-(`slope`·score + `offset`))). `log_loss` is that
    of parts that were left out of the fit, None without defects.
    """

    method: Method
    slope: float = 0.0
    offset: float = 0.0
    points: tuple[tuple[float, float], ...] = ()
    n_good: int = 0
    n_defect: int = 0
    log_loss: float | None = None

    def probability(self, score: float) -> float:
        """Return the probability of a defect, 0 to 1, at a score; 1 for what is no number, which is never good."""
        if not math.isfinite(score):
            return 1.0
        if self.method == "platt":
            found = _sigmoid(self.slope * score + self.offset)
        elif self.method == "isotonic":
            found = float(np.interp(score, [one[0] for one in self.points], [one[1] for one in self.points]))
        else:
            found = REVIEW_SHARE / (REVIEW_SHARE + self._share_above(score))
        return min(max(found, _LEAST), 1.0 - _LEAST)

    def _share_above(self, score: float) -> float:
        scores = [one[0] for one in self.points]
        logs = [math.log(one[1]) for one in self.points]
        if score <= scores[0]:
            # From the median down to a score of 0, where every part scores as high.
            start = 0.0 if scores[0] > 0 else scores[0] - 1.0
            return math.exp(float(np.interp(score, [start, scores[0]], [0.0, logs[0]])))
        if score <= scores[-1]:
            return math.exp(float(np.interp(score, scores, logs)))
        fall = (logs[-2] - logs[-1]) / max(scores[-1] - scores[-2], 1e-12)
        return math.exp(max(logs[-1] - fall * (score - scores[-1]), -60.0))

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `from_json` reads."""
        return {
            "method": self.method,
            "slope": self.slope,
            "offset": self.offset,
            "points": [list(one) for one in self.points],
            "n_good": self.n_good,
            "n_defect": self.n_defect,
            "log_loss": self.log_loss,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ScoreCalibration:
        """Return the calibration in plain values. Raises ModelError(`score_calibration_invalid`) for others."""
        try:
            found = cls(
                method=values["method"],
                slope=float(values.get("slope", 0.0)),
                offset=float(values.get("offset", 0.0)),
                points=tuple((float(score), float(value)) for score, value in values.get("points", ())),
                n_good=int(values.get("n_good", 0)),
                n_defect=int(values.get("n_defect", 0)),
                log_loss=None if values.get("log_loss") is None else float(values["log_loss"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError("score_calibration_invalid") from error
        numbers = [found.slope, found.offset, *(value for point in found.points for value in point)]
        scores = [one[0] for one in found.points]
        least = {"platt": 0, "isotonic": 1, "percentile": 2}.get(found.method)
        is_right = (
            least is not None
            and len(found.points) >= least
            and all(math.isfinite(value) for value in numbers)
            and scores == sorted(scores)
            and (found.method != "percentile" or all(0 < one[1] <= 1 for one in found.points))
        )
        if not is_right:
            raise ModelError("score_calibration_invalid")
        return found


def fit_scores(
    good: Sequence[float],
    defect: Sequence[float],
    *,
    good_parts: Sequence[str] | None = None,
    defect_parts: Sequence[str] | None = None,
) -> ScoreCalibration:
    """Return how scores become probabilities, from scores of pictures that the model has not learned from.

    `good_parts` and `defect_parts` name the piece that each score is of: all its pictures are left out together (each
    is a piece of its own without). Raises ModelError(`scores_invalid`) for scores below 0 or no numbers, and
    `score_calibration_empty` without good pictures.
    """
    goods, defects = _clean(good), _clean(defect)
    if not len(goods):
        raise ModelError("score_calibration_empty")
    parts = [
        *(good_parts if good_parts is not None else (f"good:{place}" for place in range(len(goods)))),
        *(defect_parts if defect_parts is not None else (f"defect:{place}" for place in range(len(defects)))),
    ]
    if len(parts) != len(goods) + len(defects):
        raise ModelError("scores_invalid")
    scores = np.concatenate([goods, defects])
    labels = np.concatenate([np.zeros(len(goods), np.bool_), np.ones(len(defects), np.bool_)])
    n_good, n_defect = len(set(parts[: len(goods)])), len(set(parts[len(goods) :]))
    if n_defect < ENOUGH_DEFECTS:
        return replace(_fit_percentile(goods), n_good=n_good, n_defect=n_defect)
    platt = _fit_platt(scores, labels)
    if platt.slope <= 0:
        # Defects that score lower than good pictures teach nothing: what is far from good is still a defect.
        return replace(_fit_percentile(goods), n_good=n_good, n_defect=n_defect)
    folds = _split(parts, labels, scores)
    platt_loss = _left_out_loss(_fit_platt, scores, labels, folds)
    chosen, loss = platt, platt_loss
    if min(n_good, n_defect) >= ENOUGH_FOR_ISOTONIC:
        isotonic_loss = _left_out_loss(_fit_isotonic, scores, labels, folds)
        if isotonic_loss < platt_loss - _SMALLEST_GAIN:
            chosen, loss = _fit_isotonic(scores, labels), isotonic_loss
    return replace(chosen, log_loss=loss, n_good=n_good, n_defect=n_defect)


def from_thresholds(review_at: float, reject_at: float) -> ScoreCalibration:
    """Return probabilities by two thresholds alone, for a model whose scores are not kept.

    At `review_at` a share of good parts that may go to a person scores as high, at `reject_at` a tenth of them, as
    `calibrate` aims its thresholds. Raises ModelError(`score_calibration_invalid`) for thresholds in the wrong order.
    """
    if not (math.isfinite(review_at) and math.isfinite(reject_at) and 0 < review_at <= reject_at):
        raise ModelError("score_calibration_invalid")
    reject_at = max(reject_at, review_at * 1.01)
    return ScoreCalibration("percentile", points=((review_at, REVIEW_SHARE), (reject_at, REVIEW_SHARE / 10)))


def measure_log_loss(
    probabilities: Sequence[float] | FloatArray, labels: Sequence[bool] | npt.NDArray[np.bool_]
) -> float:
    """Return the mean negative log likelihood of labels (True: defective) under probabilities of a defect, in nats."""
    found = np.clip(np.asarray(probabilities, np.float64), _LEAST, 1.0 - _LEAST)
    is_defect = np.asarray(labels, np.bool_)
    return float(-np.where(is_defect, np.log(found), np.log1p(-found)).mean())


def _clean(scores: Sequence[float]) -> FloatArray:
    values = np.asarray(scores, np.float64).ravel()
    if not np.isfinite(values).all() or (values < 0).any():
        raise ModelError("scores_invalid")
    return values


def _sigmoid(value: float) -> float:
    return 1.0 / (1.0 + math.exp(-value)) if value >= 0 else math.exp(value) / (1.0 + math.exp(value))


def _fit_platt(scores: FloatArray, labels: npt.NDArray[np.bool_]) -> ScoreCalibration:
    """Return the sigmoid of least cross entropy with Platt's targets, by Newton's method on standardized scores."""
    n_defect, n_good = int(labels.sum()), int((~labels).sum())
    targets = np.where(labels, (n_defect + 1) / (n_defect + 2), 1 / (n_good + 2))
    center, spread = float(scores.mean()), float(scores.std()) or 1.0
    places = np.stack([(scores - center) / spread, np.ones_like(scores)], axis=1)
    found = np.array([0.0, math.log((n_defect + 1) / (n_good + 1))])

    def loss(weights: FloatArray) -> float:
        values = places @ weights
        return float((np.logaddexp(0.0, values) - targets * values).sum())

    now = loss(found)
    for _ in range(100):
        values = places @ found
        shares = 1.0 / (1.0 + np.exp(-np.clip(values, -500, 500)))
        slope = places.T @ (shares - targets)
        curve = (places * (shares * (1 - shares))[:, None]).T @ places + 1e-9 * np.eye(2)
        step = np.linalg.solve(curve, slope)
        size = 1.0
        while size > 1e-8 and loss(found - size * step) > now - 1e-4 * size * float(slope @ step):
            size /= 2
        if size <= 1e-8:
            break
        found = found - size * step
        before, now = now, loss(found)
        if before - now < 1e-12:
            break
    slope_of, offset = float(found[0]) / spread, float(found[1] - found[0] * center / spread)
    return ScoreCalibration("platt", slope=slope_of, offset=offset)


def _fit_isotonic(scores: FloatArray, labels: npt.NDArray[np.bool_]) -> ScoreCalibration:
    """Return the monotone probabilities nearest to the labels, each block with one picture of either class added.

    The blocks of pool adjacent violators stand at the middle of their scores, with straight lines between them.
    """
    order = np.argsort(scores, kind="stable")
    blocks: list[list[float]] = []  # sum of labels, count, lowest score, highest score
    for place in order:
        score = float(scores[place])
        if blocks and blocks[-1][3] == score:
            blocks[-1][0] += float(labels[place])
            blocks[-1][1] += 1
        else:
            blocks.append([float(labels[place]), 1.0, score, score])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] >= blocks[-1][0] / blocks[-1][1]:
            last = blocks.pop()
            blocks[-1] = [blocks[-1][0] + last[0], blocks[-1][1] + last[1], blocks[-1][2], last[3]]
    points: list[tuple[float, float]] = []
    highest = 0.0
    for total, count, low, high in blocks:
        # One more of either class keeps a block of all defects from being a certainty.
        highest = max(highest, (total + 0.5) / (count + 1))
        points += [(low, highest)] if low == high else [(low, highest), (high, highest)]
    return ScoreCalibration("isotonic", points=tuple(points))


def _fit_percentile(good: FloatArray) -> ScoreCalibration:
    limits: list[tuple[float, float]] = []
    highest = -1.0
    for percent in _GRID:
        # The limit of the next good picture, of which a few pictures say less than their own percentiles would.
        limit = calibrate(good, (), method="percentile", percentile=percent).review_at
        if limit > highest * (1 + 1e-9):
            limits.append((limit, 1.0 - percent / 100.0))
            highest = limit
    if len(limits) < 2:
        limits.append((limits[0][0] * 2, REVIEW_SHARE / 10))
    return ScoreCalibration("percentile", points=tuple(limits))


def _split(parts: Sequence[str], labels: npt.NDArray[np.bool_], scores: FloatArray) -> npt.NDArray[np.intp]:
    """Return the fold of each score: whole parts, both classes and all heights of scores spread over the folds."""
    worst: dict[str, tuple[bool, float]] = {}
    for part, label, score in zip(parts, labels, scores, strict=True):
        before = worst.get(part, (False, 0.0))
        worst[part] = (before[0] or bool(label), max(before[1], float(score)))
    in_order = sorted(worst, key=lambda part: (*worst[part], part))
    fold_of: dict[str, int] = {}
    counts = {False: 0, True: 0}
    for part in in_order:
        is_defect = worst[part][0]
        fold_of[part] = counts[is_defect] % _FOLDS
        counts[is_defect] += 1
    return np.array([fold_of[part] for part in parts], np.intp)


def _left_out_loss(fit: Any, scores: FloatArray, labels: npt.NDArray[np.bool_], folds: npt.NDArray[np.intp]) -> float:
    found = np.empty_like(scores)
    for fold in range(_FOLDS):
        inside = folds == fold
        if not inside.any():
            continue
        rest = ~inside
        calibration = fit(scores[rest], labels[rest])
        found[inside] = [calibration.probability(float(score)) for score in scores[inside]]
    return measure_log_loss(found, labels)
