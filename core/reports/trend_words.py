"""Trends in words: the rules that points break, how limits were found, drift, and what a kappa means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.analytics.agreement import GOOD, POOR, Kappa
from core.analytics.charts.control_charts import FEWEST_POINTS, USUAL_POINTS, Phase
from core.analytics.charts.run_rules import RULE_NAMES, Rule
from core.analytics.drift import FEWEST_CALIBRATION, FEWEST_RECENT, ScoreDrift
from core.i18n import N_

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.analytics.changes import Change
    from core.reports.layout import Words

METHOD_NAMES: dict[str, str] = {
    "normal": N_("3σ of the binomial or Poisson distribution"),
    "exact": N_("exact, because groups are small for so few defects"),
    "laney": N_("Laney, because the groups scatter more than chance explains"),
    "moving_range": N_("3σ by the moving range"),
    "none": N_("none"),
}


def name_rules(rules: Sequence[Rule], words: Words) -> str:
    """Return the broken rules as one text, "" for none."""
    return "; ".join(words._(RULE_NAMES[rule]) for rule in rules)


def describe_phase(phase: Phase, words: Words, *, is_ordered: bool = True) -> str:
    """Return how the limits of a phase were found, and how far they can be trusted."""
    _ = words._
    if not is_ordered:
        if phase.method == "none":
            return ""
        return _("Limits: what chance alone allows around the mean of all, and the wider the fewer parts a group has.")
    if phase.method == "none":
        if phase.n_points < FEWEST_POINTS:
            return _(
                "{count} points are too few for limits: {usual} are usual, {least} the least.",
                count=phase.n_points, usual=USUAL_POINTS, least=FEWEST_POINTS,
            )  # fmt: skip
        return _("All {count} points are alike: without any variation there are no limits.", count=phase.n_points)
    return {
        "normal": _("Limits: 3σ, and the wider the fewer parts a group has."),
        "exact": _(
            "Some groups are small for so few defects: the limits are exact (99.73 %), where 3σ would call chance an "
            "alarm."
        ),
        "moving_range": _("Limits: 3σ by the mean moving range of neighbors."),
        "laney": _(
            "The groups scatter {times} times as much as chance explains: the limits are widened by that (Laney).",
            times=f"{phase.scatter or 1.0:.1f}",
        ),
    }[phase.method]


def describe_provisional(phases: Sequence[Phase], words: Words) -> str:
    """Return which limits are not to be relied on yet, "" where all stand on enough points."""
    fewest = [phase.n_points for phase in phases if phase.is_provisional]
    if not fewest:
        return ""
    said = N_("Limits that stand on fewer than {usual} points are provisional (here {count}).")
    return words._(said, usual=USUAL_POINTS, count=", ".join(map(str, fewest)))


def describe_change(change: Change, words: Words) -> str:
    """Return what came into force, by whom and why."""
    if change.what == "model":
        said = words._("Model version {number} in use", number=change.number)
    else:
        said = words._(
            "New thresholds: Review from {review_at}, NG from {reject_at}",
            review_at=f"{change.review_at:.4g}", reject_at=f"{change.reject_at:.4g}",
        )  # fmt: skip
    return " · ".join(text for text in (said, change.person_name, change.reason) if text)


def describe_drift(drift: ScoreDrift, words: Words) -> str:
    """Return what the comparison says, and what to look at."""
    _ = words._
    if drift.outcome == "too_few":
        if drift.n_calibration < FEWEST_CALIBRATION:
            return _("Nothing is known of the calibration's scores: build the memory bank anew to compare them.")
        return _(
            "{count} good parts in the last two weeks are too few to compare: {least} are needed.",
            count=drift.n_recent, least=FEWEST_RECENT,
        )  # fmt: skip
    size = f"{abs(drift.change or 0.0) * 100:.0f}"
    chance = (
        f"p < {0.001:g}" if drift.p_value is not None and drift.p_value < 0.001 else f"p = {drift.p_value or 0:.3f}"
    )
    if drift.outcome == "none":
        return _(
            "The scores of good parts are those of the calibration ({chance}, {size} % apart).",
            chance=chance,
            size=size,
        )
    if drift.outcome == "shape":
        return _(
            "The scores of good parts scatter otherwise than at the calibration; this is not chance ({chance}). Check "
            "whether several kinds of parts, lots or cameras are mixed.",
            chance=chance,
        )  # fmt: skip
    said = (
        _("The scores of good parts have risen by {size} % since the calibration", size=size)
        if drift.outcome == "rise"
        else _("The scores of good parts have fallen by {size} % since the calibration", size=size)
    )
    check = _("check lighting, lens, fixture and material lot")
    return _("{said}; this is not chance ({chance}): {check}.", said=said, chance=chance, check=check)


def name_p_value(p_value: float | None) -> str:
    """Return a p-value as it is written; a dash for none."""
    if p_value is None:
        return "–"
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"


def describe_kappa(kappa: Kappa, words: Words) -> str:
    """Return what a kappa means."""
    _ = words._
    if kappa.n == 0:
        return _("No inspection with a decision of the model has been judged by a person.")
    if kappa.value is None and kappa.observed == 1.0:
        return _("Model and people have always said the same one verdict: nothing to tell apart.")
    if kappa.value is None:
        return _(
            "No part that the model passed was confirmed by a person, only those that were overruled: kappa would "
            "mislead. Let people judge a sample of OK parts as well."
        )
    if kappa.low is None:
        return _("{count} judged inspections are too few to say how sure this is.", count=kappa.n)
    if kappa.low > GOOD:
        return _(
            "People and the model agree well: this is far beyond chance (AIAG asks for {good}).", good=f"{GOOD:.2f}"
        )
    if kappa.value < POOR:
        return _("People and the model hardly agree beyond chance: look at the thresholds and at how people decide.")
    if kappa.value > GOOD:
        return _("People and the model seem to agree well, but there are too few judged parts to be sure.")
    return _("People and the model agree in part: look at the parts on which they differ.")
