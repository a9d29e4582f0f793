"""The open corrective actions, one key away: the person's own and all of the product; each opens as the result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import AppError
from core.i18n import N_
from core.inspections.follow_up.open_actions import count_open_actions, list_open_actions
from core.inspections.terms import VERDICT_NAMES
from pages.components.inspection.shown_result import open_result
from pages.components.shared.dialogs import OpenDialog, draw_dialog, open_dialog, opened
from pages.components.shared.labels import VERDICT_COLORS, VERDICT_ICONS, label_of
from pages.components.shared.language import _, _n, defect_name, escape, moment, number, product_name
from pages.components.shared.session import person, services, show_error
from pages.components.shared.thumbnails import read_thumbnails, show_thumbnail

if TYPE_CHECKING:
    from core.inspections.follow_up.open_actions import OpenAction

OPEN_ACTIONS_KEY = "A"
_DIALOG = "open_actions"
_SCOPES: dict[str, str] = {"mine": N_("My own"), "product": N_("This product")}


def show_open_actions_button(product_id: int) -> None:
    """Draw the button that opens the list, with how many of the person's own actions are open."""
    try:
        count = count_open_actions(services(), created_by=person().id)
    except AppError:
        count = 0  # the page says itself that the database does not answer
    label = _("Open actions")
    st.button(
        f"{label} ({number(count)})" if count else label,
        key="open_actions",
        icon=":material/pending_actions:",
        shortcut=OPEN_ACTIONS_KEY,
        width="stretch",
        on_click=open_dialog,
        args=(_DIALOG,),
        kwargs={"product_id": product_id},
    )


def show_open_actions() -> None:
    """Draw the list where it was opened."""
    if dialog := opened(_DIALOG):
        draw_dialog(_("Open actions"), _show_list, dialog, width="medium", drawer=True)


def _show_list(dialog: OpenDialog) -> None:
    scope = st.segmented_control(
        _("Look in"),
        list(_SCOPES),
        key="open_actions_scope",
        default="mine",
        required=True,
        format_func=lambda name: _(_SCOPES[name]),
        label_visibility="collapsed",
    )
    try:
        if scope == "mine":
            found = list_open_actions(services(), created_by=person().id)
        else:
            found = list_open_actions(services(), product_id=int(dialog.values["product_id"]))
        thumbnails = read_thumbnails([row.thumbnail_key for row in found.rows])
    except AppError as error:
        show_error(error)
        return
    if not found.rows:
        st.success(_("No action is open."), icon=":material/task_alt:")
        return
    for row in found.rows:
        _show_row(row, thumbnails.get(row.thumbnail_key))
    if (more := found.total - len(found.rows)) > 0:
        st.caption(_n("and {count} older one", "and {count} older ones", more))


def _show_row(row: OpenAction, thumbnail: bytes | None) -> None:
    with st.container(border=True, key=f"open_action_{row.inspection_id}"):
        picture, words, action = st.columns([1, 2.6, 1.1], vertical_alignment="center")
        with picture:
            show_thumbnail(thumbnail, alt=_("Inspection no. {number}", number=row.inspection_id))
        verdict = f"{VERDICT_ICONS[row.verdict]} **{label_of(VERDICT_NAMES, row.verdict)}**"
        kind = f" · {escape(defect_name(row.defect_type))}" if row.defect_type is not None else ""
        places = [escape(text) for text in (row.line, row.lot, row.serial) if text]
        facts = " · ".join([_("Inspection no. {number}", number=row.inspection_id), moment(row.created_at), *places])
        who = f" · {escape(_(row.person_name))}" if row.person_name else ""
        note = f"  \n“{escape(' '.join(row.note.split()))}”" if row.note else ""
        first = f":{VERDICT_COLORS[row.verdict]}[{verdict}]{kind}"
        words.markdown(f"{first}  \n{escape(product_name(row.product))}  \n:small[{facts}{who}]{note}")
        if action.button(_("Open it"), key=f"open_action_go_{row.inspection_id}", width="stretch"):
            open_result(row.inspection_id)
            st.rerun()
