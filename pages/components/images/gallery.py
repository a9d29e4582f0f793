"""The curated images of a product: filtered, a page of tiles at a time, chosen, re-labeled, downloaded and deleted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import streamlit as st

from core.images.gallery.changes import DELETE, MOST_CHOSEN, ImageChange
from core.images.gallery.search import (
    PAGE_SIZE,
    Asked,
    FoundImages,
    count_images,
    count_regions,
    find_all,
    find_page,
    load_choices,
    load_images,
    read_row_versions,
)
from core.images.trash.listing import count_trash
from pages.components.datasets.held_images import say_broken_versions
from pages.components.gallery import selection
from pages.components.gallery.address import ask_for, asked_page, asked_view, show_view, turn_to
from pages.components.gallery.alike import show_alike
from pages.components.gallery.changing import carry_out, show_change, show_undo
from pages.components.gallery.filter_bar import show_filter_bar
from pages.components.gallery.tiles import show_tiles
from pages.components.gallery.trash import show_trash
from pages.components.gallery.walking import GalleryWalk
from pages.components.images.details import show_details
from pages.components.images.parts import show_part_form
from pages.components.images.relabeling import show_relabeling
from pages.components.shared.dialogs import OpenDialog, close_dialog, confirm, draw_dialog, open_dialog, opened
from pages.components.shared.language import _, _n, language, number, time_zone
from pages.components.shared.session import person, services, showing_errors
from pages.server.image_downloads import images_path

if TYPE_CHECKING:
    from storage.tables import DefectType

_OPEN, _DELETE = "image_open", "image_delete"
# After so long a list is counted anew: others add and delete images, too.
_COUNT_GOOD_FOR = timedelta(seconds=20)


@dataclass(frozen=True)
class _Kept:
    """What was counted for a filter, and when: turning pages and choosing images count nothing."""

    asked: Asked
    found: FoundImages
    at: datetime


@st.fragment
def show_gallery(
    product_id: int, image_type: str, defect_types: Sequence[DefectType], *, is_empty: bool = False
) -> None:
    """Show the whole gallery. A fragment: choosing images or turning a page redraws nothing else.

    `is_empty` says that there is no image of the type at all: then there is only the trash to look at.
    """
    key = f"gallery_{image_type}"
    if st.session_state.get(f"{key}_owner") != product_id:
        # Another product's images must never stay chosen unseen.
        st.session_state[f"{key}_owner"] = product_id
        selection.choose_none(key)
        forget_count(key)
    with showing_errors():
        show_change(product_id)
        show_undo(product_id)
        view = pick_view(product_id, key)
        if view == "trash":
            show_trash(product_id, defect_types, key=key)
        elif view == "alike":
            show_alike(product_id, defect_types, key=key)
        elif not is_empty:
            show_images(product_id, image_type, defect_types, key)
    show_open_dialog(product_id, defect_types, key)


def pick_view(product_id: int, key: str) -> str:
    """Show the views of the product's images; return the one that the address names."""
    in_trash = count_trash(services(), product_id)
    names = {
        "images": _("All images"),
        "alike": _("Near-duplicates"),
        "trash": _("Trash ({count})", count=number(in_trash)) if in_trash else _("Trash"),
    }
    icons = {"images": ":material/grid_view:", "alike": ":material/content_copy:", "trash": ":material/delete:"}
    widget = f"{key}_show"
    asked = asked_view()
    if st.session_state.get(widget) != asked:
        st.session_state[widget] = asked
    st.segmented_control(
        _("What is shown"),
        list(names),
        key=widget,
        required=True,
        format_func=lambda view: f"{icons[view]} {names[view]}",
        label_visibility="collapsed",
        on_change=lambda: show_view(st.session_state[widget]),
    )
    return asked


def show_images(product_id: int, image_type: str, defect_types: Sequence[DefectType], key: str) -> None:
    """Show the filter, what can be done with the chosen images, and the page of the address."""
    wanted = show_filter_bar(product_id, image_type, defect_types, key=key)
    asked = Asked(product_id, image_type, wanted, time_zone())
    found = find(asked, key)
    ids = find_page(services(), asked, found, asked_page())
    images = load_images(services(), ids)
    if not images:
        st.info(_("No image fits the filters."), icon=":material/search_off:")
        st.button(
            _("Show all images"),
            key=f"{key}_clear_empty",
            icon=":material/filter_alt_off:",
            on_click=ask_for,
            args=(type(wanted)(),),
        )
        return
    selection.note_seen(key, {image.id: image.row_version for image in images})
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"{key}_actions"):
        show_actions(asked, found, defect_types, key)
    shown = [image.id for image in images]
    show_tiles(
        images,
        defect_types,
        count_regions(services(), shown),
        [number for number in shown if number in selection.chosen_images(key)],
        key=f"{key}_tiles",
        choose=lambda page, on: selection.choose_on_page(key, page, on),
        opened=lambda image_id: open_image(asked, found, shown, image_id),
        turned=lambda step: turn_to(min(max(1, asked_page() + step), found.count_pages())),
    )
    if found.count_pages() > 1:
        show_pages(found, key)


