"""The list of inspections: the filter, a page of the table, the way to the others, and the list as a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from core.history.lines import load_lines
from core.history.search import PAGE_SIZE, Found, count_newer, find_inspections
from pages.components.history.address import ask_for, asked_page, open_inspection, turn_to
from pages.components.history.filter_bar import show_filter_bar
from pages.components.history.history_table import show_history_table
from pages.components.shared import screens
from pages.components.shared.language import _, _n, language, number, time_zone
from pages.components.shared.session import services
from pages.server.history_downloads import history_path

if TYPE_CHECKING:
    from core.history.filters import HistoryFilter

_FOUND = "history_found"


@dataclass(frozen=True)
class KeptList:
    """A list that was found, with what was asked: turning its pages asks nothing again."""

    wanted: HistoryFilter
    zone: str
    found: Found


def show_history_list() -> None:
    """Draw the list that the address asks for: the rows first, then how many there are in all."""
    wanted = show_filter_bar()
    bar = st.container(horizontal=True, vertical_alignment="center", key="history_bar")
    page, newest = asked_page()
    found = kept_list(wanted, newest)
    if found is None and page == 1 and newest is None:
        # Fifty are found many times faster than all are counted.
        found = find_inspections(services(), wanted, zone=time_zone(), limit=PAGE_SIZE)
        show_rows(found, 1)
        found = keep_list(wanted, found) if not found.is_cut else find_list(wanted, newest=found.newest)
    else:
        found = find_list(wanted, newest=newest) if found is None else found
        show_rows(found, page)
    if not found.total:
        show_nothing(wanted, newest=found.newest)
        return
    with bar:
        show_bar(wanted, found)
    if found.count_pages() > 1:
        show_pages(found, min(page, found.count_pages()))


def show_rows(found: Found, page: int) -> None:
    """Draw a page of the list."""
    if found.total:
        show_history_table(load_lines(services(), found.page(page)), key="history_table", opened=open_inspection)


def show_bar(wanted: HistoryFilter, found: Found) -> None:
    """Draw how many there are, how many came since, and the way to take them away."""
    if found.is_cut:
        count = _("More than {count} inspections: narrow the filter to reach the others.", count=number(found.total))
    else:
        count = _n("{count} inspection", "{count} inspections", found.total)
    st.markdown(f"**{count}**")
    newer = count_newer(services(), found.newest)
    if newer:
        st.button(
            _n("Show {count} new inspection", "Show {count} new inspections", newer),
            key="history_newer",
            icon=":material/refresh:",
            type="tertiary",
            on_click=show_newest,
        )
    st.space("stretch")
    show_export(wanted)


def kept_list(wanted: HistoryFilter, newest: int | None) -> Found | None:
    """Return the list that was found for this filter; None where there is none, or another moment's is asked for."""
    kept: KeptList | None = st.session_state.get(_FOUND)
    if kept is None or (kept.wanted, kept.zone) != (wanted, str(time_zone())):
        return None
    return kept.found if newest in {None, kept.found.newest} else None


def keep_list(wanted: HistoryFilter, found: Found) -> Found:
    """Keep a whole list: turning its pages asks nothing again."""
    st.session_state[_FOUND] = KeptList(wanted, str(time_zone()), found)
    return found


def find_list(wanted: HistoryFilter, *, newest: int | None = None) -> Found:
    """Return the whole list: the one that is kept for this filter, else as it is found now."""
    kept = kept_list(wanted, newest)
    if kept is not None:
        return kept
    return keep_list(wanted, find_inspections(services(), wanted, zone=time_zone(), newest=newest))


def forget_list() -> None:
    """Let the list be found anew: something in it was decided, or the screen is entered again."""
    st.session_state.pop(_FOUND, None)


def show_newest() -> None:
    """Show the list as it is now, from its beginning."""
    forget_list()
    turn_to(1)


def show_nothing(wanted: HistoryFilter, *, newest: int) -> None:
    """Say why there is nothing to show, and what to do about it."""
    if newest == 0:
        st.info(_("Nothing has been inspected yet."), icon=":material/center_focus_strong:")
        screens.link_to(screens.INSPECT_PART, _("Inspect a part"))
        return
    st.info(_("No inspection fits the filters."), icon=":material/search_off:")
    if wanted.to_query():
        st.button(
            _("Show all inspections"),
            key="history_clear_empty",
            icon=":material/filter_alt_off:",
            on_click=ask_for,
            args=(type(wanted)(),),
        )


def show_pages(found: Found, page: int) -> None:
    """Draw the numbers of the pages."""
    # A new key for each page: the widget's own value is older than one that the address names.
    key = f"history_pages_{page}_{found.newest}"

    def turn() -> None:
        turn_to(int(st.session_state[key]), newest=found.newest)

    with st.container(horizontal=True, horizontal_alignment="center"):
        st.pagination(found.count_pages(PAGE_SIZE), default=page, key=key, on_change=turn)


def show_export(wanted: HistoryFilter) -> None:
    """Draw the ways to take the whole filtered list away: the server sends it row by row."""
    with st.popover(_("Export"), icon=":material/download:"):
        st.caption(_("All inspections that fit the filter, not this page alone."))
        for ending, label, icon in (
            ("csv", _("CSV file"), ":material/csv:"),
            ("xlsx", _("Excel workbook"), ":material/table_view:"),
        ):
            path = history_path(ending, wanted, language=language(), zone=str(time_zone()))
            st.link_button(label, path, icon=icon, width="stretch")
