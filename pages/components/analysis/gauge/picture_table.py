"""The table of a study's pictures: which comes when, which are there, and what the model said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from core.errors import describe
from core.gauge.file_plans import name_of
from core.gauge.wording import name_picture
from core.inspections.terms import VERDICT_NAMES
from pages.components.shared.dialogs import open_dialog
from pages.components.shared.language import _, language, score

if TYPE_CHECKING:
    from core.gauge.records import Study, TrialView

TAKE_OUT = "gauge_take_out"


def show_picture_table(study: Study) -> None:
    """Draw all pictures in their random order, and the way to take one anew."""
    rows = [_row(study, trial) for trial in study.trials]
    with st.expander(_("All pictures in their random order"), icon=":material/list:", expanded=not study.is_over):
        st.dataframe(rows, hide_index=True, width="stretch", height=min(420, 38 * (len(rows) + 1)))
        taken = [trial for trial in study.trials if trial.is_taken]
        if study.is_open and taken:
            names = {trial.id: name_picture(study, trial, _) for trial in taken}
            choose, out = st.columns([3, 1.2], vertical_alignment="bottom")
            chosen = choose.selectbox(
                _("Take a picture anew"),
                list(names),
                index=None,
                key="gauge_chosen",
                format_func=lambda one: names[one],
                placeholder=_("Choose a picture"),
            )
            out.button(
                _("Take it out"),
                key="gauge_out",
                icon=":material/undo:",
                width="stretch",
                disabled=chosen is None,
                on_click=open_dialog,
                args=(TAKE_OUT,),
                kwargs={"trial_id": chosen, "picture": names.get(chosen or 0, "")},
            )


def _row(study: Study, trial: TrialView) -> dict[str, Any]:
    state = _("to be taken")
    if trial.error_code:
        state = describe(trial.error_code, trial.error_params, language())
    elif trial.is_taken:
        state = _("there")
    row: dict[str, Any] = {_("No."): trial.position, _("Part name"): study.parts_by_id[trial.part_id].name}
    if len(study.setups) > 1:
        row[_("Setup")] = study.setups[trial.setup]
    if study.n_pictures > 1:
        row[_("Repeat")] = trial.repeat_no
    row |= {_("State"): state, _("File"): trial.original_name or f"({name_of(study, trial)})"}
    if study.with_model:
        row |= {
            _("Score"): score(trial.score) if trial.score is not None else "",
            _("Verdict"): _(VERDICT_NAMES[trial.verdict]) if trial.verdict else "",
        }
    return row
