"""Deciding of normal images that do not look like the others: keep, move to the defects, delete; and taking it back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.catalog.outcomes import is_offered
from core.errors import AppError
from core.images.edits import delete_images
from core.images.outliers import keep, move_to_defects, take_back
from pages.components.catalog.defect_type_form import ask_fields, fill_fields, register_defect_type
from pages.components.datasets.held_images import say_broken_versions
from pages.components.gallery.changing import note_deleted
from pages.components.shared.dialogs import (
    OpenDialog,
    close_dialog,
    confirm,
    draw_dialog,
    is_dialog_open,
    open_dialog,
    opened,
)
from pages.components.shared.language import _, _n, language, number
from pages.components.shared.pickers import pick_defect_type
from pages.components.shared.session import person, say_after_rerun, services, show_error

if TYPE_CHECKING:
    from storage.tables import DefectType, Image

_KEY = "set_apart"
_MOVE, _DELETE = "set_apart_move", "set_apart_delete"
_DECIDED, _REFUSED = "set_apart_decided", "set_apart_refused"


def was_decided() -> bool:
    """Return whether something was decided since the page was drawn as a whole; True once."""
    return bool(st.session_state.pop(_DECIDED, False))


def take_refusal() -> str | None:
    """Return the sentence of a decision that could not be kept; once."""
    found = st.session_state.pop(_REFUSED, None)
    return found if isinstance(found, str) else None


def show_keys(images: Sequence[Image]) -> None:
    """Show what can be decided of the image that is shown: by click, or by key."""
    st.button(
        _("Keep: really good"),
        key=f"{_KEY}_keep",
        type="primary",
        icon=":material/verified:",
        width="stretch",
        shortcut=key_of("K"),
        on_click=_keep,
        args=(row_versions(images),),
    )
    st.button(
        _("Move to defects"),
        key=f"{_KEY}_move",
        icon=":material/broken_image:",
        width="stretch",
        shortcut=key_of("M"),
        on_click=_ask,
        args=(_MOVE, row_versions(images)),
    )
    with st.container(key=f"danger_key_{_KEY}"):
        st.button(
            _("Delete"),
            key=f"{_KEY}_delete",
            icon=":material/delete:",
            width="stretch",
            shortcut=key_of("D"),
            on_click=_ask,
            args=(_DELETE, row_versions(images)),
        )


def show_all(images: Sequence[Image]) -> None:
    """Show the same decisions for all images at once."""
    turn = st.session_state.get(f"{_KEY}_turn", 0)
    with st.popover(
        _("All {count}", count=number(len(images))),
        icon=":material/select_all:",
        key=f"{_KEY}_all_{turn}",
        width="stretch",
    ):
        seen = row_versions(images)
        st.button(_("Keep all"), key=f"{_KEY}_keep_all", icon=":material/verified:", on_click=_keep, args=(seen,))
        for name, label, icon in (
            (_MOVE, _("Move all to defects"), ":material/broken_image:"),
            (_DELETE, _("Delete all"), ":material/delete:"),
        ):
            st.button(label, key=f"{name}_all", icon=icon, on_click=_ask, args=(name, seen))


def show_open_decision(product_id: int, defect_types: Sequence[DefectType]) -> None:
    """Draw the dialog that was asked for: the type to move to, or whether to delete."""
    if dialog := opened(_MOVE):

        def show_one(open_one: OpenDialog) -> None:
            _show_move(open_one, product_id, defect_types)

        count = len(dialog.values["seen"])
        draw_dialog(_n("Move {count} image to defects", "Move {count} images to defects", count), show_one, dialog)
    elif dialog := opened(_DELETE):
        count = len(dialog.values["seen"])
        confirm(
            _n("Delete {count} image?", "Delete {count} images?", count),
            say_broken_versions(list(dialog.values["seen"]))
            + _(
                "They lie in the trash for 30 days and can be put back. Models do not learn from them any more at "
                "their next deployment; inspections keep what they showed."
            ),
            action=_("Delete"),
            icon=":material/delete:",
            dialog=dialog,
            carry_out=lambda open_one: _delete(open_one, product_id),
            danger=True,
        )


def _show_move(dialog: OpenDialog, product_id: int, defect_types: Sequence[DefectType]) -> None:
    """Ask for the defect type, one that there is or a new one."""
    active = [found for found in defect_types if is_offered(found)]
    if active:
        only = active[0].id if len(active) == 1 else None
        chosen = pick_defect_type(active, key=f"{_KEY}_type", selected=only)
        if st.button(
            _("Move to defects"),
            key=f"{_KEY}_move_agree",
            type="primary",
            icon=":material/broken_image:",
            disabled=chosen is None,
        ):
            assert chosen is not None
            _move(dialog, chosen.id)
    with (
        st.expander(_("New defect type"), icon=":material/add:", expanded=not active),
        st.form(f"{_KEY}_new_type", border=False),
    ):
        text = ask_fields(f"{_KEY}_new", with_code=True)
        if not st.form_submit_button(_("Register and move"), type="primary"):
            return
        row = register_defect_type(product_id, text)
    if row is not None:
        _move(dialog, row.id)


def _move(dialog: OpenDialog, defect_type_id: int) -> None:
    seen: dict[int, int] = dialog.values["seen"]
    try:
        count = move_to_defects(services(), person(), list(seen), defect_type_id, row_versions=seen)
    except AppError as error:
        show_error(error)
        return
    close_dialog()
    say_after_rerun(_n("{count} image moved to the defects.", "{count} images moved to the defects.", count))
    st.rerun(scope="app")


def _delete(dialog: OpenDialog, product_id: int) -> None:
    seen: dict[int, int] = dialog.values["seen"]
    try:
        delete_images(services(), person(), list(seen), row_versions=seen)
    except AppError as error:
        show_error(error)
        return
    close_dialog()
    note_deleted(product_id, list(seen))
    st.rerun(scope="app")


def _ask(name: str, seen: dict[int, int]) -> None:
    """Open the dialog about the images as they were seen; a key that is pressed behind another dialog does nothing."""
    if is_dialog_open():
        return
    if name == _MOVE:
        fill_fields(f"{_KEY}_new")
    _close_menu()
    open_dialog(name, seen=seen)


def _keep(seen: dict[int, int]) -> None:
    if is_dialog_open():
        return
    try:
        count = keep(services(), person(), list(seen), row_versions=seen)
    except AppError as error:
        _refuse(error)
        return
    _close_menu()
    st.session_state[_DECIDED] = True
    say_after_rerun(
        _n(
            "{count} image kept as good. The next deployment learns from it.",
            "{count} images kept as good. The next deployment learns from them.",
            count,
        )
    )


def take_back_kept(seen: dict[int, int]) -> None:
    """Have the images wait for a decision again."""
    try:
        take_back(services(), person(), list(seen), row_versions=seen)
    except AppError as error:
        _refuse(error)
        return
    st.session_state[_DECIDED] = True
    say_after_rerun(_("Taken back: the image waits for a decision again."))


def _refuse(error: AppError) -> None:
    """Have the section say it: what a callback draws stands where nobody looks."""
    st.session_state[_REFUSED] = error.sentence(language())


def _close_menu() -> None:
    """Give the menu of all a new key: a new one is closed; the old would stay in front of what comes."""
    st.session_state[f"{_KEY}_turn"] = st.session_state.get(f"{_KEY}_turn", 0) + 1


def key_of(shortcut: str) -> str | None:
    """Return the key for a button; None while a dialog is open."""
    return None if is_dialog_open() else shortcut


def row_versions(images: Sequence[Image]) -> dict[int, int]:
    """Return the images as they are seen: row version by id."""
    return {image.id: image.row_version for image in images}
