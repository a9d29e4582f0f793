"""The curated images of a product: filtered, a page of thumbnails at a time, chosen, re-labeled and deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.errors import AppError
from core.images.edits import delete_images
from core.images.library import Page, list_images, read_thumbnails
from pages.components.images.details import show_details
from pages.components.images.labels import (
    DEFECT_IMAGE,
    NORMAL_IMAGE,
    SPLIT_NAMES,
    describe_label,
    short_name,
)
from pages.components.images.outlier_filter import ask_outlier_state, describe_outlier_state, mark_of
from pages.components.images.parts import show_part_form
from pages.components.images.relabeling import show_relabeling
from pages.components.shared.dialogs import OpenDialog, close_dialog, confirm, draw_dialog, open_dialog, opened
from pages.components.shared.language import _, _n, defect_name, escape
from pages.components.shared.session import person, say_after_rerun, services, show_error, showing_errors
from pages.components.shared.thumbnails import show_thumbnail

if TYPE_CHECKING:
    from storage.tables import DefectType, Image

PAGE_SIZE = 48
_TILE_PX = 128
_OPEN, _DELETE = "image_open", "image_delete"


@st.fragment
def show_gallery(product_id: int, image_type: str, defect_types: Sequence[DefectType]) -> None:
    """Show the whole gallery. A fragment: choosing images or turning a page redraws nothing else."""
    key = f"gallery_{image_type}"
    if st.session_state.get(f"{key}_owner") != product_id:
        # Another product's images must never stay chosen unseen.
        st.session_state[f"{key}_owner"] = product_id
        st.session_state[f"{key}_chosen"] = set()
        go_to_page(key, 1)
    with showing_errors():
        bar = st.container(horizontal=True, vertical_alignment="bottom", key=f"{key}_bar")
        with bar:
            filters = ask_filters(image_type, defect_types, key)
            if image_type == NORMAL_IMAGE:
                filters["outlier_state"] = ask_outlier_state(product_id, key=key, changed=lambda: go_to_page(key, 1))
        page = list_images(
            services(),
            product_id,
            image_type=image_type,
            page=int(st.session_state[f"{key}_number"]),
            page_size=PAGE_SIZE,
            **filters,
        )
        if page.page != st.session_state[f"{key}_number"]:
            go_to_page(key, page.page)
        if not page.rows:
            st.info(_("No image fits the filters."), icon=":material/search_off:")
        else:
            with bar:
                st.space("stretch")
                st.markdown(f"**{_n('{count} image', '{count} images', page.total)}**", width="content")
            with st.container(horizontal=True, vertical_alignment="center", key=f"{key}_actions"):
                show_actions(page, defect_types, key)
            show_tiles(page, defect_types, key)
            if page.n_pages > 1:
                show_pages(page, key)
    show_open_dialog(defect_types, key)


def go_to_page(key: str, number: int) -> None:
    """Show this page next. The widget of the pages gets a new key: its own value is older than this."""
    st.session_state[f"{key}_number"] = number
    st.session_state[f"{key}_turn"] = st.session_state.get(f"{key}_turn", 0) + 1


def show_pages(page: Page, key: str) -> None:
    """Show the numbers of the pages."""
    widget = f"{key}_page_{st.session_state[f'{key}_turn']}"

    def turn() -> None:
        st.session_state[f"{key}_number"] = st.session_state[widget]

    st.pagination(page.n_pages, default=page.page, key=widget, on_change=turn)


def ask_filters(image_type: str, defect_types: Sequence[DefectType], key: str) -> dict[str, Any]:
    """Return the filters as arguments of `list_images`."""
    defect_type_id: int | None = None
    if image_type == DEFECT_IMAGE:
        names: dict[int | None, str] = {
            None: _("All defect types"),
            **{found.id: defect_name(found) for found in defect_types},
        }
        if st.session_state.get(f"{key}_type") not in names:
            st.session_state[f"{key}_type"] = None
        defect_type_id = st.selectbox(
            _("Defect type"),
            list(names),
            key=f"{key}_type",
            format_func=lambda found: names[found],
            on_change=go_to_page,
            args=(key, 1),
            width=280,
        )
    uses = {"all": _("All"), **{found: _(name) for found, name in SPLIT_NAMES.items()}}
    split = st.segmented_control(
        _("Use for"),
        list(uses),
        key=f"{key}_split",
        default="all",
        required=True,
        format_func=lambda found: uses[found],
        on_change=go_to_page,
        args=(key, 1),
    )
    return {"defect_type_id": defect_type_id, "split": None if split == "all" else split}


def show_actions(page: Page, defect_types: Sequence[DefectType], key: str) -> None:
    """Show what can be done with the chosen images. Always there, so that the first tick moves nothing."""
    chosen: set[int] = st.session_state[f"{key}_chosen"]
    on_page = [image.id for image in page.rows]
    st.button(
        _("Choose this page"), key=f"{key}_all", icon=":material/select_all:", on_click=choose, args=(key, on_page)
    )
    st.button(
        _n("{count} chosen", "{count} chosen", len(chosen)),
        key=f"{key}_none",
        icon=":material/close:",
        help=_("Choose none"),
        on_click=choose_none,
        args=(key, on_page),
        disabled=not chosen,
    )
    show_relabeling(sorted(chosen), defect_types, key=f"{key}_relabel", done=lambda: deselect_all(key))
    show_part_form(sorted(chosen), key=f"{key}_part", done=lambda: deselect_all(key))
    st.button(
        _("Delete"),
        key=f"{key}_delete",
        icon=":material/delete:",
        on_click=open_dialog,
        args=(_DELETE,),
        disabled=not chosen,
    )


def show_tiles(page: Page, defect_types: Sequence[DefectType], key: str) -> None:
    """Show the thumbnails of this page: only they are read."""
    thumbnails = read_thumbnails(services(), page.rows)
    ids = [image.id for image in page.rows]
    with st.grid("auto", min_column_width=_TILE_PX, gap="small", key=f"{key}_tiles"):
        for place, image in enumerate(page.rows):
            show_tile(image, thumbnails.get(image.id), describe_label(image, defect_types), key)
            if st.session_state.get(f"{key}_open_{image.id}"):
                open_dialog(_OPEN, ids=ids, place=place)


def show_tile(image: Image, thumbnail: bytes | None, label: str, key: str) -> None:
    """Show one thumbnail with its tick and the button that opens it."""
    pick = f"{key}_pick_{image.id}"
    if pick not in st.session_state:
        st.session_state[pick] = image.id in st.session_state[f"{key}_chosen"]
    with st.container(key=f"{key}_tile_{image.id}", gap="xxsmall"):
        show_thumbnail(thumbnail, alt=image.stored_name)
        with st.container(horizontal=True, vertical_alignment="center", gap="xxsmall", wrap=False):
            st.checkbox(
                short_name(image) + mark_of(image),
                key=pick,
                on_change=follow_tick,
                args=(key, image.id),
                width="stretch",
            )
            st.button(
                "",
                key=f"{key}_open_{image.id}",
                icon=":material/zoom_in:",
                type="tertiary",
                help=" · ".join(
                    [
                        escape(image.stored_name),
                        escape(label),
                        _(SPLIT_NAMES[image.split]),
                        *([_("part {part}", part=escape(image.part))] if image.part else []),
                        *([state] if (state := describe_outlier_state(image)) else []),
                    ]
                ),
            )


def follow_tick(key: str, image_id: int) -> None:
    """Keep the choice beside the widgets: it outlives turning the page."""
    chosen: set[int] = st.session_state[f"{key}_chosen"]
    if st.session_state[f"{key}_pick_{image_id}"]:
        chosen.add(image_id)
    else:
        chosen.discard(image_id)


def deselect(key: str, image_id: int) -> None:
    """Deselect an image that may have left this gallery: it must not stay chosen unseen."""
    st.session_state[f"{key}_chosen"].discard(image_id)
    st.session_state.pop(f"{key}_pick_{image_id}", None)


def choose(key: str, image_ids: Sequence[int]) -> None:
    """Choose all images of the page that is shown."""
    for image_id in image_ids:
        st.session_state[f"{key}_pick_{image_id}"] = True
        st.session_state[f"{key}_chosen"].add(image_id)


def choose_none(key: str, image_ids: Sequence[int]) -> None:
    """Choose no image, on no page."""
    st.session_state[f"{key}_chosen"] = set()
    for image_id in image_ids:
        st.session_state[f"{key}_pick_{image_id}"] = False


def deselect_all(key: str) -> None:
    """Deselect every image once what was chosen is done with: choose anew, from the first page."""
    st.session_state[f"{key}_chosen"] = set()
    st.session_state[f"{key}_owner"] = None
    clear_selection(key)


def clear_selection(key: str) -> None:
    """Let the ticks start anew."""
    for name in [name for name in st.session_state if str(name).startswith(f"{key}_pick_")]:
        del st.session_state[name]


def show_open_dialog(defect_types: Sequence[DefectType], key: str) -> None:
    """Draw the dialog that was asked for."""
    if dialog := opened(_OPEN):

        def show_one(open_one: OpenDialog) -> None:
            show_details(open_one, defect_types, relabeled=lambda image_id: deselect(key, image_id))

        draw_dialog(_("Image"), show_one, dialog, width="large")
    elif dialog := opened(_DELETE):
        count = len(st.session_state[f"{key}_chosen"])

        def carry_out(_dialog: OpenDialog) -> None:
            delete_chosen(key)

        confirm(
            _n("Delete {count} image?", "Delete {count} images?", count),
            _(
                "The files are gone for good. Models that were built from them keep working, and inspections keep what "
                "they showed."
            ),
            action=_("Delete"),
            icon=":material/delete_forever:",
            dialog=dialog,
            carry_out=carry_out,
        )


def delete_chosen(key: str) -> None:
    """Delete the chosen images, now that the person has confirmed it."""
    try:
        count = delete_images(services(), person(), sorted(st.session_state[f"{key}_chosen"]))
    except AppError as error:
        show_error(error)
        return
    st.session_state[f"{key}_chosen"] = set()
    clear_selection(key)
    close_dialog()
    say_after_rerun(_n("{count} image deleted.", "{count} images deleted.", count), ":material/delete:")
    st.rerun(scope="app")
