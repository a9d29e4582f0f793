"""Teaching the types of regions, and deciding by cross-validation whether these, the patches or both name types.

Regions are learned where a person has marked them and where the map shows them; they are tried where a map shows them
that is drawn by heads which have not seen the part, as at an inspection. Views with rows and columns exchanged teach
where the types are told better with them: a type may be one that runs along the part and not across.

The model is a multinomial logistic regression (scikit-learn) on standardized features.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.special import log_softmax  # type: ignore[import-untyped]

from inference.vision.detection.region_types.network import ALL_VIEWS, INSPECTED_VIEWS, UPRIGHT_VIEWS
from inference.vision.detection.region_types.region_types import RegionTypes, join_opinions, judge_regions

FEWEST_DEFECTS = 10
FEWEST_TYPES = 2
# Of so many features only what many examples agree on may count.
_REGULARIZATION = 0.01
_ITERATIONS, _TOLERANCE = 100, 1e-3
_SHARES = (0.0, 0.5, 1.0)
_TEMPERATURES = (0.0625, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0)
_NEVER = -30.0


@dataclass(frozen=True)
class RegionExample:
    """One defect: `label` is the number of its type, `fold` that of its part.

    `marked` and `found` are the features of all views of its regions by the mask and by the map, float32 (n, 8, D);
    `trusted` says that what was found is the defect. `patches` (K,) are the log-probabilities of a head that has not
    seen it. One without anything found teaches, but is not tried: the map shows another defect of its image.
    """

    label: int
    fold: int
    marked: np.ndarray = field(repr=False)
    found: np.ndarray = field(repr=False)
    trusted: bool
    patches: np.ndarray = field(repr=False)

    def lessons(self, views: int) -> np.ndarray:
        """Return what so many views teach: float32 (n, D), n may be 0."""
        regions = [self.marked, self.found] if self.trusted else [self.marked]
        return np.concatenate([one[:, :views].reshape(-1, one.shape[-1]) for one in regions])

    @property
    def shown(self) -> np.ndarray:
        """What an inspection looks at: float32 (n, 2, D)."""
        return self.found[:, list(INSPECTED_VIEWS)]


@dataclass(frozen=True)
class RegionLesson:
    """Taught types of regions, None where the patches alone name better; and how often each is right, 0 to 1."""

    regions: RegionTypes | None
    patch_top1: float
    region_top1: float
    top1: float


def teach_regions(examples: Sequence[RegionExample], *, count: int, report: Callable[[], None]) -> RegionLesson | None:
    """Return what the regions of defects of `count` types teach; None with too few of them, or with one fold.

    `report` is called now and then and may raise. Deterministic.
    """
    tried = [example for example in examples if len(example.found)]
    labels = np.array([example.label for example in tried], np.int64)
    folds = np.array([example.fold for example in tried], np.int64)
    if len(tried) < FEWEST_DEFECTS or len(np.unique(labels)) < FEWEST_TYPES or len(np.unique(folds)) < 2:
        return None
    by_views = {views: _cross_validate(examples, tried, count, views, report) for views in (UPRIGHT_VIEWS, ALL_VIEWS)}
    owns = {views: _calibrate(said, labels) for views, said in by_views.items()}
    views = min(by_views, key=lambda one: _loss(by_views[one], labels, owns[one]))
    said, own = by_views[views], owns[views]
    patches = np.array([example.patches for example in tried])
    losses: dict[float, tuple[float, float]] = {}
    for share in _SHARES:
        joined = join_opinions(patches, said, share, own, 1.0)
        temperature = _calibrate(joined, labels)
        losses[share] = (_loss(joined, labels, temperature), temperature)
    share = min(_SHARES, key=lambda one: losses[one][0])
    temperature = losses[share][1]
    top1 = _top1(join_opinions(patches, said, share, own, temperature), labels)
    regions = None
    if share > 0.0:
        report()
        weights, bias = _fit(examples, count, views)
        regions = RegionTypes(weights, bias, share, own, temperature)
    return RegionLesson(regions, _top1(patches, labels), _top1(said, labels), top1)


def _cross_validate(
    examples: Sequence[RegionExample],
    tried: Sequence[RegionExample],
    count: int,
    views: int,
    report: Callable[[], None],
) -> np.ndarray:
    """Return the log-probabilities (n, K) by the regions that the map shows, by classifiers that have not seen them."""
    said = np.zeros((len(tried), count))
    folds = np.array([example.fold for example in tried], np.int64)
    for fold in np.unique(folds):
        report()
        weights, bias = _fit([one for one in examples if one.fold != fold], count, views)
        for place in np.flatnonzero(folds == fold).tolist():
            said[place] = judge_regions(weights, bias, tried[place].shown)
    return said


def _fit(examples: Sequence[RegionExample], count: int, views: int) -> tuple[np.ndarray, np.ndarray]:
    """Return weights float32 (K, D) and bias (K,); a type that no example shows is never."""
    from sklearn.linear_model import LogisticRegression

    lessons = [example.lessons(views) for example in examples]
    rows = np.concatenate(lessons).astype(np.float64)
    labels = np.repeat([example.label for example in examples], [len(one) for one in lessons])
    # Every defect counts as one, however many regions and views it has.
    weights = np.repeat([1.0 / max(len(one), 1) for one in lessons], [len(one) for one in lessons])
    mean, spread = rows.mean(axis=0), rows.std(axis=0)
    spread = spread + 1e-3 * float(rows.std()) + 1e-6
    present = np.unique(labels)
    slopes, bias = np.zeros((count, rows.shape[1])), np.full(count, _NEVER)
    if len(present) < 2:
        bias[present] = 0.0
    else:
        totals = np.bincount(labels, weights, minlength=count)
        weights = weights * totals.sum() / (len(present) * totals[labels])
        model = LogisticRegression(C=_REGULARIZATION, max_iter=_ITERATIONS, tol=_TOLERANCE)
        model.fit((rows - mean) / spread, labels, sample_weight=weights)
        if len(present) == 2:  # one row says how much likelier the second class is
            slopes[present[1]], bias[present] = model.coef_[0], (0.0, float(model.intercept_[0]))
        else:
            slopes[present], bias[present] = model.coef_, model.intercept_
    scaled = slopes / spread
    return scaled.astype(np.float32), (bias - scaled @ mean).astype(np.float32)


def _calibrate(said: np.ndarray, labels: np.ndarray) -> float:
    return min(_TEMPERATURES, key=lambda temperature: _loss(said, labels, temperature))


def _loss(said: np.ndarray, labels: np.ndarray, temperature: float) -> float:
    return -float(log_softmax(said / temperature, axis=1)[np.arange(len(labels)), labels].mean())


def _top1(said: np.ndarray, labels: np.ndarray) -> float:
    return float((said.argmax(axis=1) == labels).mean())
