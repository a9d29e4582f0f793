"""The images on which the chosen runs differ: truth, what each said, and one of them closely with every run's map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import AppError
from core.images.library import get_images, read_thumbnails
from core.training.pictures import draw_result
from pages.components.experiments.address import Look, change_look
from pages.components.experiments.colors import letter
from pages.components.images.domains import name_domain
from pages.components.shared.language import _, _n, escape, number, percent
from pages.components.shared.session import person, services, show_error
from pages.components.shared.thumbnails import show_thumbnail

if TYPE_CHECKING:
    from core.training.experiments.side_by_side import ComparedImage, SideBySide
    from core.training.runs.records import ImageResult
    from pages.components.comparing.wording import ProductWords

_PAGE_SIZE, _COLUMNS = 12, 4
_CLOSE_COLUMNS = 3


def show_images(found: SideBySide, words: ProductWords, look: Look) -> None:
    """Draw a page of the images on which the runs differ, or the one that is open."""
    differing = found.differing
    if look.image:
        _show_one(found, differing, words, look)
        return
    if not found.images:
        st.info(_("The runs have no image of this split in common."), icon=":material/join_inner:")
        return
    if not differing:
        st.success(
            _n(
                "The runs say the same of the one image.", "The runs say the same of all {count} images.",
                len(found.images),
            ),
            icon=":material/done_all:",
        )  # fmt: skip
        return
    st.caption(
        _(
            "{count} of {total} images. First those that some runs have right and others wrong: {divided}.",
            count=number(len(differing)),
            total=number(len(found.images)),
            divided=number(sum(one.is_divided for one in differing)),
        )
    )
    pages = -(-len(differing) // _PAGE_SIZE)
    page = min(look.page, pages)
    shown = differing[(page - 1) * _PAGE_SIZE : page * _PAGE_SIZE]
    rows = {row.id: row for row in get_images(services(), [one.image_id for one in shown])}
    thumbnails = read_thumbnails(services(), list(rows.values()))
    with st.container(key="gallery_experiments"):
        for start in range(0, len(shown), _COLUMNS):
            for column, one in zip(st.columns(_COLUMNS), shown[start : start + _COLUMNS], strict=False):
                with column:
                    name = rows[one.image_id].stored_name if one.image_id in rows else ""
                    show_thumbnail(thumbnails.get(one.image_id), alt=name)
                    st.markdown(_("In truth: {truth}", truth=f"**{escape(words.label(one.truth))}**"))
                    st.caption("  \n".join(_describe(place, said, found, words) for place, said in enumerate(one.said)))
                    st.button(
                        _("Look closely"), key=f"experiments_image_{one.image_id}", width="stretch",
                        on_click=change_look, kwargs={"image": one.image_id}, help=escape(name) or None,
                    )  # fmt: skip
    _show_steps(page, pages)


def _describe(place: int, said: ImageResult, found: SideBySide, words: ProductWords) -> str:
    """Return what a run said of an image in a line, with a sign for right or wrong."""
    if said.error:
        return f"**{letter(place)}** :orange[:material/error:] {_('could not be read')}"
    sign = ":green[:material/check:]" if said.right else ":red[:material/close:]"
    share = said.probabilities.get(said.named)
    if found.task != "classification":
        told = f" · {_('match')} {percent(said.quality, 0)}"
    else:
        told = f" {percent(share, 0)}" if share is not None else ""
    return f"**{letter(place)}** {sign} {escape(words.label(said.named))}{told}"


def _show_steps(page: int, pages: int) -> None:
    if pages <= 1:
        return
    left, middle, right = st.columns([1, 2, 1], vertical_alignment="center")
    left.button(
        _("Previous page"), key="experiments_page_before", icon=":material/chevron_left:", disabled=page <= 1,
        on_click=change_look, kwargs={"page": page - 1}, width="stretch",
    )  # fmt: skip
    middle.markdown(_("Page {page} of {pages}", page=number(page), pages=number(pages)), text_alignment="center")
    right.button(
        _("Next page"), key="experiments_page_after", icon=":material/chevron_right:", disabled=page >= pages,
        on_click=change_look, kwargs={"page": page + 1}, width="stretch",
    )  # fmt: skip


def _show_one(found: SideBySide, listed: Sequence[ComparedImage], words: ProductWords, look: Look) -> None:
    order = [one.image_id for one in listed]
    place = order.index(look.image) if look.image in order else -1
    with st.container(horizontal=True, vertical_alignment="center", key="experiments_steps"):
        st.button(
            _("All images"), key="experiments_all", icon=":material/grid_view:", on_click=change_look,
            kwargs={"image": 0},
        )  # fmt: skip
        for key, label, icon, step in (
            ("before", _("Previous"), ":material/chevron_left:", place - 1),
            ("after", _("Next"), ":material/chevron_right:", place + 1),
        ):
            there = place >= 0 and 0 <= step < len(order)
            st.button(
                label, key=f"experiments_step_{key}", icon=icon, disabled=not there, on_click=change_look,
                kwargs={"image": order[step] if there else look.image},
            )  # fmt: skip
        if place >= 0:
            st.caption(_("{place} of {total}", place=number(place + 1), total=number(len(order))))
    image = next((one for one in found.images if one.image_id == look.image), None)
    if image is None:
        st.warning(_("These runs have no prediction of this image."), icon=":material/link_off:")
        return
    about = [_("In truth: {truth}", truth=f"**{escape(words.label(image.truth))}**")]
    if image.domain:
        about.append(name_domain(image.domain))
    st.markdown(" · ".join(about))
    with_map = st.toggle(_("Map of what spoke for the prediction"), value=True, key="experiments_map")
    for start in range(0, len(image.said), _CLOSE_COLUMNS):
        columns = st.columns(min(_CLOSE_COLUMNS, len(image.said)))
        for offset, said in enumerate(image.said[start : start + _CLOSE_COLUMNS]):
            with columns[offset]:
                st.markdown(_describe(start + offset, said, found, words))
                if not _show_picture(said, with_map=with_map):
                    return


def _show_picture(said: ImageResult, *, with_map: bool) -> bool:
    """Draw the image with the map and boxes of one run; return whether it is there."""
    try:
        picture = draw_result(services(), person(), said, with_map=with_map, with_mask=True)
    except AppError as error:
        if error.code == "run_image_gone":
            st.info(_("This image was deleted since."), icon=":material/delete:")
        else:
            show_error(error)
        return False
    st.image(picture, width="stretch", alt=str(said.image_id))
    if with_map and not said.map_key:
        st.caption(_("No map is kept: it was right, or the recipe has none."))
    return True
