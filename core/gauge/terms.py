"""The words of a gauge study by code, and the limits that decide what is acceptable (AIAG MSA, 4th edition)."""

from __future__ import annotations

from core.i18n import N_

SCORE, VERDICT, BOTH = "score", "verdict", "both"
KIND_NAMES: dict[str, str] = {
    SCORE: N_("Does the score repeat?"),
    VERDICT: N_("Do people and model decide alike?"),
    BOTH: N_("Both together"),
}
KIND_METHODS: dict[str, str] = {
    SCORE: N_("Gauge R&R of the score (ANOVA)"),
    VERDICT: N_("Attribute agreement (kappa)"),
    BOTH: N_("Gauge R&R of the score and attribute agreement"),
}
DRAFT, RUNNING, CLOSED, CANCELLED = "draft", "running", "closed", "cancelled"
STATE_NAMES: dict[str, str] = {
    DRAFT: N_("Being planned"),
    RUNNING: N_("Being carried out"),
    CLOSED: N_("Completed"),
    CANCELLED: N_("Cancelled"),
}
GOOD, DEFECT, UNKNOWN = "good", "defect", ""
REFERENCE_NAMES: dict[str, str] = {UNKNOWN: N_("Not known"), GOOD: N_("Good part"), DEFECT: N_("Defective part")}
BY_EXPERT, BY_LABEL = "expert", "label"
REFERENCE_SOURCES: dict[str, str] = {BY_EXPERT: N_("said by an expert"), BY_LABEL: N_("label of the image")}
# What a person may say of a part; Review is the model's alone.
OK, REVIEW, REJECT = "ok", "review", "reject"
RATINGS = (OK, REJECT)

ACCEPTABLE, MARGINAL, NOT_ACCEPTABLE = "acceptable", "marginal", "not_acceptable"
GRADE_NAMES: dict[str, str] = {
    ACCEPTABLE: N_("Acceptable"),
    MARGINAL: N_("Conditionally acceptable"),
    NOT_ACCEPTABLE: N_("Not acceptable"),
}
_GRADES = (ACCEPTABLE, MARGINAL, NOT_ACCEPTABLE)

# Parts, setups, repeats.
FEWEST_PARTS, MOST_PARTS = 2, 100
USUAL_PARTS, USUAL_VERDICT_PARTS, FEW_VERDICT_PARTS = 10, 30, 20
MOST_SETUPS, MOST_APPRAISERS = 10, 10
FEWEST_REPEATS, USUAL_REPEATS, MOST_REPEATS = 2, 3, 5
MOST_PICTURES = 1000

# AIAG MSA, 4th edition, chapter II-D (GRR, ndc) and III-C (attribute study).
GRR_LIMITS = (0.10, 0.30)
FEWEST_CATEGORIES = 5
EFFECTIVENESS_LIMITS = (0.90, 0.80)
MISS_LIMITS = (0.02, 0.05)
FALSE_ALARM_LIMITS = (0.05, 0.10)
KAPPA_LIMITS = (0.75, 0.40)


def grade_low(value: float, limits: tuple[float, float]) -> str:
    """Return the grade of a value that should be low: acceptable up to the first limit, marginal up to the second."""
    first, second = limits
    return ACCEPTABLE if value <= first else MARGINAL if value <= second else NOT_ACCEPTABLE


def grade_high(value: float, limits: tuple[float, float]) -> str:
    """Return the grade of a value that should be high: acceptable from the first limit on, marginal from the second."""
    first, second = limits
    return ACCEPTABLE if value >= first else MARGINAL if value >= second else NOT_ACCEPTABLE


def worst(grades: list[str]) -> str | None:
    """Return the worst of some grades, None of none."""
    return max(grades, key=_GRADES.index) if grades else None
