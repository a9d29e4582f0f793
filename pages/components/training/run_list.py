"""The runs of a product, the newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.training.runs.overview import list_runs
from pages.components.shared.language import _, escape
from pages.components.shared.session import person, services
from pages.components.training.wording import (
    describe_about,
    describe_figures,
    describe_goals,
    describe_state,
    describe_version,
)

if TYPE_CHECKING:
    from core.training.runs.records import RunHead

_STEP = 6
_SHOWN = "train_runs_shown"


def show_run_list(product_id: int) -> int | None:
    """Draw the newest runs of a product; return the one that is to be opened."""
    wanted = st.session_state.get(_SHOWN, _STEP)
    found = list_runs(services(), person(), product_id=product_id, limit=wanted + 1)
    st.subheader(_("Training runs so far"))
    if not found:
        st.caption(_("There is no training run yet. Choose a recipe above and start: the run is listed here."))
        return None
    opened = None
    for head in found[:wanted]:
        if _show_one(head):
            opened = head.id
    if len(found) > wanted and st.button(_("Show more"), key="train_runs_more", icon=":material/expand_more:"):
        st.session_state[_SHOWN] = wanted + _STEP
        st.rerun()
    return opened


def _show_one(head: RunHead) -> bool:
    with st.container(border=True, key=f"train_run_{head.id}"):
        told, button = st.columns([5, 1], vertical_alignment="center")
        first = [describe_state(head), f"**{escape(head.name)}**", describe_version(head)]
        told.markdown(" · ".join(part for part in first if part))
        second = [describe_figures(head), describe_goals(head)]
        if head.state == "running" and head.epochs:
            second.append(_("epoch {done} of {total}", done=head.epochs_done, total=head.epochs))
        if any(second):
            told.markdown(" · ".join(part for part in second if part))
        told.caption(describe_about(head))
        return button.button(_("Details"), key=f"train_run_open_{head.id}", width="stretch")
