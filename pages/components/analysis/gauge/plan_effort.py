"""What a plan will take, and where it falls short of what is usual."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.gauge.terms import BOTH, FEW_VERDICT_PARTS, SCORE, USUAL_PARTS
from pages.components.shared.language import _, _n

if TYPE_CHECKING:
    from core.gauge.records import StudyPlan

_SECONDS_A_PICTURE, _SECONDS_A_LOOK = 20, 6


def show_effort(plan: StudyPlan) -> None:
    """Draw how many pictures and looks the plan takes, about how long, and where it falls short of what is usual."""
    pieces = [_n("{count} part studied", "{count} parts studied", len(plan.parts))]
    if plan.with_model and len(plan.setups) > 1:
        pieces.append(_n("{count} setup", "{count} setups", len(plan.setups)))
    pictures = plan.n_all_pictures
    looks = len(plan.parts) * plan.n_repeats
    pieces.append(_n("{count} picture", "{count} pictures", pictures))
    if plan.appraisers:
        pieces.append(
            _n("{count} person", "{count} people", len(plan.appraisers))
            + " × "
            + _n("{count} look", "{count} looks", looks)
        )
    minutes = -(-pictures * _SECONDS_A_PICTURE // 60)
    if plan.appraisers:
        words = _(
            "about {pictures} min to take the pictures, {looks} min for each person",
            pictures=minutes,
            looks=-(-looks * _SECONDS_A_LOOK // 60),
        )
    else:
        words = _("about {pictures} min to take the pictures", pictures=minutes)
    st.markdown(f":material/calculate: {' · '.join(pieces)}  \n{words}")
    for warning in _warn(plan):
        st.caption(f":orange[:material/info:] {warning}")


def _warn(plan: StudyPlan) -> list[str]:
    found = []
    if plan.kind in {SCORE, BOTH} and len(plan.parts) < USUAL_PARTS:
        found.append(_("Fewer than {count} parts: the figures of the score become unsure.", count=USUAL_PARTS))
    if plan.kind != SCORE and len(plan.parts) < FEW_VERDICT_PARTS:
        found.append(_("Fewer than {count} parts: kappa becomes unsure.", count=FEW_VERDICT_PARTS))
    if plan.kind in {SCORE, BOTH} and len(plan.setups) < 2:
        found.append(_("One setup: reproducibility between stations or people cannot be told."))
    if plan.kind != SCORE and len(plan.appraisers) == 1:
        found.append(_("One person: agreement between people cannot be told."))
    if plan.kind != SCORE and not any(part.reference for part in plan.parts):
        found.append(_("No part is known to be good or defective: misses and false alarms cannot be told."))
    return found
