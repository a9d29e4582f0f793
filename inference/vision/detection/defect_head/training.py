"""Teaching a defect head, and deciding by cross-validation what it may do.

Everything is decided on images that the head in question has not seen, whole parts together: how much it may raise
scores, how sure its types are. Each type in turn is also left out of the teaching altogether: a head that makes such
an unknown defect harder to find raises nothing and only names types.

The model is a multinomial logistic regression (scikit-learn) on standardized features.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from inference.vision.detection.defect_head.examples import Example, Sampling, TakenPatches, take_patches
from inference.vision.detection.defect_head.figures import HeadFigures, LeftOut, Restraint
from inference.vision.detection.defect_head.head import (
    DefectHead,
    add_evidence,
    log_shares,
    smooth_evidence,
    speak,
)
from inference.vision.detection.metrics import image_auroc
from inference.vision.detection.scoring import PatchDistances
from inference.vision.learning.splits import fold_parts

FEWEST_DEFECTS = 5
FEWEST_NORMALS = 4
_FOLDS = 5
_REGULARIZATION = 0.02
_ITERATIONS, _TOLERANCE = 100, 1e-3
# How much one spread of the head's log-odds among good parts may count, in spreads of their scores.
_STRENGTHS = (0.5, 1.0, 2.0, 4.0)
# With one type nothing says how an unknown one would fare.
_STRONGEST_ALONE = 1.0
LARGEST_LOSS = 0.01
# A known defect rarely shows less evidence than all but this share of the labeled ones.
_FAINTEST_SHARE = 0.05
_TEMPERATURES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)

Report = Callable[[], None]


@dataclass(frozen=True)
class UnseenDefect:
    """What a head that has not seen a defect says of it, as it would at an inspection.

    `label` is the number of its type in the head, `fold` that of its part; `distances` are raised, `shares` (K,) the
    log-probabilities of the types.
    """

    label: int
    fold: int
    distances: PatchDistances = field(repr=False)
    shares: np.ndarray = field(repr=False)


@dataclass(frozen=True)
class Lesson:
    """A taught head, what is known of it, and the scores by key of all examples by heads that have not seen them.

    `unseen` is what these say of each defect, by key.
    """

    head: DefectHead
    figures: HeadFigures
    scores: dict[str, float]
    unseen: Mapping[str, UnseenDefect] = field(default_factory=dict, repr=False)


def teach(examples: Sequence[Example], *, smoothing: float, report: Report | None = None) -> Lesson | None:
    """Return a head taught with the labeled defects among the examples; None where there are too few of them.

    `smoothing` is the sigma, in cells, with which log-odds are smoothed. `report` is called now and then and may raise.
    Deterministic.
    """
    n_defect = sum(example.label is not None for example in examples)
    if n_defect < FEWEST_DEFECTS or len(examples) - n_defect < FEWEST_NORMALS:
        return None
    return _Teaching(examples, smoothing, report or (lambda: None)).run()


class _Teaching:
    def __init__(self, examples: Sequence[Example], smoothing: float, report: Report) -> None:
        self._examples = list(examples)
        self._smoothing = smoothing
        self._report = report
        self._types = tuple(sorted(frozenset().union(*(example.types for example in examples))))
        self._number = {name: number for number, name in enumerate(self._types, start=1)}
        self._is_defect = np.array([example.label is not None for example in examples])
        n_defect = int(self._is_defect.sum())
        self._sampling = Sampling.of(n_normal=len(self._examples) - n_defect, n_defect=n_defect)
        self._taken = [self._take(example, place) for place, example in enumerate(self._examples)]
        rows = np.concatenate(
            [taken.rows for taken, defect in zip(self._taken, self._is_defect, strict=True) if not defect]
        )
        self._mean = rows.mean(axis=0, dtype=np.float64)
        self._spread = rows.std(axis=0, dtype=np.float64) + 1e-6

    def run(self) -> Lesson:
        everything = np.arange(len(self._examples))
        whole = self._fit(everything)
        labels = [example.label or "" for example in self._examples]
        folds = fold_parts([example.part for example in self._examples], folds=_FOLDS, labels=labels)
        of_folds = [self._fit(np.flatnonzero(folds != fold)) for fold in range(int(folds.max()) + 1)]
        without = self._fit_without()
        unseen: list[np.ndarray] = []
        blind: list[dict[str, np.ndarray]] = []
        for place, example in enumerate(self._examples):
            self._report()
            own = self._own_heads(without, place)
            heads = [of_folds[folds[place]] if len(of_folds) > 1 else whole, *own.values()]
            stacked = np.concatenate([weights for weights, _ in heads])
            bias = np.concatenate([bias for _, bias in heads])
            logits = example.patches.measure(lambda patches, w=stacked, b=bias: w @ patches + b[:, None])  # type: ignore[misc]
            parts = np.split(logits, np.cumsum([len(bias) for _, bias in heads])[:-1])
            unseen.append(parts[0])
            blind.append(dict(zip(own, parts[1:], strict=True)))
        return self._conclude(whole, unseen, blind, folds)

    def _take(self, example: Example, place: int) -> TakenPatches:
        self._report()
        return take_patches(example, numbers=self._number, place=place, sampling=self._sampling)

    # --- fitting -----------------------------------------------------------------------------------------------------

    def _fit(self, places: np.ndarray, *, any_type: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Return weights (K + 1, D) and bias (K + 1,) taught with these examples; a type that none shows is never.

        With `any_type` all defects are one type: (2, D) and (2,), at a fraction of the time.
        """
        from sklearn.linear_model import LogisticRegression

        self._report()
        taken = [self._taken[place] for place in places]
        rows = (np.concatenate([one.rows for one in taken]) - self._mean) / self._spread
        labels = np.concatenate([one.labels for one in taken])
        labels = np.minimum(labels, 1) if any_type else labels
        count = 2 if any_type else len(self._types) + 1
        weights = np.concatenate([one.weights for one in taken])
        present = np.unique(labels)
        all_weights = np.zeros((count, rows.shape[1]))
        all_bias = np.full(count, -30.0)
        if len(present) < 2:
            all_bias[present] = 0.0
        else:
            model = LogisticRegression(C=_REGULARIZATION, class_weight="balanced", max_iter=_ITERATIONS, tol=_TOLERANCE)
            model.fit(rows, labels, sample_weight=weights)
            if len(present) == 2:  # one row says how much likelier the second class is
                all_weights[present[1]], all_bias[present[1]], all_bias[present[0]] = (
                    model.coef_[0],
                    model.intercept_[0],
                    0.0,
                )
            else:
                all_weights[present], all_bias[present] = model.coef_, model.intercept_
        scaled = all_weights / self._spread
        return scaled.astype(np.float32), (all_bias - scaled @ self._mean).astype(np.float32)

    def _fit_without(self) -> dict[str, tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray]]]]:
        """Return by type heads that have never seen it, each of a half of the good parts, and those halves."""
        if len(self._types) < 2:
            return {}
        places = np.arange(len(self._examples))
        halves = fold_parts([example.part for example in self._examples], folds=2)
        found = {}
        for name in self._types:
            others = np.array([name not in example.types for example in self._examples])
            learned = [
                self._fit(places[others & (self._is_defect | (halves != half))], any_type=True)
                for half in range(int(halves.max()) + 1)
            ]
            found[name] = (halves, learned)
        return found

    def _own_heads(
        self, without: dict[str, tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray]]]], place: int
    ) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Return by type the head without it that has not seen this example either: of good parts, and of its own."""
        example = self._examples[place]
        return {
            name: learned[halves[place] if example.label is None else 0]
            for name, (halves, learned) in without.items()
            if example.label is None or name in example.types
        }

    # --- deciding ----------------------------------------------------------------------------------------------------

    def _conclude(
        self,
        whole: tuple[np.ndarray, np.ndarray],
        unseen: list[np.ndarray],
        blind: list[dict[str, np.ndarray]],
        folds: np.ndarray,
    ) -> Lesson:
        examples, defects = self._examples, self._is_defect
        plain = np.array([example.distances.score for example in examples])
        spread = max(float(plain[~defects].std()), 1e-6)
        evidence = [self._smooth(logits, place) for place, logits in enumerate(unseen)]
        usual, unit = self._usual(evidence)
        by_strength = {strength: self._raise(evidence, usual, strength * spread / unit) for strength in _STRENGTHS}
        left_out = {name: self._leave_out(name, blind, plain, spread) for name in (self._types if blind[0] else ())}
        strength, restraint = self._choose(plain, by_strength, left_out)
        raised = by_strength.get(strength, plain)
        head = DefectHead(
            types=self._types,
            weights=whole[0],
            bias=whole[1],
            usual=usual,
            gain=strength * spread / unit,
            smoothing=self._smoothing,
            most=(len(defects) + 1) / (len(defects) + 2),
        )
        raised_defects = {
            int(place): add_evidence(examples[place].distances, evidence[place], head.usual, head.gain)
            for place in np.flatnonzero(defects)
        }
        head, top1 = self._calibrate_types(head, raised_defects, unseen)
        figures = HeadFigures(
            n_normal=int((~defects).sum()),
            n_defect=int(defects.sum()),
            n_marked=sum(example.mask is not None for example in examples),
            counts={name: sum(name in example.types for example in examples) for name in self._types},
            auroc_plain=image_auroc(plain, defects),
            auroc_raised=image_auroc(raised, defects),
            strength=strength,
            restraint=restraint,
            type_top1=top1,
            left_out={
                name: LeftOut(one.n, one.plain, one.by_strength[strength or _STRENGTHS[0]])
                for name, one in left_out.items()
            },
        )
        return Lesson(
            head,
            figures,
            {example.key: float(score) for example, score in zip(examples, raised, strict=True)},
            {
                examples[place].key: UnseenDefect(
                    label=self._number[examples[place].label or ""] - 1,
                    fold=int(folds[place]),
                    distances=distances,
                    shares=log_shares(speak(distances, unseen[place])[0], head.temperature),
                )
                for place, distances in raised_defects.items()
            },
        )

    def _smooth(self, logits: np.ndarray, place: int) -> np.ndarray:
        return smooth_evidence(logits, self._examples[place].distances, self._smoothing)

    def _usual(self, evidence: Sequence[np.ndarray | None]) -> tuple[float, float]:
        """Return median and spread, over the good parts, of the log-odds of their highest patches."""
        peaks = [
            _peak(found, example.distances)
            for found, example in zip(evidence, self._examples, strict=True)
            if found is not None and example.label is None
        ]
        return float(np.median(peaks)), max(float(np.std(peaks)), 1e-3)

    def _raise(self, evidence: Sequence[np.ndarray | None], usual: float, gain: float) -> np.ndarray:
        """Return the raised score of each example; NaN where there is no evidence of it."""
        return np.array(
            [
                np.nan if found is None else add_evidence(example.distances, found, usual, gain).score
                for found, example in zip(evidence, self._examples, strict=True)
            ]
        )

    def _leave_out(self, name: str, blind: list[dict[str, np.ndarray]], plain: np.ndarray, spread: float) -> _BlindType:
        evidence = [self._smooth(found[name], place) if name in found else None for place, found in enumerate(blind)]
        usual, unit = self._usual(evidence)
        concerned = np.array([found is not None for found in evidence])
        defects = self._is_defect[concerned]

        def auroc(scores: np.ndarray) -> float:
            return image_auroc(scores[concerned], defects) or 0.0

        return _BlindType(
            n=int(defects.sum()),
            plain=auroc(plain),
            by_strength={
                strength: auroc(self._raise(evidence, usual, strength * spread / unit)) for strength in _STRENGTHS
            },
        )

    def _choose(
        self, plain: np.ndarray, by_strength: dict[float, np.ndarray], left_out: dict[str, _BlindType]
    ) -> tuple[float, Restraint | None]:
        """Return how strongly the head may raise scores, 0 for not at all, and why not."""
        allowed = [
            strength
            for strength in _STRENGTHS
            if all(one.plain - one.by_strength[strength] <= LARGEST_LOSS for one in left_out.values())
            and (left_out or strength <= _STRONGEST_ALONE)
        ]
        if not allowed:
            return 0.0, "unknown_types_lose"
        aurocs = {strength: image_auroc(by_strength[strength], self._is_defect) or 0.0 for strength in allowed}
        best = max(allowed, key=lambda strength: (round(aurocs[strength], 3), -strength))
        if aurocs[best] <= (image_auroc(plain, self._is_defect) or 0.0):
            return 0.0, "no_gain"
        return best, None

    def _calibrate_types(
        self, head: DefectHead, raised: Mapping[int, PatchDistances], unseen: list[np.ndarray]
    ) -> tuple[DefectHead, float | None]:
        """Return the head with its temperature and limit of the known, and how often its first type is right."""
        from dataclasses import replace

        spoken: list[np.ndarray] = []
        truth: list[int] = []
        several: dict[int, list[int]] = {}  # the types of those that show more than one: each of them is right
        odds: list[float] = []
        for place, distances in raised.items():
            example = self._examples[place]
            assert example.label is not None
            said, found = speak(distances, unseen[place])
            spoken.append(said)
            odds.append(found)
            truth.append(self._number[example.label] - 1)
            if len(example.types) > 1:
                several[len(truth) - 1] = sorted(self._number[name] - 1 for name in example.types)
        known_at = None
        if len(odds) >= 2 * FEWEST_DEFECTS:
            lowest = float(np.quantile(odds, _FAINTEST_SHARE))
            known_at = lowest - 0.25 * float(np.std(odds))
        if len(self._types) < 2:
            return replace(head, known_at=known_at), None
        logits, right = np.array(spoken), np.array(truth)
        for place, types in several.items():
            right[place] = max(types, key=lambda number: logits[place, number])
        top1 = float((logits.argmax(axis=1) == right).mean())

        def loss(temperature: float) -> float:
            shifted = logits / temperature
            return float(
                np.mean(
                    np.log(np.exp(shifted - shifted.max(axis=1, keepdims=True)).sum(axis=1))
                    - (shifted[np.arange(len(right)), right] - shifted.max(axis=1))
                )
            )

        return replace(head, temperature=min(_TEMPERATURES, key=loss), known_at=known_at), top1


@dataclass(frozen=True)
class _BlindType:
    n: int
    plain: float
    by_strength: dict[float, float]


def _peak(evidence: np.ndarray, distances: PatchDistances) -> float:
    """Return the mean log-odds of as many of the highest patches as make a score."""
    counted = evidence if distances.valid is None else evidence[distances.valid]
    count = min(len(counted), max(1, round(len(evidence) * distances.share)))
    return float(np.partition(counted, len(counted) - count)[len(counted) - count :].mean())
