"""The images of a comparison: a gallery with what each method said, filtered to where they differ or to one cell."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from core.comparisons.subjects import Subject, SubjectFilter, list_subjects
from core.comparisons.wording import CELL_NAMES
from pages.components.comparing.address import Look, change_look
from pages.components.comparing.subject_view import show_subject
from pages.components.comparing.wording import ProductWords
from pages.components.shared.language import _, _n, escape
from pages.components.shared.session import services
from pages.components.shared.thumbnails import read_thumbnails, show_thumbnail

if TYPE_CHECKING:
    from core.comparisons.overview import ComparisonView
    from core.comparisons.results import ComparisonResult

PAGE_SIZE = 18
_COLUMNS = 6


def show_images(comparison: ComparisonView, result: ComparisonResult, words: ProductWords, look: Look) -> None:
    """Show the images that the address asks for: one of them closely, or a page of all."""
    views = list(dict.fromkeys(one.view for one in result.entries))
    wanted = look.wanted if look.wanted.view in views else SubjectFilter(view=views[0] if views else "")
    look = replace(look, wanted=wanted)
    if look.subject:
        show_subject(comparison, result, words, look)
        return
    _show_filter(result, words, wanted, views)
    page = look.page
    found, total = list_subjects(
        services(), comparison.id, wanted, result.good_labels, offset=(page - 1) * PAGE_SIZE, limit=PAGE_SIZE
    )
    is_part = any(one.view == wanted.view and one.is_combination for one in result.entries)
    st.caption(_n("{count} part", "{count} parts", total) if is_part else _n("{count} image", "{count} images", total))
    if not found:
        st.info(_("No image is left by this filter."), icon=":material/filter_alt_off:")
        return
    _show_page(found, words, result)
    n_pages = -(-total // PAGE_SIZE)
    if n_pages > 1:
        left, middle, right = st.columns([1, 2, 1], vertical_alignment="center")
        left.button(
            _("Previous page"), key="compare_page_before", icon=":material/chevron_left:", disabled=page <= 1,
            on_click=change_look, kwargs={"page": page - 1}, width="stretch",
        )  # fmt: skip
        middle.markdown(_("Page {page} of {pages}", page=page, pages=n_pages), text_alignment="center")
        right.button(
            _("Next page"), key="compare_page_after", icon=":material/chevron_right:", disabled=page >= n_pages,
            on_click=change_look, kwargs={"page": page + 1}, width="stretch",
        )  # fmt: skip


def _show_filter(result: ComparisonResult, words: ProductWords, wanted: SubjectFilter, views: list[str]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="compare_filter"):
        if len(views) > 1:
            names = {view: words.view(view) for view in views}

            def change_view() -> None:
                chosen = st.session_state.get("compare_images_view")
                change_look(
                    wanted=SubjectFilter(view=chosen if chosen is not None else wanted.view, differing=wanted.differing)
                )

            st.session_state["compare_images_view"] = wanted.view
            st.segmented_control(
                _("View"), views, key="compare_images_view", format_func=names.__getitem__,
                label_visibility="collapsed", on_change=change_view, required=True,
            )  # fmt: skip
        if sum(one.view == wanted.view for one in result.entries) > 1:

            def change_differing() -> None:
                change_look(wanted=replace(wanted, differing=bool(st.session_state.get("compare_differing"))))

            st.session_state["compare_differing"] = wanted.differing
            st.toggle(_("Only where they differ"), key="compare_differing", on_change=change_differing)
        if wanted.cell or wanted.truth is not None or wanted.named is not None:
            names = words.entries(result.entries)
            st.button(
                f"{names.get(wanted.key, wanted.key)}: {_describe_cell(wanted, words)}",
                key="compare_clear_cell",
                icon=":material/close:",
                help=_("Show all images again"),
                on_click=change_look,
                kwargs={"wanted": SubjectFilter(view=wanted.view, differing=wanted.differing)},
            )


def _describe_cell(wanted: SubjectFilter, words: ProductWords) -> str:
    if wanted.cell:
        return _(CELL_NAMES[wanted.cell])
    truth = "" if wanted.truth is None else words.label(wanted.truth)
    return truth if wanted.named is None else f"{truth} → {words.label(wanted.named)}"


def _show_page(found: list[Subject], words: ProductWords, result: ComparisonResult) -> None:
    thumbnails = read_thumbnails([one.thumbnail_key for one in found if one.thumbnail_key])
    names = words.entries(result.entries)
    with st.container(key="gallery_compare"):
        for start in range(0, len(found), _COLUMNS):
            for column, one in zip(st.columns(_COLUMNS), found[start : start + _COLUMNS], strict=False):
                with column:
                    show_thumbnail(thumbnails.get(one.thumbnail_key), alt=one.name or one.part)
                    name = one.part if one.image_id is None else one.name
                    st.caption(f"**{escape(words.label(one.truth))}** · {escape(name)}")
                    st.markdown(_describe_said(one, names))
                    st.button(
                        _("Look closely"), key=f"compare_look_{one.subject}", icon=":material/zoom_in:",
                        width="stretch", on_click=change_look, kwargs={"subject": one.subject},
                    )  # fmt: skip


def _describe_said(one: Subject, names: dict[str, str]) -> str:
    """Return a line for each method: whether it was right, and what it said."""
    lines = []
    for key, said in one.said.items():
        is_right = said.verdict == ("reject" if one.is_defect else "ok")
        icon = ":green[:material/check:]" if is_right else ":red[:material/close:]"
        word = _("stopped") if said.verdict == "reject" else _("passed") if said.verdict == "ok" else _("no answer")
        lines.append(f":small[{icon} {escape(names.get(key, key).split(' · ')[0])}: {word}]")
    return "  \n".join(lines)
