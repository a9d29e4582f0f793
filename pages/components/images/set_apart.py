"""Normal images that do not look like the others: why, what a person decides of each, and what was kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.access import ENGINEER
from core.errors import AppError
from core.images.library import read_thumbnails
from core.images.outliers import KeptImage, list_kept
from core.inspections.normal_check import NormalPicture, SuspectedImage, Suspicions, draw_normal, explain_suspected
from pages.components.images.labels import SPLIT_NAMES
from pages.components.images.set_apart_decisions import (
    key_of,
    row_versions,
    show_all,
    show_keys,
    show_open_decision,
    take_back_kept,
    take_refusal,
    was_decided,
)
from pages.components.shared.labels import label_of
from pages.components.shared.language import _, _n, day, escape, number, score
from pages.components.shared.session import may, services, show_error
from pages.components.shared.thumbnails import show_thumbnail

if TYPE_CHECKING:
    from storage.tables import DefectType, Image

_KEY = "set_apart"
_SECONDS_CACHED = 3600
_MOST_KEPT = 24
_TILE_PX = 110


@st.fragment
def show_set_apart(product_id: int, defect_types: Sequence[DefectType]) -> None:
    """Show the images that wait for a decision, one at a time, and those that were kept; nothing without any."""
    assert may(ENGINEER)
    if was_decided():
        st.rerun(scope="app")  # the counts, the gallery and the notice of the deployment are others now
    try:
        waiting, kept = explain_suspected(services(), product_id), list_kept(services(), product_id)
    except AppError as error:
        show_error(error)
        return
    refused = take_refusal()
    if waiting.images or refused:
        with st.container(border=True, key=_KEY):
            if refused:
                st.error(refused, icon=":material/error:")
            if waiting.images:
                _show_waiting(waiting, product_id)
    if kept:
        with st.expander(
            _n("{count} image kept as good", "{count} images kept as good", len(kept)), icon=":material/verified:"
        ):
            _show_kept(kept)
    show_open_decision(product_id, defect_types)


def _show_waiting(waiting: Suspicions, product_id: int) -> None:
    images = [found.image for found in waiting.images]
    head, menu = st.columns([3, 1], vertical_alignment="center")
    with head:
        title = _n(
            "{count} image does not look like the others", "{count} images do not look like the others", len(images)
        )
        st.markdown(
            f":orange[:material/flag:] **{title}**",
            help=_(
                "A defective part among the normal images makes the model blind to such defects. Keep what is really "
                "good, move defects to their type, delete what does not belong here. What is kept is not asked about "
                "again."
            ),
        )
    with menu:
        if len(images) > 1:
            show_all(images)
    place = min(int(st.session_state.get(_place_key(product_id), 0)), len(images) - 1)
    found = waiting.images[place]
    left, middle, right = st.columns([1, 1, 0.95])
    with right:
        _show_steps(place, len(images), product_id)
        show_keys([found.image])
        st.markdown(_describe(found))
    try:
        with middle, st.spinner(_("Drawing the heat map …")):
            picture = _draw(hash(services().settings), found.image.id, found.image.content_sha256, waiting.model_stamp)
    except AppError as error:
        with left:
            show_error(error)
        return
    with left:
        st.image(picture.picture_jpeg, width="stretch", alt=found.image.stored_name)
    with middle:
        _show_heat(picture, found.image)


@st.cache_data(show_spinner=False, max_entries=64, ttl=_SECONDS_CACHED)
def _draw(store: int, image_id: int, content_sha256: str, model_stamp: str) -> NormalPicture:
    return draw_normal(services(), image_id)


def _show_heat(picture: NormalPicture, image: Image) -> None:
    if picture.heat_jpeg is None:
        st.info(_("The heat map comes with the first model that is in use."), icon=":material/thermostat:")
        return
    st.image(picture.heat_jpeg, width="stretch", alt=_("Heat map of {name}", name=image.stored_name))
    if picture.learned_by is not None:
        st.caption(
            _(
                "Version {number}, which is in use, learned from this image: it finds little in it.",
                number=picture.learned_by,
            )
        )


def _describe(found: SuspectedImage) -> str:
    image = found.image
    lines = []
    if image.outlier_score is not None:
        if found.limit is None:
            lines.append(_("Score **{score}**", score=score(image.outlier_score)))
        else:
            lines.append(
                _(
                    "Score **{score}**, limit {limit} ({times} times)",
                    score=score(image.outlier_score),
                    limit=score(found.limit),
                    times=number(image.outlier_score / found.limit, 2) if found.limit > 0 else "–",
                )
            )
    if found.set_apart_by is None:
        lines.append(_("Found when it was added"))
    else:
        lines.append(_("Set apart by version {number}, which did not learn from it", number=found.set_apart_by))
    lines += [escape(image.stored_name), escape(image.original_name)]
    about = [f"{_('Use for')}: {label_of(SPLIT_NAMES, image.split)}"]
    if image.part:
        about.append(_("part {part}", part=escape(image.part)))
    return "  \n".join([*lines, " · ".join(about)])


def _show_steps(place: int, total: int, product_id: int) -> None:
    if total == 1:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for step, label, icon, shortcut in (
            (-1, _("Previous"), ":material/chevron_left:", "P"),
            (1, _("Next"), ":material/chevron_right:", "N"),
        ):
            st.button(
                label,
                key=f"{_KEY}_step_{step}",
                icon=icon,
                shortcut=key_of(shortcut),
                disabled=not 0 <= place + step < total,
                on_click=st.session_state.update,
                args=({_place_key(product_id): place + step},),
            )
        st.caption(_("{place} of {total}", place=place + 1, total=total))


def _show_kept(kept: Sequence[KeptImage]) -> None:
    st.caption(_("Models learn from these images, and nobody is asked about them again."))
    shown = kept[:_MOST_KEPT]
    thumbnails = read_thumbnails(services(), [found.image for found in shown])
    with st.grid("auto", min_column_width=_TILE_PX, gap="small", key=f"{_KEY}_kept"):
        for found in shown:
            image = found.image
            with st.container(gap="xxsmall"):
                show_thumbnail(thumbnails.get(image.id), alt=image.stored_name)
                who = " · ".join(part for part in (escape(_(found.kept_by)), day(image.outlier_at)) if part)
                st.caption(f"{escape(image.stored_name)}  \n{who}")
                st.button(
                    _("Take back"),
                    key=f"{_KEY}_take_back_{image.id}",
                    icon=":material/undo:",
                    type="tertiary",
                    on_click=take_back_kept,
                    args=(row_versions([image]),),
                )
    if len(kept) > len(shown):
        rest = len(kept) - len(shown)
        st.caption(_n("and {count} more", "and {count} more", rest))


def _place_key(product_id: int) -> str:
    return f"{_KEY}_place_{product_id}"
