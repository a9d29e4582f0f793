"""The page behind a step: the manual's page as a picture, the passage marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import AppError
from core.guidance.passages import draw_source
from pages.components.shared.dialogs import OpenDialog, close_dialog, draw_dialog, opened
from pages.components.shared.language import _, escape
from pages.components.shared.session import services, show_error

if TYPE_CHECKING:
    from core.guidance.records import Source

SOURCE_DIALOG = "guidance_source"
_PAGE_PX = 1100


@st.cache_data(show_spinner=False, max_entries=64)
def _picture(store: int, source_key: tuple[object, ...], _source: Source) -> bytes:
    return draw_source(services(), _source, width_px=_PAGE_PX)


def show_source_dialog(sources: Sequence[Source]) -> None:
    """Draw the dialog of the source that was asked for, where it is one of `sources`."""
    dialog = opened(SOURCE_DIALOG)
    if dialog is None:
        return
    source = next((found for found in sources if found.number == dialog.values["number"]), None)
    if source is None:
        close_dialog()
        return

    def content(_open: OpenDialog) -> None:
        st.markdown(f"**{escape(source.manual_title)}** · {_('page {page}', page=source.page)}")
        if source.chapter:
            st.caption(escape(source.chapter))
        try:
            with st.spinner(_("Opening the page …")):
                picture = _picture(hash(services().settings), (source.manual_id, source.page, source.boxes), source)
            st.image(picture, width="stretch", alt=source.manual_title)
        except AppError as error:
            show_error(error)
            if source.text:
                st.markdown(_("The passage as it was then:"))
                st.markdown("  \n".join(escape(line) for line in source.text.splitlines()))

    draw_dialog(_("From the manual"), content, dialog, width="large", drawer=True)
