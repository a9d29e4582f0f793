"""The pages behind a heading's steps: the manual's pages as pictures, the passages marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import AppError
from core.guidance.passages import draw_source
from pages.components.shared.dialogs import OpenDialog, close_dialog, draw_dialog, open_dialog, opened
from pages.components.shared.language import _, escape
from pages.components.shared.session import services, show_error

if TYPE_CHECKING:
    from core.guidance.records import Source

SOURCE_DIALOG = "guidance_source"
_PAGE_PX = 1100


@st.cache_data(show_spinner=False, max_entries=64)
def _picture(store: int, source_key: tuple[object, ...], _source: Source) -> bytes:
    return draw_source(services(), _source, width_px=_PAGE_PX)


def show_source_button(guidance_id: int, key: str, sources: Sequence[Source]) -> None:
    """Draw one mark for all the passages that a heading stands on: it opens their pages."""
    pages = sorted({source.page for source in sources})
    numbers = " ".join(rf"\[{source.number}\]" for source in sources)
    read_how = " · OCR" if any(source.is_ocr for source in sources) else ""
    titles = ", ".join(dict.fromkeys(escape(source.manual_title) for source in sources))
    st.button(
        f"{numbers} {_('p. {page}', page=', '.join(str(page) for page in pages))}{read_how}",
        key=f"source_{guidance_id}_{key}",
        icon=":material/menu_book:",
        help=_("Show the page: {title}", title=titles),
        on_click=open_dialog,
        args=(SOURCE_DIALOG,),
        kwargs={"guidance_id": guidance_id, "numbers": tuple(source.number for source in sources)},
    )


def show_source_dialog(sources: Sequence[Source]) -> None:
    """Draw the dialog of the sources that were asked for, where they are among `sources`."""
    dialog = opened(SOURCE_DIALOG)
    if dialog is None:
        return
    asked = [source for source in sources if source.number in dialog.values["numbers"]]
    if not asked:
        close_dialog()
        return

    def content(_open: OpenDialog) -> None:
        for source in asked:
            _show_page(source)
        if st.button(_("Close"), key="source_close", width="stretch"):
            close_dialog()
            st.rerun()

    draw_dialog(_("From the manual"), content, dialog, width="large", drawer=True)


def _show_page(source: Source) -> None:
    st.markdown(rf"\[{source.number}\] **{escape(source.manual_title)}** · {_('page {page}', page=source.page)}")
    if source.chapter:
        st.caption(escape(source.chapter))
    if source.is_ocr:
        st.caption(f":material/document_scanner: {_('Read from a picture of the page: compare it with the page.')}")
    try:
        with st.spinner(_("Opening the page …")):
            picture = _picture(hash(services().settings), (source.manual_id, source.page, source.boxes), source)
        st.image(picture, width="stretch", alt=source.manual_title)
    except AppError as error:
        show_error(error)
        if source.text:
            st.markdown(_("The passage as it was then:"))
            st.markdown("  \n".join(escape(line) for line in source.text.splitlines()))
