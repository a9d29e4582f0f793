"""What a plan may be: every refusal names what is wrong and what to do, and nothing is put right silently."""

from __future__ import annotations

from dataclasses import replace

from core.catalog.edits import clean_description, clean_name
from core.errors import BadInput
from core.gauge.records import PlannedAppraiser, PlannedPart, StudyPlan
from core.gauge.terms import (
    BOTH,
    FEWEST_PARTS,
    FEWEST_REPEATS,
    KIND_NAMES,
    MOST_APPRAISERS,
    MOST_PARTS,
    MOST_PICTURES,
    MOST_REPEATS,
    MOST_SETUPS,
    REFERENCE_NAMES,
    SCORE,
)


def check_plan(plan: StudyPlan) -> StudyPlan:
    """Return the plan as it is stored.

    Raises BadInput gauge_name_missing, name_too_long, description_too_long, gauge_kind_unknown, gauge_repeats_invalid,
    gauge_parts_invalid, gauge_part_unnamed, gauge_part_twice, gauge_reference_unknown, gauge_setups_invalid,
    gauge_setup_unnamed, gauge_setup_twice, gauge_needs_people, gauge_appraisers_too_many, gauge_appraiser_unnamed,
    gauge_appraiser_twice, gauge_too_many_pictures.
    """
    if plan.kind not in KIND_NAMES:
        raise BadInput("gauge_kind_unknown", choices=", ".join(KIND_NAMES))
    if isinstance(plan.n_repeats, bool) or not FEWEST_REPEATS <= plan.n_repeats <= MOST_REPEATS:
        raise BadInput("gauge_repeats_invalid", lowest=FEWEST_REPEATS, highest=MOST_REPEATS)
    name = clean_name(plan.name, missing="gauge_name_missing")
    with_model = plan.with_model or plan.kind in {SCORE, BOTH}
    checked = replace(
        plan,
        name=name,
        purpose=clean_description(plan.purpose),
        with_model=with_model,
        # The score of one and the same picture never varies: that is no study of the score.
        one_picture=plan.one_picture and plan.kind not in {SCORE, BOTH},
        setups=_check_setups(plan.setups) if with_model else ("",),
        parts=_check_parts(plan.parts),
        appraisers=() if plan.kind == SCORE else _check_appraisers(plan.appraisers),
    )
    if checked.kind != SCORE and not checked.appraisers:
        raise BadInput("gauge_needs_people")
    if checked.n_all_pictures > MOST_PICTURES:
        raise BadInput("gauge_too_many_pictures", count=checked.n_all_pictures, limit=MOST_PICTURES)
    return checked


def _check_parts(parts: tuple[PlannedPart, ...]) -> tuple[PlannedPart, ...]:
    if not FEWEST_PARTS <= len(parts) <= MOST_PARTS:
        raise BadInput("gauge_parts_invalid", lowest=FEWEST_PARTS, highest=MOST_PARTS)
    checked = []
    for part in parts:
        if part.reference not in REFERENCE_NAMES:
            raise BadInput("gauge_reference_unknown", part=part.name[:60])
        checked.append(
            replace(
                part,
                name=clean_name(part.name, missing="gauge_part_unnamed"),
                reference_source=part.reference_source if part.reference else "",
            )
        )
    twice = _find_twice([part.name for part in checked])
    if twice is not None:
        raise BadInput("gauge_part_twice", part=twice)
    return tuple(checked)


def _check_setups(setups: tuple[str, ...]) -> tuple[str, ...]:
    if not 1 <= len(setups) <= MOST_SETUPS:
        raise BadInput("gauge_setups_invalid", highest=MOST_SETUPS)
    if len(setups) == 1:
        return (clean_name(setups[0], missing=None),)
    checked = [clean_name(setup, missing="gauge_setup_unnamed") for setup in setups]
    twice = _find_twice(checked)
    if twice is not None:
        raise BadInput("gauge_setup_twice", setup=twice)
    return tuple(checked)


def _check_appraisers(appraisers: tuple[PlannedAppraiser, ...]) -> tuple[PlannedAppraiser, ...]:
    if len(appraisers) > MOST_APPRAISERS:
        raise BadInput("gauge_appraisers_too_many", highest=MOST_APPRAISERS)
    checked = [replace(one, name=clean_name(one.name, missing="gauge_appraiser_unnamed")) for one in appraisers]
    twice = _find_twice([one.name for one in checked])
    if twice is not None:
        raise BadInput("gauge_appraiser_twice", name=twice)
    return tuple(checked)


def _find_twice(names: list[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name.casefold() in seen:
            return name
        seen.add(name.casefold())
    return None