def find(asked: Asked, key: str) -> FoundImages:
    """Return how many images fit, as it was counted a moment ago or now."""
    kept: _Kept | None = st.session_state.get(f"{key}_found")
    if kept is None or kept.asked != asked or datetime.now(UTC) - kept.at > _COUNT_GOOD_FOR:
        kept = _Kept(asked, count_images(services(), asked), datetime.now(UTC))
        st.session_state[f"{key}_found"] = kept
    return kept.found


def forget_count(key: str) -> None:
    """Let the images be counted anew: some were changed here."""
    st.session_state.pop(f"{key}_found", None)


def show_pages(found: FoundImages, key: str) -> None:
    """Show the numbers of the pages."""
    page = min(asked_page(), found.count_pages())
    # A new key for each page: the widget's own value is older than one that the address names.
    widget = f"{key}_page_{page}_{found.total}"
    st.pagination(
        found.count_pages(), default=page, key=widget, on_change=lambda: turn_to(int(st.session_state[widget]))
    )


def open_image(asked: Asked, found: FoundImages, ids: Sequence[int], image_id: int) -> None:
    """Open one of the images of the page; the arrows lead to all others that fit, those of other pages too."""
    if image_id in ids:
        page = min(asked_page(), found.count_pages())
        place = (page - 1) * PAGE_SIZE + list(ids).index(image_id)
        open_dialog(_OPEN, walk=GalleryWalk(asked, found, image_id, place, found.total))


def show_actions(asked: Asked, found: FoundImages, defect_types: Sequence[DefectType], key: str) -> None:
    """Show what can be done with the chosen images. Always there, so that the first tick moves nothing."""
    chosen = selection.chosen_images(key)
    if found.count_pages() == 1:  # else the key of all says how many they are
        st.markdown(f"**{_n('{count} image', '{count} images', found.total)}**", width="content")
    st.button(
        _("This page"),
        key=f"{key}_all",
        icon=":material/select_all:",
        help=_("Choose this page"),
        on_click=selection.choose_page,
        args=(key,),
    )
    if found.count_pages() > 1:
        most = min(found.total, MOST_CHOSEN)
        st.button(
            _("All {count}", count=number(most)),
            key=f"{key}_everything",
            icon=":material/done_all:",
            help=_("Choose every image that fits the filter, on all pages."),
            on_click=choose_everything,
            args=(asked, found, key),
        )
    st.button(
        _n("{count} chosen", "{count} chosen", len(chosen)),
        key=f"{key}_none",
        icon=":material/close:",
        help=_("Choose none"),
        on_click=selection.choose_none,
        args=(key,),
        disabled=not chosen,
    )
    st.space("stretch")
    views = load_choices(services(), asked.product_id, asked.image_type).views
    show_relabeling(
        asked.product_id,
        dict(chosen),
        defect_types,
        key=f"{key}_relabel",
        done=lambda: finish(key),
        views=views,
    )
    show_part_form(dict(chosen), key=f"{key}_part", product_id=asked.product_id, done=lambda: finish(key))
    show_download(list(chosen), key)
    with st.container(width="content", key=f"danger_key_{key}"):
        st.button(
            _("Delete"),
            key=f"{key}_delete",
            icon=":material/delete:",
            on_click=open_dialog,
            args=(_DELETE,),
            disabled=not chosen,
        )


def show_download(chosen: Sequence[int], key: str) -> None:
    """Show the link to the chosen images as a ZIP file, which is made while it is fetched."""
    path = "#"
    if chosen:
        kept = f"{key}_download"
        path, st.session_state[kept] = images_path(
            person(), chosen, language=language(), token=st.session_state.get(kept, "")
        )
    st.link_button(
        _("Download"),
        path,
        icon=":material/download:",
        disabled=not chosen,
        help=_("The files as they came, with masks and a table, as one ZIP file."),
    )


def choose_everything(asked: Asked, found: FoundImages, key: str) -> None:
    """Choose every image that fits the filter."""
    ids = find_all(services(), asked, found, limit=MOST_CHOSEN)
    selection.choose_all(key, read_row_versions(services(), ids))


def finish(key: str) -> None:
    """Choose anew once what was chosen is done with."""
    selection.choose_none(key)
    forget_count(key)


def show_open_dialog(product_id: int, defect_types: Sequence[DefectType], key: str) -> None:
    """Draw the dialog that was asked for."""
    if dialog := opened(_OPEN):

        def relabeled(image_id: int) -> None:
            selection.deselect(key, image_id)
            forget_count(key)

        def show_one(open_one: OpenDialog) -> None:
            show_details(open_one, defect_types, relabeled=relabeled)

        draw_dialog(_("Image"), show_one, dialog, width="large")
    elif dialog := opened(_DELETE):
        chosen = selection.chosen_images(key)

        def delete(_dialog: OpenDialog) -> None:
            if carry_out(product_id, ImageChange(DELETE), dict(chosen)):
                finish(key)
                close_dialog()
                st.rerun(scope="app")

        confirm(
            _n("Delete {count} image?", "Delete {count} images?", len(chosen)),
            say_broken_versions(list(chosen))
            + _(
                "They lie in the trash for 30 days and can be put back. Models do not learn from them any more at "
                "their next deployment; inspections keep what they showed."
            ),
            action=_("Delete"),
            icon=":material/delete:",
            dialog=dialog,
            carry_out=delete,
            danger=True,
        )
