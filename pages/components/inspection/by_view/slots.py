"""Giving a part's pictures: one slot a view, dropped all at once, taken one after the other, or a sample part.

What is dropped is put to views by its name; the camera takes the view that is asked for, then asks for the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import streamlit as st

from core.catalog.views import MODALITY_NAMES, View
from core.errors import AppError
from core.images.library import read_image, read_thumbnails
from core.images.samples import SamplePart, pick_sample_parts
from core.inspections.by_view.examining import ViewPicture
from core.inspections.by_view.naming import assign_views
from core.inspections.line.accepting import check_file_size
from pages.components.capture.camera import forget_picture, kept_picture, show_camera
from pages.components.inspection.sources import (
    CAMERA,
    SAMPLE,
    GivenFile,
    TakenFile,
    keep_taken,
    pick_way,
    preview_of,
    taken_pictures,
    upload_nonce,
    upload_round,
)
from pages.components.shared.labels import label_of
from pages.components.shared.language import _, byte_size, escape, language
from pages.components.shared.session import services, show_error, showing_errors
from pages.components.shared.thumbnails import show_thumbnail

if TYPE_CHECKING:
    from core.inspections.part_details import Source
    from storage.tables import Product

_NOWHERE = ""
_MOST_COLUMNS = 4
_N_SAMPLES = 6


@dataclass(frozen=True)
class PickedPart:
    """The pictures of a part by view that the person gave, and how they came here.

    `identity` is the same however often the page runs: of one picked part there is one inspection.
    """

    pictures: tuple[ViewPicture, ...] = field(repr=False)
    source: Source
    identity: str

    def idempotency_key(self, product_id: int) -> str:
        """Return the key under which it is inspected once."""
        return f"page:{upload_nonce()}:{product_id}:{self.identity}"[:128]


@dataclass(frozen=True)
class _Given:
    """A file that was given, and whether its slot was chosen by where it was dropped."""

    file: GivenFile
    view: str
    is_fixed: bool


def pick_part(product: Product, views: Sequence[View]) -> PickedPart | None:
    """Draw how the pictures of a part are given; return them when the part is to be inspected, else None."""
    way = pick_way()
    if way == SAMPLE:
        return _pick_sample(product, views)
    names = {view.code: _name(view) for view in views}
    given = [] if way == CAMERA else _take_dropped(views)
    given += _take_held(views)
    if way == CAMERA:
        given = _show_camera(given, names)
    columns = st.columns(min(len(views), _MOST_COLUMNS), gap="medium")
    for place, view in enumerate(views):
        with columns[place % len(columns)], st.container(border=True, key=f"slot_{view.code}"):
            _show_slot(product, view, [one for one in given if one.view == view.code], names)
    loose = [one for one in given if one.view == _NOWHERE]
    if loose:
        with st.container(border=True, key="slot_none"):
            st.markdown(f":orange[:material/help:] **{_('Not put to a view yet')}**")
            st.caption(_("The names of these files do not say one view. Choose it, or leave them out."))
            for one in loose:
                _show_file(product, one, names)
    return _ask(views, given)


def _take_dropped(views: Sequence[View]) -> list[_Given]:
    """Draw the box that takes all pictures at once; return its files with their views."""
    dropped = st.file_uploader(
        _("All pictures of the part at once"),
        key=f"inspect_views_{upload_round()}",
        accept_multiple_files=True,
        help=_(
            "Names such as P001_{view}.png put each picture to its view. You can change it below.", view=views[0].code
        ),
    )
    found = assign_views([file.name for file in dropped], [view.code for view in views])
    return [
        _Given(file, str(st.session_state.get(_chosen_key(file), view)), is_fixed=False)
        for file, view in zip(dropped, found, strict=True)
    ]


def _take_held(views: Sequence[View]) -> list[_Given]:
    """Return what the slots of the views hold: files of their own boxes, and what the camera took."""
    given = []
    for view in views:
        # The box of a slot stands in the slot, further down: what it holds is known from the run before.
        held = st.session_state.get(f"inspect_view_{view.code}_{upload_round()}") or []
        given += [_Given(file, view.code, is_fixed=True) for file in held]
    known = {view.code for view in views}
    return given + [_Given(file, view, is_fixed=True) for view, file in taken_pictures() if view in known]


def _show_camera(given: Sequence[_Given], names: dict[str, str]) -> list[_Given]:
    """Draw the camera and which view it takes; return what is given with the picture that was just taken."""
    key = "inspect_camera_view"
    found = list(given)
    taken = kept_picture()
    if taken is not None:
        view = str(st.session_state.get(key, ""))
        if view in names:
            file = TakenFile(taken)
            keep_taken(view, file)
            found.append(_Given(file, view, is_fixed=True))
            st.session_state.pop(key, None)
        forget_picture()
    if st.session_state.get(key) not in names:
        # The next view without a picture; the last one again where all have theirs.
        empty = [code for code in names if not any(one.view == code for one in found)]
        st.session_state[key] = next(iter(empty), list(names)[-1])
    with st.container(key="views_camera"):
        st.segmented_control(
            _("The camera takes"), list(names), key=key, required=True, format_func=lambda code: names[code]
        )
        show_camera(key="inspect_views_camera", height="calc(45vh - 7rem)", beside=True)
    return found


def _show_slot(product: Product, view: View, given: Sequence[_Given], names: dict[str, str]) -> None:
    mark = f":red-badge[{_('required')}]" if view.is_required else f":gray-badge[{_('optional')}]"
    st.markdown(f"**{escape(names[view.code])}** {mark}  \n:small[{label_of(MODALITY_NAMES, view.modality)}]")
    for one in given:
        _show_file(product, one, names)
    if not given:
        st.caption(_("No picture yet"))
    st.file_uploader(
        _("Pictures of {view}", view=escape(names[view.code])),
        key=f"inspect_view_{view.code}_{upload_round()}",
        accept_multiple_files=True,
        label_visibility="collapsed",
    )


def _show_file(product: Product, one: _Given, names: dict[str, str]) -> None:
    picture, words = st.columns([1, 1.6], vertical_alignment="center")
    try:
        check_file_size(one.file.name, one.file.size)
        picture.image(preview_of(product, one.file, view=one.view), width="stretch", alt=one.file.name)
    except AppError as error:
        picture.markdown(":material/broken_image:")
        with words:
            show_error(error)
    words.markdown(f":small[{escape(one.file.name)} · {byte_size(one.file.size)}]")
    if isinstance(one.file, TakenFile):
        words.button(
            _("Discard"),
            key=f"discard_{one.file.file_id}",
            icon=":material/delete:",
            help=_("The camera takes this view again."),
            on_click=_discard,
            args=(one,),
        )
    elif not one.is_fixed:
        choices = {_NOWHERE: _("leave out"), **names}
        key = _chosen_key(one.file)
        st.session_state.setdefault(key, one.view)
        words.selectbox(
            _("View of {name}", name=escape(one.file.name)),
            list(choices),
            key=key,
            format_func=lambda code: choices[code],
            label_visibility="collapsed",
        )


def _discard(one: _Given) -> None:
    keep_taken(one.view, None, instead_of=one.file.file_id)
    st.session_state["inspect_camera_view"] = one.view


def _ask(views: Sequence[View], given: Sequence[_Given]) -> PickedPart | None:
    used = [one for one in given if one.view]
    missing = [_name(view) for view in views if view.is_required and not any(one.view == view.code for one in used)]
    with st.container(key="views_ask", horizontal=True, vertical_alignment="center", gap="medium"):
        wants = st.button(
            _("Inspect"),
            key="inspect_views_go",
            type="primary",
            icon=":material/center_focus_strong:",
            shortcut="I",
            disabled=not used,
            width=220,
        )
        if not used:
            st.caption(_("Give at least one picture of the part."), width="stretch")
        elif missing:
            st.caption(
                _("Missing: {views}. Without it the part cannot be OK.", views=escape(", ".join(missing))),
                width="stretch",
            )
    if not wants or not used:
        return None
    pictures = tuple(ViewPicture(one.view, one.file.getvalue(), one.file.name) for one in used)
    source: Source = "camera" if all(isinstance(one.file, TakenFile) for one in used) else "upload"
    return PickedPart(pictures, source, "+".join(sorted(f"{one.view}:{one.file.file_id[:12]}" for one in used))[:80])


def _pick_sample(product: Product, views: Sequence[View]) -> PickedPart | None:
    picked: PickedPart | None = None
    with showing_errors():
        parts = pick_sample_parts(services(), product.id, [view.code for view in views], n=_N_SAMPLES)
        if not parts:
            st.info(
                _(
                    "No part of this product was registered with a picture of every view. Name the parts of its "
                    "images, or upload pictures."
                ),
                icon=":material/photo_library:",
            )
            return None
        thumbnails = read_thumbnails(services(), [image for part in parts for image in part.images])
        st.caption(_("Parts of this product that its models were not built from. Choose one to inspect it."))
        with st.container(key="sample_parts"):
            for start in range(0, len(parts), 3):
                for column, part in zip(st.columns(3), parts[start : start + 3], strict=False):
                    with column, st.container(border=True):
                        pictures = st.columns(len(part.images))
                        for place, image in enumerate(part.images):
                            with pictures[place]:
                                show_thumbnail(thumbnails.get(image.id), alt=f"{part.name} {image.view}")
                        if st.button(
                            _("Inspect {name}", name=escape(part.name)), key=f"part_{part.name}", width="stretch"
                        ):
                            picked = _read_sample(part)
    return picked


def _read_sample(part: SamplePart) -> PickedPart:
    pictures = tuple(ViewPicture(image.view, read_image(services(), image), image.stored_name) for image in part.images)
    return PickedPart(pictures, "sample", f"part:{part.name}"[:80])


def _chosen_key(file: GivenFile) -> str:
    return f"inspect_view_of_{file.file_id}"


def _name(view: View) -> str:
    from core.catalog.views import name_view

    return name_view(view, language())
