"""What a report of a memory bank tells: its scored test images, their figures, and what thresholds make of them.

Values alone, without pixels and rows: small enough for a browser session.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from core.catalog.names import ProductName
from core.models.calibration_figures import CalibrationFigures
from core.models.detection_figures import DetectionFigures, VerdictCounts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.catalog.names import DefectTypeName

OK, REVIEW, REJECT = "ok", "review", "reject"
VERDICTS = (OK, REVIEW, REJECT)
# True labels as cells of a confusion table are named: all good images, all defects, or one type (`type_label`).
GOOD, DEFECT = "good", "defect"
_TYPE = "type:"


def type_label(code: str) -> str:
    """Return the label of one defect type."""
    return f"{_TYPE}{code}"


def code_of_label(label: str) -> str | None:
    """Return the code of the defect type that a label names; None for good images and for all defects."""
    return label.removeprefix(_TYPE) if label.startswith(_TYPE) else None


@dataclass(frozen=True)
class Rate:
    """`count` of `total` images, the share, and its 95 % bounds (0 to 1); None where there are no images.

    The bounds are exact (Clopper-Pearson) for so many images as the parts behind them are worth: images of one part are
    not independent, and count for less.
    """

    count: int
    total: int
    rate: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Interval:
    """A figure from 0 to 1 with its 95 % bounds."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ScoredImage:
    """A test image as it was measured. `score` is a float32 distance, `part` what all images of one piece share.

    `image_id`, `object_key` and `thumbnail_key` lead to the image; None and "" where it is gone. `defect_type` is the
    code of its type, None for a good image. `pixel_auroc` says how well its heat map finds its mask; None without one.
    """

    id: int
    name: str
    content_sha256: str
    part: str
    defect_type: str | None
    score: float
    image_id: int | None = None
    object_key: str = ""
    thumbnail_key: str = ""
    has_mask: bool = False
    pixel_auroc: float | None = None

    @property
    def is_defect(self) -> bool:
        """Return whether the image shows a defect."""
        return self.defect_type is not None

    def verdict_at(self, review_at: float, reject_at: float) -> str:
        """Return ok, review or reject by these thresholds."""
        if self.score >= reject_at:
            return REJECT
        return OK if self.score < review_at else REVIEW


@dataclass(frozen=True)
class Confusion:
    """Verdicts by true label. `overkill`: good parts judged NG; `escape`: defects judged OK; others go to a person."""

    good: VerdictCounts
    defect: VerdictCounts
    by_type: Mapping[str, VerdictCounts]
    overkill: Rate
    escape: Rate
    good_reviewed: Rate
    defect_reviewed: Rate

    def count(self, label: str, verdict: str) -> int:
        """Return how many images of a label (`GOOD`, `DEFECT`, `type_label(code)`) get a verdict."""
        code = code_of_label(label)
        if code is not None:
            counts = self.by_type.get(code, VerdictCounts())
        else:
            counts = self.good if label == GOOD else self.defect
        return int(getattr(counts, verdict))


@dataclass(frozen=True)
class TypeReport:
    """The test images of one defect type: how many, on how many parts, AUROC against all good images, and who passes.

    `name` is None where the type was deleted or renamed since.
    """

    code: str
    name: DefectTypeName | None
    n: int
    n_parts: int
    image_auroc: float | None
    escape: Rate
    reviewed: Rate
    lowest_score: float


