"""A draft of a training: each setting with where it comes from, and what a person alone does with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.access import ENGINEER
from core.assistant.confirming import change_draft, confirm_draft, discard_draft
from core.assistant.drafting.draft import CONFIRMED, DISCARDED, SAID
from core.assistant.drafting.making import write_draft_yaml
from core.assistant.drafting.words import MARKS, list_draft_fields, show_field
from core.assistant.speech import Speech
from core.errors import AppError
from pages.components.shared.language import _, escape, language, time_zone
from pages.components.shared.link_table import Cell, show_link_table
from pages.components.shared.screens import has_screen, link_to
from pages.components.shared.session import may, person, say_after_rerun, services, show_error

if TYPE_CHECKING:
    from core.assistant.drafting.draft import Draft
    from core.assistant.drafting.words import DraftField
    from core.assistant.records import Turn

TRAIN_MODEL = "pages/training/train_model.py"
_LARGEST = 64 * 1024


def show_draft(turn: Turn) -> None:
    """Draw the draft of a turn, with its keys while it waits."""
    draft = turn.draft
    assert draft is not None
    if not draft.configuration and not draft.said:
        return
    speech = Speech(language(), time_zone())
    fields = list_draft_fields(draft, speech)
    key = f"assistant_draft_{turn.id}"
    with st.container(border=True, key=f"{key}_card"):
        st.markdown(f"**{_('Draft of a training')}**")
        if draft.problem is None:
            _show_fields([one for one in fields if one.is_first], speech, key=f"{key}_first")
            rest = [one for one in fields if not one.is_first]
            if rest:
                with st.expander(_("All other settings (defaults)")):
                    _show_fields(rest, speech, key=f"{key}_rest")
        if turn.waits and draft.is_ready and may(ENGINEER):
            _show_keys(turn, draft, key)
        elif turn.draft_state == CONFIRMED:
            _show_started(turn)
        elif turn.draft_state == DISCARDED:
            st.caption(_("Discarded"))


def _show_fields(fields: list[DraftField], speech: Speech, *, key: str) -> None:
    show_link_table(
        [(_("Setting"), ""), (_("Value"), ""), (_("Where from"), "")],
        [
            [
                Cell(one.label),
                Cell(show_field(one, speech)),
                Cell(_(MARKS[one.mark]), color="green" if one.mark == SAID else ""),
            ]
            for one in fields
        ],
        key=key,
        label=_("Settings of the draft"),
    )


def _show_keys(turn: Turn, draft: Draft, key: str) -> None:
    with st.container(horizontal=True, key=f"{key}_keys"):
        st.button(
            _("Confirm and start"), key=f"{key}_confirm", type="primary", icon=":material/play_arrow:",
            on_click=_confirm, args=(turn,),
        )  # fmt: skip
        if has_screen(TRAIN_MODEL) and st.button(_("Edit in Train a model"), key=f"{key}_edit", icon=":material/tune:"):
            _edit_on_screen(draft)
        st.button(_("Discard"), key=f"{key}_discard", icon=":material/delete:", on_click=_discard, args=(turn,))
    with st.expander(_("Edit as YAML")):
        text = st.text_area(
            _("Configuration as YAML"), value=write_draft_yaml(draft), key=f"{key}_yaml_{turn.row_version}", height=360,
            max_chars=_LARGEST, label_visibility="collapsed",
        )  # fmt: skip
        if st.button(_("Take over"), key=f"{key}_take", icon=":material/check:"):
            try:
                change_draft(services(), person(), turn.id, text, row_version=turn.row_version)
            except AppError as error:
                show_error(error)
            else:
                say_after_rerun(_("The draft is changed."))
                st.rerun()


def _confirm(turn: Turn) -> None:
    try:
        run_id = confirm_draft(services(), person(), turn.id, row_version=turn.row_version)
    except AppError as error:
        say_after_rerun(escape(error.sentence(language())), icon=":material/error:")
    else:
        say_after_rerun(_("Training run {number} is started.", number=run_id))


def _discard(turn: Turn) -> None:
    try:
        discard_draft(services(), person(), turn.id, row_version=turn.row_version)
    except AppError as error:
        say_after_rerun(escape(error.sentence(language())), icon=":material/error:")


def _edit_on_screen(draft: Draft) -> None:
    """Open the form of trainings with this configuration."""
    from core.catalog.products import find_product
    from core.training.configuration.reading import read_configuration
    from pages.components.shared.pickers import remember_product
    from pages.components.training.draft import keep_draft

    try:
        configuration = read_configuration(draft.configuration)
        product = find_product(services(), configuration.product)
    except AppError as error:
        show_error(error)
        return
    keep_draft(configuration)
    remember_product(product.id)
    st.session_state.pop("train_product", None)
    st.switch_page(TRAIN_MODEL)


def _show_started(turn: Turn) -> None:
    if turn.training_run_id is None:
        st.caption(_("Confirmed. Its run stands under Train a model."))
        return
    st.markdown(
        f":green[:material/check_circle:] {_('Training run {number} was started.', number=turn.training_run_id)}"
    )
    link_to(TRAIN_MODEL, _("Open the run"), query={"run": str(turn.training_run_id)})
