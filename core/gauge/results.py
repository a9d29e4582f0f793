"""What a study has found, as values: of the score, of the verdicts, and which parts stand in the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.gauge.agreement import Kappa, Share
from core.gauge.terms import (
    EFFECTIVENESS_LIMITS,
    FALSE_ALARM_LIMITS,
    FEWEST_CATEGORIES,
    GRR_LIMITS,
    KAPPA_LIMITS,
    MARGINAL,
    MISS_LIMITS,
    NOT_ACCEPTABLE,
    grade_high,
    grade_low,
    worst,
)
from core.gauge.variance import GRR, VarianceStudy

if TYPE_CHECKING:
    from core.gauge.records import PartView, Study


@dataclass(frozen=True)
class FlippingPart:
    """A part that one and the same model judged differently: how often it said what, and the scores it gave."""

    part: PartView
    verdicts: dict[str, int]
    low: float
    high: float


@dataclass(frozen=True)
class NearPart:
    """A part that did not flip but lies so near a threshold that it may: `chance` is of one look falling beyond it."""

    part: PartView
    mean: float
    threshold: str
    chance: float


@dataclass(frozen=True)
class ScoreResult:
    """What the scores tell. `parts` are those with all pictures, in the order of the arrays; others are left out."""

    variance: VarianceStudy
    parts: tuple[PartView, ...]
    left_out: tuple[PartView, ...]
    flipping: tuple[FlippingPart, ...]
    near: tuple[NearPart, ...]

    @property
    def grr_grade(self) -> str:
        """Return the grade of GRR as a share of the total variation."""
        return grade_low(self.variance.components[GRR].of_variation, GRR_LIMITS)

    @property
    def categories_grade(self) -> str:
        """Return the grade of the number of distinct categories: a few are too few, whatever GRR says."""
        count = self.variance.categories
        if count is None or count >= FEWEST_CATEGORIES:
            return grade_high(1.0, EFFECTIVENESS_LIMITS)
        return MARGINAL if count >= 2 else NOT_ACCEPTABLE

    @property
    def tolerance_grade(self) -> str | None:
        """Return the grade of GRR as a share of the distance of the thresholds, None where there is none."""
        share = self.variance.components[GRR].of_tolerance
        return None if share is None else grade_low(share, GRR_LIMITS)

    @property
    def grade(self) -> str:
        """Return the grade of the score as a measurement."""
        found = worst([self.grr_grade, self.categories_grade])
        assert found is not None
        return found


@dataclass(frozen=True)
class AppraiserResult:
    """How one person, or the model at one setup, decided: with itself, and against what the parts really are.

    `same` counts parts that were always judged alike (None where each was seen once), `right` those that were always
    judged as the reference says; `missed` and `false_alarms` count looks. None without a reference of that kind.
    """

    name: str
    is_model: bool
    setup: int | None
    n_looks: int
    same: Share | None
    right: Share | None
    missed: Share | None
    false_alarms: Share | None
    within: Kappa | None
    against_reference: Kappa | None

    @property
    def grades(self) -> dict[str, str]:
        """Return the grade of each figure that has a limit."""
        found = {}
        if self.right is not None:
            found["right"] = grade_high(self.right.value, EFFECTIVENESS_LIMITS)
        if self.missed is not None:
            found["missed"] = grade_low(self.missed.value, MISS_LIMITS)
        if self.false_alarms is not None:
            found["false_alarms"] = grade_low(self.false_alarms.value, FALSE_ALARM_LIMITS)
        if self.right is None and self.within is not None:
            found["within"] = grade_high(self.within.value, KAPPA_LIMITS)
        return found

    @property
    def grade(self) -> str | None:
        """Return the worst of the grades, None where nothing can be graded."""
        return worst(list(self.grades.values()))


@dataclass(frozen=True)
class PairResult:
    """How far two of the appraisers agree."""

    first: AppraiserResult
    second: AppraiserResult
    kappa: Kappa | None


@dataclass(frozen=True)
class PartLooks:
    """A part with how often each appraiser stopped it: (stopped, looks) by the appraiser's place."""

    part: PartView
    mean_score: float | None
    stopped: tuple[tuple[int, int], ...]

    @property
    def is_unanimous(self) -> bool:
        """Return whether every look said the same."""
        total = sum(looks for _stopped, looks in self.stopped)
        return sum(stopped for stopped, _looks in self.stopped) in {0, total}


@dataclass(frozen=True)
class GrayZone:
    """The scores between which looks do not agree: below `low` all let pass, above `high` all stop."""

    low: float
    high: float
    of_tolerance: float | None


@dataclass(frozen=True)
class AgreementResult:
    """What the verdicts tell: each appraiser, each pair, and all together.

    `left_out` are parts that not everybody has seen as often as planned, `absent` people who have finished no part.
    """

    appraisers: tuple[AppraiserResult, ...]
    pairs: tuple[PairResult, ...]
    between: Kappa | None
    all_same: Share
    all_right: Share | None
    looks: tuple[PartLooks, ...]
    left_out: tuple[PartView, ...]
    absent: tuple[str, ...]
    zone: GrayZone | None
    n_good: int
    n_defect: int

    @property
    def grade(self) -> str | None:
        """Return the worst grade of all appraisers and of their agreement with each other."""
        grades = [grade for one in self.appraisers if (grade := one.grade) is not None]
        if self.between is not None and len(self.appraisers) > 1:
            grades.append(grade_high(self.between.value, KAPPA_LIMITS))
        return worst(grades)


@dataclass(frozen=True)
class Evaluation:
    """A study and what it found so far; a part that cannot be told yet is None."""

    study: Study
    score: ScoreResult | None
    agreement: AgreementResult | None
    # (part, appraiser, repeat) → verdict, for the raw data: "" where a look is missing
    ratings: tuple[RawRating, ...] = field(default=())

    @property
    def grade(self) -> str | None:
        """Return the worst grade of what was asked for; None while nothing can be graded."""
        grades = [self.score.grade] if self.score is not None else []
        if self.agreement is not None and self.agreement.grade is not None:
            grades.append(self.agreement.grade)
        return worst(grades)


@dataclass(frozen=True)
class RawRating:
    """One look of a person, for the raw data."""

    part_id: int
    appraiser_id: int
    repeat_no: int
    position: int
    verdict: str
    trial_id: int | None
