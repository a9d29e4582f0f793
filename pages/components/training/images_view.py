"""The images of a run with what was predicted of each: a page of them, or one closely with its map and boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from core.images.library import get_images, read_thumbnails
from core.training.runs.results import read_results
from pages.components.images.domains import name_domain
from pages.components.shared.language import _, _n, escape, number
from pages.components.shared.session import person, services
from pages.components.shared.thumbnails import show_thumbnail
from pages.components.training.address import SPLITS, ImageFilter, RunLook, change_look
from pages.components.training.one_image import describe_prediction, show_one_image

if TYPE_CHECKING:
    from core.training.runs.records import ImageResult, RunResults, RunView
    from pages.components.comparing.wording import ProductWords

_PAGE_SIZE, _COLUMNS = 18, 6


def show_images(run: RunView, words: ProductWords, look: RunLook) -> None:
    """Show the images that the address asks for: one of them closely, or a page of all. Raises AppError."""
    results = read_results(services(), person(), run.head.id)
    found = select_images(results, look.wanted)
    if look.image:
        show_one_image(results, found, words, look)
        return
    _show_filter(results, words, look.wanted)
    wrong = sum(not one.right for one in found)
    told = _n("{count} image", "{count} images", len(found))
    st.caption(f"{told} · " + _n("{count} wrong", "{count} wrong", wrong))
    if not found:
        st.info(_("No image is left by this filter."), icon=":material/filter_alt_off:")
        return
    _show_page(found, results, words, look.page)
    _show_steps(look.page, -(-len(found) // _PAGE_SIZE))


def select_images(results: RunResults, wanted: ImageFilter) -> list[ImageResult]:
    """Return the images that a filter leaves, the wrong ones first and of those the surest mistakes."""
    found = [
        one
        for one in results.of(wanted.split)
        if (not wanted.only_wrong or not one.right)
        and wanted.truth in (None, one.truth)
        and wanted.named in (None, one.named)
        and wanted.domain in (None, one.domain)
    ]
    return sorted(found, key=lambda one: (one.right, one.quality, -one.probabilities.get(one.named, 0.0), one.image_id))


def _show_filter(results: RunResults, words: ProductWords, wanted: ImageFilter) -> None:
    names = {"test": _("Test"), "val": _("Validation")}
    with st.container(horizontal=True, vertical_alignment="center", key="train_filter"):

        def change_split() -> None:
            chosen = st.session_state.get("train_images_split")
            if chosen in SPLITS:
                change_look(wanted=replace(wanted, split=chosen))

        st.session_state["train_images_split"] = wanted.split
        st.segmented_control(
            _("Images of"), list(SPLITS), key="train_images_split", required=True, format_func=names.__getitem__,
            on_change=change_split, label_visibility="collapsed",
        )  # fmt: skip

        def change_wrong() -> None:
            change_look(wanted=replace(wanted, only_wrong=bool(st.session_state.get("train_only_wrong"))))

        st.session_state["train_only_wrong"] = wanted.only_wrong
        st.toggle(_("Only wrong ones"), key="train_only_wrong", on_change=change_wrong)
        domains = sorted({one.domain for one in results.of(wanted.split)})
        if len(domains) > 1:
            _choose_domain(domains, wanted)
        if wanted.truth is not None or wanted.named is not None:
            st.button(
                _describe_cell(wanted, words), key="train_clear_cell", icon=":material/close:",
                help=_("Show all images again"), on_click=change_look,
                kwargs={"wanted": replace(wanted, truth=None, named=None)},
            )  # fmt: skip


def _choose_domain(domains: Sequence[str], wanted: ImageFilter) -> None:
    key, everything = "train_images_domain", "*"
    st.session_state[key] = everything if wanted.domain is None else wanted.domain

    def change() -> None:
        chosen = st.session_state.get(key)
        change_look(wanted=replace(wanted, domain=None if chosen in (None, everything) else str(chosen)))

    offered = [everything, *dict.fromkeys([*domains, *([] if wanted.domain is None else [wanted.domain])])]
    said = {one: _("All domains") if one == everything else name_domain(one) for one in offered}
    st.selectbox(
        _("Domain"), offered, key=key, on_change=change, label_visibility="collapsed", width=220,
        format_func=said.__getitem__,
    )  # fmt: skip


def _describe_cell(wanted: ImageFilter, words: ProductWords) -> str:
    truth = "" if wanted.truth is None else words.label(wanted.truth)
    return truth if wanted.named is None else f"{truth} → {words.label(wanted.named)}"


def _show_page(found: Sequence[ImageResult], results: RunResults, words: ProductWords, page: int) -> None:
    shown = found[(page - 1) * _PAGE_SIZE : page * _PAGE_SIZE]
    rows = {row.id: row for row in get_images(services(), [one.image_id for one in shown])}
    thumbnails = read_thumbnails(services(), list(rows.values()))
    with st.container(key="gallery_train"):
        for start in range(0, len(shown), _COLUMNS):
            for column, one in zip(st.columns(_COLUMNS), shown[start : start + _COLUMNS], strict=False):
                with column:
                    name = rows[one.image_id].stored_name if one.image_id in rows else ""
                    show_thumbnail(thumbnails.get(one.image_id), alt=name)
                    st.caption(describe_prediction(one, results, words))
                    st.button(
                        _("Look closely"), key=f"train_image_{one.image_id}", width="stretch", on_click=change_look,
                        kwargs={"image": one.image_id}, help=escape(name) or None,
                    )  # fmt: skip


def _show_steps(page: int, pages: int) -> None:
    if pages <= 1:
        return
    left, middle, right = st.columns([1, 2, 1], vertical_alignment="center")
    left.button(
        _("Previous page"), key="train_page_before", icon=":material/chevron_left:", disabled=page <= 1,
        on_click=change_look, kwargs={"page": page - 1}, width="stretch",
    )  # fmt: skip
    middle.markdown(_("Page {page} of {pages}", page=number(page), pages=number(pages)), text_alignment="center")
    right.button(
        _("Next page"), key="train_page_after", icon=":material/chevron_right:", disabled=page >= pages,
        on_click=change_look, kwargs={"page": page + 1}, width="stretch",
    )  # fmt: skip
