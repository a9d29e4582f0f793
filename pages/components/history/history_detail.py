"""One inspection of the history: the result as it is shown after inspecting, and what can be done with it later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.access import ENGINEER
from core.errors import AppError
from core.history.learning import find_learned
from core.inspections.records import load_record
from pages.components.history.add_to_images import show_add_button
from pages.components.history.address import asked_filter, asked_inspection, close_inspection, open_inspection
from pages.components.history.history_list import find_list, forget_list
from pages.components.inspection.result_view import keep_result, show_result
from pages.components.inspection.shown_result import clear_result, lend_result, shown_result
from pages.components.shared import screens
from pages.components.shared.language import _, escape, product_name
from pages.components.shared.session import may, services, show_error

if TYPE_CHECKING:
    from core.inspections.records import InspectionRecord


def show_history_detail() -> None:
    """Draw the inspection that the address names."""
    inspection_id = asked_inspection()
    shown = shown_result()
    if shown is None or shown.id != inspection_id:
        try:
            record = load_record(services(), inspection_id)
            lend_result()
            keep_result(record)
        except AppError as error:
            show_way_back(None)
            if error.code == "not_found":
                st.warning(_("The inspection of this link is not there."), icon=":material/link_off:")
            else:
                show_error(error)
            return
        shown = record
    show_way_back(shown)
    show_result(shown, on_next=lambda: go_on(1))


def show_way_back(record: InspectionRecord | None) -> None:
    """Draw what stands over the result: back to the list, the neighbors in it, traceability, the images."""
    with st.container(horizontal=True, vertical_alignment="center", key="history_detail_bar"):
        st.button(
            _("Back to the list"),
            key="history_back",
            icon=":material/arrow_back:",
            shortcut="B",
            on_click=back_to_list,
        )
        if record is None:
            return
        before, after = neighbors(record.id)
        st.button(
            _("Newer"),
            key="history_previous",
            icon=":material/keyboard_arrow_up:",
            shortcut="K",
            disabled=before is None,
            on_click=open_inspection,
            args=(before or 0,),
        )
        st.button(
            _("Older"),
            key="history_next",
            icon=":material/keyboard_arrow_down:",
            shortcut="J",
            disabled=after is None,
            on_click=open_inspection,
            args=(after or 0,),
        )
        st.markdown(_("**No. {number}** · {product}", number=record.id, product=escape(product_name(record.product))))
        st.space("stretch")
        screens.link_to(
            screens.TRACEABILITY, _("Traceability"), icon=":material/fingerprint:", query={"inspection": str(record.id)}
        )
        if may(ENGINEER):
            show_add_button(record, find_learned(services(), record.id))


def neighbors(inspection_id: int) -> tuple[int | None, int | None]:
    """Return the inspections before and after this one in the list of the address."""
    ids = find_list(asked_filter()[0]).ids
    try:
        place = ids.index(inspection_id)
    except ValueError:
        return None, None
    return (ids[place - 1] if place else None), (ids[place + 1] if place + 1 < len(ids) else None)


def go_on(step: int) -> None:
    """Open the next inspection of the list; the list itself after the last one."""
    following = neighbors(asked_inspection())[step]
    # Without a result the panel beside the picture knows that the whole page is to be drawn anew.
    clear_result()
    if following is None:
        back_to_list()
    else:
        open_inspection(following)


def back_to_list() -> None:
    """Go back to the list, as it is now: what was decided may have taken the inspection out of it."""
    close_inspection()
    forget_list()
