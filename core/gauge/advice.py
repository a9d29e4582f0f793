"""What a study means in words, and what to do next: each sentence is a message with its figures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.gauge.terms import (
    ACCEPTABLE,
    FEW_VERDICT_PARTS,
    FEWEST_CATEGORIES,
    KAPPA_LIMITS,
    USUAL_PARTS,
)
from core.gauge.variance import AV, EV, GRR, INT
from core.i18n import N_

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.gauge.results import AgreementResult, AppraiserResult, Evaluation, ScoreResult

ADVICE: dict[str, str] = {
    # Of the score
    "score_good": N_(
        "Of the spread of the scores, {grr} comes from the measuring itself: the score tells parts apart reliably."
    ),
    "score_marginal": N_(
        "Of the spread of the scores, {grr} comes from the measuring itself (10–30 %): it may be used where a wrong "
        "decision costs little; note why, and improve it."
    ),
    "score_bad": N_(
        "Of the spread of the scores, {grr} comes from the measuring itself (more than 30 %): the score does not tell "
        "these parts apart. Improve the measuring before relying on it."
    ),
    "score_same_always": N_("The scores did not vary at all between repeats. Check that the pictures are really new."),
    "categories_few": N_(
        "Only {count} groups of parts can be told apart (at least {fewest} are wanted). Choose parts that cover the "
        "whole range of the process, defective ones too; if they do, the measuring is too coarse."
    ),
    "repeat_is_cause": N_(
        "Most of it is repeatability: the same setup gives different scores for the same part. Fix the part more "
        "firmly, shield off daylight, check exposure and focus, let the lamp warm up."
    ),
    "setup_is_cause": N_(
        "Most of it is reproducibility: the setups score differently. Align position, distance, light and camera "
        "settings of “{setup}”, which is farthest from the mean, and train how parts are placed."
    ),
    "interaction_is_cause": N_(
        "The setups differ on some parts and not on others (part × setup). Look at those parts in the chart: they are "
        "placed or lit differently."
    ),
    "one_setup": N_(
        "There was one setup, so reproducibility is not known. Add a second station or person who places the parts if "
        "there is one on the line."
    ),
    "few_parts": N_("{count} parts are few: with {usual} or more the figures are surer."),
    "part_flips": N_("Part {part} flips between {verdicts} (scores {low} to {high}; {thresholds})."),
    "more_flip": N_("{count} more parts flip; the table tells which."),
    "part_near": N_(
        "Part {part} lies near the threshold for {threshold}: about {chance} of looks would turn out otherwise."
    ),
    "move_threshold": N_(
        "Parts at a threshold flip whatever is measured. Where good and defective parts leave a gap, move the "
        "threshold there in the model report, or widen the Review band so that people decide on them."
    ),
    "band_narrow": N_(
        "The spread of measuring (6σ) is {share} of the Review band: a part may be OK at one look and NG at the next. "
        "Widen the band or measure more steadily."
    ),
    "band_wide": N_(
        "The spread of measuring (6σ) is {share} of the Review band: hardly a part jumps from OK to NG between looks."
    ),
    "no_band": N_("Both thresholds are the same, so there is no band to compare the spread of measuring with."),
    "ranges_beyond": N_(
        "{count} ranges lie above their control limit: those repeats were not taken like the others. Find out why and "
        "take them anew."
    ),
    # Of the verdicts
    "verdict_good": N_("All appraisers are within the limits: decisions can be relied on."),
    "verdict_marginal": N_("Decisions are within the conditional limits: usable, but to be improved."),
    "verdict_bad": N_("Decisions are beyond the limits: they cannot be relied on as they are."),
    "verdict_ungraded": N_("What the parts really are is not known, so only agreement can be told."),
    "misses": N_(
        "{name} let {count} of {total} looks at defective parts pass. Train with boundary samples of these defects."
    ),
    "false_alarms": N_(
        "{name} stopped good parts at {count} of {total} looks. Show what is still good: limit samples, a written rule."
    ),
    "not_steady": N_(
        "{name} judged {count} of {total} parts differently at another look. Check light, viewing distance, time and "
        "the rule itself."
    ),
    "model_misses": N_(
        "{name} let {count} of {total} looks at defective parts pass. Lower the Review threshold, or add such parts "
        "to the defect images and build anew."
    ),
    "model_false_alarms": N_(
        "{name} stopped good parts at {count} of {total} looks. Add such parts to the normal images and build anew, "
        "or raise the Review threshold."
    ),
    "pair_differs": N_(
        "{first} and {second} agree little beyond chance (kappa {kappa}). Let them go through the differing parts "
        "together."
    ),
    "model_differs": N_(
        "{first} and {second} agree little beyond chance (kappa {kappa}). Look at the parts on which they differ: "
        "either what people call defective or a threshold has to be set anew."
    ),
    "few_verdict_parts": N_("{count} parts are few for verdicts: plan at least {usual}."),
    "few_kinds": N_(
        "{good} good and {defect} defective parts: plan about as many of each, and a quarter of all near the limit."
    ),
    "zone": N_(
        "Between the scores {low} and {high} looks do not agree. A Review band that covers these scores sends just "
        "these parts to a person."
    ),
    # Of the study itself
    "parts_left_out": N_("Left out, because pictures or looks are missing: {parts}."),
    "people_absent": N_("Not counted, because not all looks are done: {names}."),
}  # fmt: skip


# So many parts are named; more are counted.
_MOST_PARTS = 8


@dataclass(frozen=True)
class Advice:
    """One sentence: its code in ADVICE and its figures. `is_todo` is whether it asks for something to be done.

    Values under "verdicts", "threshold" and "setup" are codes or numbers, put into words where the sentence is shown.
    """

    code: str
    params: dict[str, object] = field(default_factory=dict)
    is_todo: bool = False


def describe_score(result: ScoreResult) -> Iterator[Advice]:
    """Yield what the scores mean, the verdict first."""
    variance = result.variance
    parts = variance.components
    share = parts[GRR].of_variation
    if parts[GRR].sigma == 0:
        yield Advice("score_same_always", is_todo=True)
    else:
        codes = {"acceptable": "score_good", "marginal": "score_marginal"}
        yield Advice(codes.get(result.grr_grade, "score_bad"), {"grr": share})
    if variance.categories is not None and variance.categories < FEWEST_CATEGORIES:
        yield Advice("categories_few", {"count": variance.categories, "fewest": FEWEST_CATEGORIES}, True)
    if result.grr_grade != ACCEPTABLE:
        yield from _name_cause(result)
    yield from _describe_band(result)
    worst_first = sorted(result.flipping, key=lambda one: one.low - one.high)
    for one in worst_first[:_MOST_PARTS]:
        yield Advice("part_flips", {"part": one.part.name, "verdicts": one.verdicts, "low": one.low, "high": one.high})
    if len(worst_first) > _MOST_PARTS:
        yield Advice("more_flip", {"count": len(worst_first) - _MOST_PARTS})
    for near in sorted(result.near, key=lambda one: -one.chance)[:_MOST_PARTS]:
        yield Advice("part_near", {"part": near.part.name, "threshold": near.threshold, "chance": near.chance})
    if result.flipping:
        yield Advice("move_threshold", is_todo=True)
    if variance.n_ranges_beyond:
        yield Advice("ranges_beyond", {"count": variance.n_ranges_beyond}, True)
    if not variance.setup_studied:
        yield Advice("one_setup", is_todo=True)
    if len(result.parts) < USUAL_PARTS:
        yield Advice("few_parts", {"count": len(result.parts), "usual": USUAL_PARTS}, True)
    if result.left_out:
        yield Advice("parts_left_out", {"parts": ", ".join(part.name for part in result.left_out)})


def describe_agreement(result: AgreementResult) -> Iterator[Advice]:
    """Yield what the verdicts mean, the verdict first."""
    codes = {"acceptable": "verdict_good", "marginal": "verdict_marginal", "not_acceptable": "verdict_bad"}
    if result.n_good + result.n_defect == 0:
        yield Advice("verdict_ungraded", is_todo=True)
    if result.grade is not None:
        yield Advice(codes[result.grade])
    for one in result.appraisers:
        yield from _describe_appraiser(one)
    for pair in result.pairs:
        if pair.kappa is not None and pair.kappa.value < KAPPA_LIMITS[1]:
            models = pair.first.is_model + pair.second.is_model
            # Two setups of one model are told with the scores, and a model that is graded with its own figures.
            if models == 2 or (models and result.n_good + result.n_defect):
                continue
            code = "model_differs" if models else "pair_differs"
            yield Advice(code, {"first": pair.first, "second": pair.second, "kappa": pair.kappa.value}, True)
    if result.zone is not None and not all(one.is_unanimous for one in result.looks):
        yield Advice("zone", {"low": result.zone.low, "high": result.zone.high}, True)
    if len(result.looks) < FEW_VERDICT_PARTS:
        yield Advice("few_verdict_parts", {"count": len(result.looks), "usual": FEW_VERDICT_PARTS}, True)
    known = result.n_good + result.n_defect
    if known and min(result.n_good, result.n_defect) < known / 4:
        yield Advice("few_kinds", {"good": result.n_good, "defect": result.n_defect}, True)
    if result.left_out:
        yield Advice("parts_left_out", {"parts": ", ".join(part.name for part in result.left_out)})
    if result.absent:
        yield Advice("people_absent", {"names": ", ".join(result.absent)})


def describe(found: Evaluation) -> list[Advice]:
    """Return all that a study means."""
    advice = list(describe_score(found.score)) if found.score is not None else []
    return advice + (list(describe_agreement(found.agreement)) if found.agreement is not None else [])


def _name_cause(result: ScoreResult) -> Iterator[Advice]:
    parts = {name: one.contribution for name, one in result.variance.components.items() if name in {EV, AV, INT}}
    largest = max(parts, key=lambda name: parts[name])
    if largest == EV:
        yield Advice("repeat_is_cause", is_todo=True)
    elif largest == INT:
        yield Advice("interaction_is_cause", is_todo=True)
    else:
        means = result.variance.scores.mean(axis=(0, 2))
        yield Advice("setup_is_cause", {"setup": int(abs(means - means.mean()).argmax())}, True)


def _describe_band(result: ScoreResult) -> Iterator[Advice]:
    share = result.variance.components[GRR].of_tolerance
    if share is None:
        yield Advice("no_band")
    elif share >= 1:
        yield Advice("band_narrow", {"share": share}, True)
    else:
        yield Advice("band_wide", {"share": share})


def _describe_appraiser(one: AppraiserResult) -> Iterator[Advice]:
    grades = one.grades
    model = "model_" if one.is_model else ""
    for name, code, share in (("missed", "misses", one.missed), ("false_alarms", "false_alarms", one.false_alarms)):
        if share is not None and grades.get(name, ACCEPTABLE) != ACCEPTABLE:
            yield Advice(f"{model}{code}", {"name": one, "count": share.hits, "total": share.total}, True)
    if one.same is not None and one.same.value < 0.9 and not one.is_model:
        yield Advice(
            "not_steady", {"name": one, "count": one.same.total - one.same.hits, "total": one.same.total}, True
        )
