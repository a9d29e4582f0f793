"""Starting a batch: what is inspected, where its files are, and what holds of all of them."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.batches.sources import MOST_FILES, list_folder
from core.batches.starting import BatchOrder, start_with_files, start_with_folder
from core.errors import AppError
from core.i18n import N_
from core.images.exposures.rules import read_rule
from core.images.records import IncomingFile
from core.inspections.by_view.examining import views_to_inspect
from core.inspections.part_details import PartDetails
from pages.components.shared.detail_fields import draw_detail
from pages.components.shared.language import _, _n, byte_size, escape, number
from pages.components.shared.session import person, services, show_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.batches.sources import FolderContents
    from storage.tables import Product

_REQUEST, _TURN = "batch_request", "batch_turn"
_FILES, _FOLDER = "files", "folder"
_SOURCES = {_FILES: N_("Files or ZIP"), _FOLDER: N_("Folder of the object store")}
_DETAILS: dict[str, str] = {"line": N_("Line"), "lot": N_("Lot"), "shift": N_("Shift")}
_EXAMPLE_RULE = "LINE3_{part}_{n}"
_TOLD_EVERY = 20
_NAMED = 3  # files that a batch is called by


def show_start_form(product: Product) -> int | None:
    """Draw the form; return the id of the batch that was started with it on this run."""
    source = st.segmented_control(
        _("Where the images are"),
        list(_SOURCES),
        key="batch_source",
        default=_FILES,
        required=True,
        format_func=lambda found: _(_SOURCES[found]),
    )
    _tell_views(product)
    start = _choose_folder() if source == _FOLDER else _choose_files()
    order = _ask_details(product)
    pressed = st.button(
        _("Inspect them all"),
        key="batch_start",
        type="primary",
        icon=":material/play_arrow:",
        disabled=order is None,
    )
    if not pressed or order is None:
        return None
    if start is None:
        what = _("Choose images or a ZIP file first.") if source != _FOLDER else _("Name a folder with images first.")
        st.warning(what, icon=":material/upload:")
        return None
    try:
        started = start(order)
    except AppError as error:
        # What was chosen and typed stays for another try.
        show_error(error)
        return None
    # The next batch is another one, and the field for its files is empty.
    st.session_state.pop(_REQUEST, None)
    st.session_state[_TURN] = st.session_state.get(_TURN, 0) + 1
    return started


def _tell_views(product: Product) -> None:
    """Say how the files of one part find each other, where its parts are inspected by several views."""
    views = views_to_inspect(services(), product.id)
    if not views:
        return
    files = ", ".join(f"`P001_{view.code}.png`" for view in views)
    st.info(
        _(
            "A part of this product is inspected by several views. Files whose names tell the same part and each its "
            "view are one part: {files}. A folder may name the view, too. A part without a required view goes to "
            "Review.",
            files=files,
        ),
        icon=":material/view_in_ar:",
    )


def _choose_files() -> Callable[[BatchOrder], int] | None:
    # Of any type: what is no image is refused by the batch, by name and in the person's language.
    files = st.file_uploader(
        _("Images, or ZIP files of images"),
        accept_multiple_files=True,
        key=f"batch_upload_{st.session_state.get(_TURN, 0)}",
        help=_(
            "Up to {count} files: JPEG, PNG, BMP, TIFF or WebP of up to 50 MB and 100 megapixels each. What cannot be "
            "inspected is named with the reason, and the others go on.",
            count=number(MOST_FILES),
        ),
    )
    if not files:
        return None

    def start(order: BatchOrder) -> int:
        told = st.progress(0.0, text=_("Storing the files …"))

        def staged(done: int, total: int) -> None:
            if done % _TOLD_EVERY == 0:
                words = _("Storing the files: {done} of {total}", done=number(done), total=number(total))
                told.progress(done / max(1, total), text=words)

        incoming = [IncomingFile(one.name, one.getvalue) for one in files]
        named = replace(order, title=", ".join(one.name for one in files[:_NAMED]))
        return start_with_files(services(), person(), named, incoming, staged=staged)

    return start


def _choose_folder() -> Callable[[BatchOrder], int] | None:
    name = st.text_input(
        _("Folder of the object store"),
        key="batch_folder",
        placeholder="incoming/line-3",
        help=_("Its images, and those of the folders below it, are inspected where they lie, and stay there."),
        persist_state="session",
    )
    if not name.strip():
        return None
    try:
        contents: FolderContents = list_folder(services(), person(), name)
    except AppError as error:
        show_error(error)
        return None
    count = len(contents.files)
    words = _n("{count} image", "{count} images", count)
    words += f" · {byte_size(contents.byte_size)}"
    if contents.n_others:
        words += " · " + _n("{count} other file is left alone", "{count} other files are left alone", contents.n_others)
    st.caption(f":material/folder_open: **{escape(contents.folder)}** · {words}")
    return lambda order: start_with_folder(services(), person(), replace(order, title=contents.folder), contents)


def _ask_details(product: Product) -> BatchOrder | None:
    """Draw line, lot, shift and the rule for serial numbers; return the order, None while the rule will not do."""
    columns = st.columns([1, 1, 1, 1.6])
    texts: dict[str, Any] = {}
    for column, (name, title) in zip(columns, _DETAILS.items(), strict=False):
        # The same fields as of a single part: what was typed there is there.
        texts[name] = draw_detail(column, name, _(title))
    written = (
        columns[3]
        .text_input(
            _("Serial number in the file name"),
            key="batch_serial_rule",
            placeholder=_EXAMPLE_RULE,
            persist_state="session",
            help=_(
                "Leave it empty where the names do not tell it. `{part}` is the serial number, `{n}` a number, `{*}` "
                "anything; `{part:5}` are five characters. With folders: `{part}/{*}`."
            ),
        )
        .strip()
    )
    if written:
        try:
            read_rule(written)
        except AppError as error:
            show_error(error)
            return None
    # Of one form: pressed twice, there is one batch.
    key = st.session_state.setdefault(_REQUEST, uuid.uuid4().hex)
    return BatchOrder(product.id, PartDetails(**texts), serial_rule=written, request_key=key)
