"""What a comparison of two memory banks tells: both on the same test images, and what they judge differently."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.model_report.records import (
    OK,
    REJECT,
    REVIEW,
    Confusion,
    Interval,
    ScoredImage,
    ThresholdEntry,
    VersionHead,
)


@dataclass(frozen=True)
class Disagreement:
    """A test image that two versions judge differently, each by its own thresholds in force."""

    image: ScoredImage
    score_a: float
    verdict_a: str
    score_b: float
    verdict_b: str

    @property
    def better(self) -> str | None:
        """Return "a" or "b", whichever judges it nearer to the truth: a defect NG, a good part OK, Review between."""
        rank = {OK: 0, REVIEW: 1, REJECT: 2}
        a, b = rank[self.verdict_a], rank[self.verdict_b]
        if a == b:
            return None
        return "a" if (a > b) == self.image.is_defect else "b"


@dataclass(frozen=True)
class Side:
    """One version of a comparison, on the images that both were measured on."""

    head: VersionHead
    in_force: ThresholdEntry
    confusion: Confusion
    auroc: Interval | None


@dataclass(frozen=True)
class Difference:
    """B minus A with its 95 % bounds from resampled parts; `p` of McNemar's exact test, None where it has none."""

    value: float
    low: float
    high: float
    p: float | None = None


@dataclass(frozen=True)
class VersionComparison:
    """Two versions on the same frozen images (by content and label); of either, images beyond these are left out.

    `n_relabeled` of the images in both have another label now than then, and are left out, too. `escape` and
    `stopped_good` compare the shares of defects that pass and of good parts that are stopped (Review or NG).
    """

    a: Side
    b: Side
    n_common: int
    n_parts: int
    n_only_a: int
    n_only_b: int
    n_relabeled: int
    auroc: Difference | None
    escape: Difference | None
    stopped_good: Difference | None
    disagreements: tuple[Disagreement, ...] = field(repr=False)
