"""One study with its steps, what its parts really are, and what is done with the study as a whole."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from core.access import ADMIN
from core.gauge.planning import copy_plan, set_references
from core.gauge.studies import cancel_study, close_study, delete_study, load_study
from core.gauge.terms import (
    KIND_METHODS,
    KIND_NAMES,
    REFERENCE_NAMES,
    REFERENCE_SOURCES,
    STATE_NAMES,
)
from core.gauge.wording import name_setup
from core.i18n import N_
from pages.components.analysis.gauge.address import (
    PICTURES,
    PLAN,
    RATINGS,
    RESULT,
    asked_step,
    open_study,
)
from pages.components.analysis.gauge.pictures_step import show_pictures_step
from pages.components.analysis.gauge.plan_form import show_plan_form, show_start_dialog
from pages.components.analysis.gauge.ratings_step import show_ratings_step
from pages.components.analysis.gauge.result_step import show_result_step
from pages.components.shared.dialogs import OpenDialog, close_dialog, confirm, draw_dialog, open_dialog, opened
from pages.components.shared.language import _, escape, moment, number, product_name
from pages.components.shared.session import may, person, say_after_rerun, services, showing_errors
from pages.components.shared.view_choice import title_view

if TYPE_CHECKING:
    from core.gauge.records import Study

_CLOSE, _CANCEL, _COPY, _DELETE = "gauge_close", "gauge_cancel", "gauge_copy", "gauge_delete"
_STEP_NAMES = {PLAN: N_("Plan"), PICTURES: N_("Pictures"), RATINGS: N_("Ratings"), RESULT: N_("Result")}


def show_study(study_id: int) -> None:
    """Draw a study at the step that the address names, or at the first that is not done. Raises NotFound."""
    study = load_study(services(), study_id)
    title, back, more = st.columns([3.4, 1.1, 0.9], vertical_alignment="bottom")
    title.title(escape(study.name))
    back.button(
        _("All studies"),
        key="gauge_back",
        icon=":material/arrow_back:",
        width="stretch",
        on_click=open_study,
        args=(None,),
    )
    with more:
        _show_more(study)
    st.caption(
        f"{escape(product_name(study.product) + title_view(study.product.id, study.view))} · "
        f"{_(KIND_NAMES[study.kind])} · **{_(STATE_NAMES[study.state])}**"
        + (f" · {moment(study.ended_at)}" if study.ended_at is not None else "")
    )
    step = PLAN if study.is_draft else _choose_step(study)
    if step == PLAN:
        if study.is_draft:
            show_plan_form(study)
        else:
            _show_plan(study)
    elif step == PICTURES:
        show_pictures_step(study)
    elif step == RATINGS:
        show_ratings_step(study)
    else:
        show_result_step(study)
        if study.is_open:
            st.button(
                _("Complete the study"),
                key="gauge_complete",
                icon=":material/lock:",
                type="primary" if study.is_complete else "secondary",
                on_click=open_dialog,
                args=(_CLOSE,),
            )
    _show_dialogs(study)


def _choose_step(study: Study) -> str:
    steps = [PLAN, PICTURES, *([RATINGS] if study.appraisers else []), RESULT]
    marks = {
        PLAN: True,
        PICTURES: study.n_taken == len(study.trials),
        RATINGS: study.n_rated == study.n_ratings,
        RESULT: study.is_over,
    }
    first = next((step for step in steps if not marks[step]), RESULT)
    names = {
        step: f"{':material/check:' if marks[step] else ''} {place}. {_(_STEP_NAMES[step])}".strip()
        for place, step in enumerate(steps, start=1)
    }
    asked = asked_step()
    key = f"gauge_step_{study.id}"
    wanted = asked if asked in steps else first
    if st.session_state.get(key) != wanted:
        st.session_state[key] = wanted

    def go() -> None:
        open_study(study.id, st.session_state[key])

    chosen = st.segmented_control(
        _("Step"),
        steps,
        key=key,
        required=True,
        format_func=lambda step: names[step],
        on_change=go,
        label_visibility="collapsed",
        width="stretch",
    )
    return str(chosen or wanted)


def _show_plan(study: Study) -> None:
    facts = [
        (
            _("Product"),
            f"{product_name(study.product)} ({study.product.code}){title_view(study.product.id, study.view)}",
        ),
        (_("Method"), _(KIND_METHODS[study.kind])),
        (_("Purpose of the study"), study.purpose or "–"),
        (_("Number of parts"), number(len(study.parts))),
        (_("Setups"), ", ".join(name_setup(study, setup, _) for setup in range(len(study.setups)))),
        (_("Repeats"), number(study.n_repeats)),
        (_("Appraisers"), ", ".join(one.name for one in study.appraisers) or "–"),
        (_("Started"), moment(study.started_at)),
        (_("Planned by"), _(study.created_by) if study.created_by else "–"),
        (_("Random order from"), str(study.seed)),
    ]
    st.markdown("\n".join(f"- **{name}**: {escape(value)}" for name, value in facts))
    _show_references(study)


def _show_references(study: Study) -> None:
    """Draw what the parts really are; while the study is not over, it can be said."""
    import pandas as pd

    st.subheader(_("What the parts really are"))
    words = {code: _(name) for code, name in REFERENCE_NAMES.items()}
    codes = {word: code for code, word in words.items()}
    part_title, truth_title, source_title = _("Part name"), _("What it really is"), _("Said by")
    table = pd.DataFrame(
        {
            part_title: [part.name for part in study.parts],
            truth_title: [words[part.reference] for part in study.parts],
            source_title: [
                _(REFERENCE_SOURCES[part.reference_source]) if part.reference_source in REFERENCE_SOURCES else "–"
                for part in study.parts
            ],
        }
    )
    if study.is_over:
        st.dataframe(table, hide_index=True, width="stretch")
        return
    edited = st.data_editor(
        table,
        key=f"gauge_truth_{study.id}_{study.row_version}",
        hide_index=True,
        width="stretch",
        disabled=[part_title, source_title],
        column_config={truth_title: st.column_config.SelectboxColumn(options=list(words.values()), required=True)},
    )
    if st.button(_("Save"), key="gauge_truth_save", icon=":material/save:"):
        wanted = {
            part.id: codes.get(str(word), "") for part, word in zip(study.parts, edited[truth_title], strict=True)
        }
        with showing_errors():
            set_references(services(), person(), study.id, wanted, row_version=study.row_version)
            say_after_rerun(_("What the parts really are is saved."))
            st.rerun()


def _show_more(study: Study) -> None:
    with st.popover(_("More"), icon=":material/more_vert:", width="stretch"):
        st.button(
            _("Copy the plan"), key="gauge_more_copy", icon=":material/content_copy:", width="stretch",
            on_click=open_dialog, args=(_COPY,),
        )  # fmt: skip
        if not study.is_over:
            st.button(
                _("Cancel the study"), key="gauge_more_cancel", icon=":material/cancel:", width="stretch",
                on_click=open_dialog, args=(_CANCEL,),
            )  # fmt: skip
        # Deleting for good is the administrator's.
        if may(ADMIN):
            st.button(
                _("Delete the study"), key="gauge_more_delete", icon=":material/delete:", width="stretch",
                on_click=open_dialog, args=(_DELETE,),
            )  # fmt: skip


def _show_dialogs(study: Study) -> None:
    show_start_dialog()
    if dialog := opened(_CLOSE):
        words = _("It takes no more pictures and ratings then, and what was found stays as it is.")
        if not study.is_complete:
            words += "\n\n" + _("Not everything that was planned is done. What is missing is left out and named.")
        confirm(
            _("Complete the study?"),
            words,
            action=_("Complete"),
            icon=":material/lock:",
            dialog=dialog,
            carry_out=lambda _one: _end(study, partial(close_study, services(), person())),
        )
    elif dialog := opened(_CANCEL):
        confirm(
            _("Cancel the study?"),
            _("It takes no more pictures and ratings. What was done stays to be read."),
            action=_("Cancel the study"),
            icon=":material/cancel:",
            dialog=dialog,
            carry_out=lambda _one: _end(study, partial(cancel_study, services(), person())),
        )
    elif dialog := opened(_COPY):
        draw_dialog(_("Copy the plan"), lambda one: _ask_copy(study, one), dialog)
    elif dialog := opened(_DELETE):
        draw_dialog(_("Delete the study?"), lambda one: _ask_delete(study, one), dialog)


def _end(study: Study, end: partial[None]) -> None:
    with showing_errors():
        end(study.id, row_version=study.row_version)
        close_dialog()
        open_study(study.id, RESULT)
        st.rerun()


def _ask_copy(study: Study, _dialog: OpenDialog) -> None:
    st.markdown(_("The copy has the same plan. Pictures and ratings come anew, in new random orders."))
    name = st.text_input(
        _("Name of the study"), value=_("{name} (copy)", name=study.name)[:190], key="gauge_copy_name", max_chars=190
    )
    if st.button(_("Copy"), key="gauge_copy_go", type="primary", icon=":material/content_copy:"):
        with showing_errors():
            copied = copy_plan(services(), person(), study.id, name=name)
            close_dialog()
            open_study(copied, PLAN)
            st.rerun()


def _ask_delete(study: Study, _dialog: OpenDialog) -> None:
    st.markdown(
        _(
            "All its pictures and ratings are deleted for good. Type its name, {name}, to confirm.",
            name=f"**{escape(study.name)}**",
        )
    )
    typed = st.text_input(_("Name of the study"), key="gauge_delete_name")
    if st.button(_("Delete for good"), key="gauge_delete_go", type="primary", icon=":material/delete:"):
        with showing_errors():
            delete_study(services(), person(), study.id, typed_name=typed)
            close_dialog()
            say_after_rerun(_("The study “{name}” is deleted.", name=escape(study.name)))
            open_study(None)
            st.rerun()
