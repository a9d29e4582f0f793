"""Uploading manuals: the form, the progress by file and page, and what became of each file."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import streamlit as st

from core.access import ENGINEER
from core.errors import AppError
from core.i18n import LANGUAGES
from core.manuals.library import ManualFile, ManualOutcome, add_manuals
from core.models.recognition import find_engine
from pages.components.shared.language import _, _n, escape, language, number
from pages.components.shared.session import may, person, services, show_error

if TYPE_CHECKING:
    from storage.tables import Manual, Product

_KEY = "manual_upload"
_AS_THE_TEXT = "text"
_MOST_PAGES_NAMED = 20
_BETWEEN_UPDATES_S = 0.15


@dataclass
class UploadOutcome:
    """What became of the files of one upload into `product_id`; `stopped` is the error that ended it early."""

    product_id: int
    n_files: int
    outcomes: list[ManualOutcome] = field(default_factory=list)
    stopped: AppError | None = None

    def of(self, outcome: str) -> list[ManualOutcome]:
        """Return the files with this outcome: `added`, `duplicate` or `refused`."""
        return [found for found in self.outcomes if found.outcome == outcome]


@dataclass(frozen=True)
class UploadedManual:
    """An upload as the library reads it."""

    name: str
    read: Callable[[], bytes]


def show_upload_form(product: Product) -> None:
    """Show the form, and below it the outcome of the last upload into this product."""
    assert may(ENGINEER)
    turn = st.session_state.get(f"{_KEY}_turn", 0)
    with st.form(f"{_KEY}_form", border=False):
        files = st.file_uploader(
            _("PDF files"),
            type=["pdf"],
            accept_multiple_files=True,
            key=f"{_KEY}_files_{turn}",
            help=_describe_limits(),
        )
        names = {_AS_THE_TEXT: _("As the text tells"), **LANGUAGES}
        left, right = st.columns([1.6, 1], vertical_alignment="bottom")
        chosen = left.selectbox(
            _("Language of the manuals"), list(names), key=f"{_KEY}_language", format_func=lambda found: names[found]
        )
        pressed = right.form_submit_button(
            _("Add the manuals"), type="primary", icon=":material/note_add:", width="stretch"
        )
    if pressed and not files:
        st.warning(_("No file is chosen yet. Choose files, or drop them into the field."), icon=":material/upload:")
    elif pressed:
        upload = ingest_files(
            product,
            [UploadedManual(file.name, file.getvalue) for file in files],
            None if chosen == _AS_THE_TEXT else chosen,
        )
        # The files of this try, not those of the one before, are what the message below is about.
        st.session_state[_KEY] = upload
        if upload.stopped is None:
            # A new key empties the field and releases the bytes; after a failure the files stay for another try.
            st.session_state[f"{_KEY}_turn"] = turn + 1
            st.rerun()
    found = st.session_state.get(_KEY)
    if isinstance(found, UploadOutcome) and found.product_id == product.id:
        show_outcome(found)


def _describe_limits() -> str:
    if find_engine(services().settings) is not None:
        return _("Up to 100 MB and 2,000 pages each. Scanned pages are read by text recognition (OCR).")
    return _(
        "With text that can be selected, up to 100 MB and 2,000 pages each. Scanned pages need text recognition (OCR) "
        "first."
    )


def ingest_files(product: Product, files: Sequence[ManualFile], chosen: str | None) -> UploadOutcome:
    """Ingest the files one after the other, with the progress on the screen."""
    upload = UploadOutcome(product.id, len(files))
    bar = st.progress(0.0, text=_("Reading the files …"))
    shown_at = 0.0

    def show_pages(name: str, done: int, total: int) -> None:
        nonlocal shown_at
        if time.monotonic() - shown_at < _BETWEEN_UPDATES_S:
            return
        shown_at = time.monotonic()
        share = (len(upload.outcomes) + done / max(1, total)) / max(1, len(files))
        pages = _("{done} of {total} pages", done=number(done), total=number(total))
        bar.progress(min(0.99, share), text=f"{escape(name)} · {pages}")

    try:
        for outcome in add_manuals(
            services(), person(), product_id=product.id, files=files, language=chosen, progress=show_pages
        ):
            upload.outcomes.append(outcome)
    except AppError as error:
        upload.stopped = error
    bar.empty()
    return upload


def show_outcome(upload: UploadOutcome) -> None:
    """Show what became of each file, the ones that need attention first."""
    added, duplicates, refused = upload.of("added"), upload.of("duplicate"), upload.of("refused")
    if upload.stopped is not None:
        show_error(upload.stopped)
        st.markdown(_("The manuals taken in before that are kept. Add the same files again: none is stored twice."))
    with st.container(border=True, key=f"{_KEY}_outcome"):
        with st.container(horizontal=True, vertical_alignment="center"):
            if added:
                st.badge(
                    _n("{count} manual added", "{count} manuals added", len(added)),
                    icon=":material/check:",
                    color="green",
                )
            if duplicates:
                st.badge(
                    _n("{count} file already there", "{count} files already there", len(duplicates)),
                    icon=":material/content_copy:",
                    color="gray",
                )
            if refused:
                st.badge(
                    _n("{count} file refused", "{count} files refused", len(refused)),
                    icon=":material/block:",
                    color="red",
                )
            st.space("stretch")
            if st.button(_("Close"), key=f"{_KEY}_close", icon=":material/close:", type="tertiary"):
                st.session_state.pop(_KEY, None)
                st.rerun()
        faults = [found.error for found in (*refused, *duplicates) if found.error is not None]
        lines = [escape(error.sentence(language())) for error in faults] + [describe_added(found) for found in added]
        st.markdown("\n".join(f"- {line}" for line in lines))


def describe_added(outcome: ManualOutcome) -> str:
    """Return the file, its pages, and which of them guidance cannot know."""
    pages = _n("{count} page", "{count} pages", outcome.page_count)
    line = f"**{escape(' '.join(outcome.name.split()))}** · {pages}"
    return f"{line} · {describe_empty_pages(outcome.pages_without_text)}" if outcome.pages_without_text else line


def describe_scans(manual: Manual) -> list[str]:
    """Return what became of the manual's pages without text: which were read by text recognition, which are left."""
    by_ocr = manual.pages_by_ocr or []
    sentences = []
    if by_ocr:
        sentences.append(
            _n(
                "{count} scanned page was read by text recognition (OCR): {pages}. Compare what it says with the page.",
                "{count} scanned pages were read by text recognition (OCR): {pages}. Compare what they say with the "
                "pages.",
                len(by_ocr),
                pages=_name_pages(by_ocr),
            )
        )
    left = [page for page in manual.pages_without_text or [] if page not in set(by_ocr)]
    if left:
        sentences.append(describe_pages(left) if manual.state == "indexed" else describe_empty_pages(left))
    return sentences


def describe_empty_pages(numbers: Sequence[int]) -> str:
    """Return the pages without text of a manual that was not built into an index yet, and what happens to them."""
    if find_engine(services().settings) is None:
        return describe_pages(numbers)
    return _n(
        "{count} page has no text: {pages}. Text recognition (OCR) reads it when the index is built.",
        "{count} pages have no text: {pages}. Text recognition (OCR) reads them when the index is built.",
        len(numbers),
        pages=_name_pages(numbers),
    )


def _name_pages(numbers: Sequence[int]) -> str:
    named = ", ".join(number(page) for page in numbers[:_MOST_PAGES_NAMED])
    return f"{named} …" if len(numbers) > _MOST_PAGES_NAMED else named


def describe_pages(numbers: Sequence[int]) -> str:
    """Return the pages without text as a sentence."""
    named = _name_pages(numbers)
    return _n(
        "{count} page has no text and is not found: {pages}. Run text recognition (OCR) on it.",
        "{count} pages have no text and are not found: {pages}. Run text recognition (OCR) on them.",
        len(numbers),
        pages=named,
    )