@dataclass(frozen=True)
class Curve:
    """A curve by falling threshold: ROC (x overkill rate, y share of defects found) or precision (y) by recall (x)."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    thresholds: tuple[float, ...]


@dataclass(frozen=True)
class ThresholdEntry:
    """Thresholds that a version has had. `saved_by` is "" where no person is known; `id` is for `seen_id`."""

    id: int
    review_at: float
    reject_at: float
    method: str
    reason: str
    created_at: datetime
    saved_by: str


@dataclass(frozen=True)
class VersionHead:
    """Which memory bank a report is of; `view` is the code of the view, empty for a product without views."""

    version_id: int
    number: int
    state: str
    model_name: str
    product_id: int
    product_code: str
    product: ProductName
    created_at: datetime
    activated_at: datetime | None
    is_kept: bool
    view: str = ""


@dataclass(frozen=True)
class Freshness:
    """Whether the test images are still those that were measured. `images_now` is how many the product has now."""

    is_current: bool
    images_now: int


@dataclass(frozen=True)
class ModelReport:
    """A memory bank on its frozen test images, in order of score.

    `figures` holds what was measured with the thresholds of that moment (pixel AUROC, AUPRO, ms an image, skipped
    images); `confusion` and `types` are at the thresholds in force now, `thresholds[0]`. `auroc` is None where a class
    is missing. `warnings` are codes: few_defects, few_good, no_defects, no_good, no_masks.
    """

    head: VersionHead
    measured_at: datetime
    freshness: Freshness
    images: tuple[ScoredImage, ...] = field(repr=False)
    thresholds: tuple[ThresholdEntry, ...]
    figures: DetectionFigures
    auroc: Interval | None
    confusion: Confusion
    types: tuple[TypeReport, ...]
    roc: Curve | None = field(repr=False)
    precision_recall: Curve | None = field(repr=False)
    warnings: tuple[str, ...] = ()

    @property
    def in_force(self) -> ThresholdEntry:
        """Return the thresholds in force."""
        return self.thresholds[0]

    @property
    def n_good(self) -> int:
        """Return the number of good test images."""
        return sum(not image.is_defect for image in self.images)

    @property
    def n_defect(self) -> int:
        """Return the number of test images with a defect."""
        return sum(image.is_defect for image in self.images)


@dataclass(frozen=True)
class Proposal:
    """Thresholds by a calibration method with its parameter, from the scores that the version was calibrated on.

    `method` is percentile, mean_std or f1_max; `percent` the share of good parts that stay below Review, `k` the
    standard deviations. `figures` tell how many images these are and which errors they make; `warnings` are codes of
    `inference.vision.detection.calibration.Calibration`.
    """

    review_at: float
    reject_at: float
    method: str
    percent: float | None
    k: float | None
    figures: CalibrationFigures
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Costs:
    """What mistakes cost a product, in `currency`: an escape, an overkill, and a look by a person at one part.

    `defect_rate` is the line's share of defective parts (0 to 1) as a person has set it; None: that of recent
    inspections. `row_version` is 0 while nothing is stored.
    """

    escape: float
    overkill: float
    review: float
    currency: str = ""
    defect_rate: float | None = None
    row_version: int = 0


@dataclass(frozen=True)
class LineRate:
    """The share of defective parts of recent inspections: `defects` of `n` since `days` days; `rate` None for none."""

    n: int
    defects: int
    days: int
    rate: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class CostAt:
    """What a part costs on average at two thresholds, and the parts of it: escapes, overkill, looks by a person."""

    total: float
    escape: float
    overkill: float
    review: float


@dataclass(frozen=True)
class CheapestPair:
    """The cheapest thresholds on the test images, weighted by the line's defect rate.

    `review_range`, `reject_range` and `cost_range` hold nine in ten of the optima of resampled parts: wide ones say
    that the images do not decide. `warnings` are codes: few_defects, few_good, unsure.
    """

    review_at: float
    reject_at: float
    cost: CostAt
    defect_rate: float
    n_good: int
    n_defect: int
    review_range: tuple[float, float]
    reject_range: tuple[float, float]
    cost_range: tuple[float, float]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class ScoreArrays:
    """The scored images as arrays of one order: float64 scores, labels (True: defect), and numbers of parts."""

    scores: NDArray[np.float64]
    labels: NDArray[np.bool_]
    parts: NDArray[np.int64]
