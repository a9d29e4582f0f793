"""The trash of a product's images: what it was, who deleted it and when; put back, or deleted for good."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.access import ADMIN
from core.errors import AppError
from core.images.trash.listing import TrashLine, TrashPage, list_trash
from core.images.trash.purging import empty_trash, purge_images
from core.images.trash.restoring import restore_images
from pages.components.gallery.changing import say_restored
from pages.components.images.labels import NORMAL_IMAGE, SPLIT_NAMES
from pages.components.shared.dialogs import OpenDialog, close_dialog, confirm, open_dialog, opened
from pages.components.shared.labels import label_of
from pages.components.shared.language import _, _n, defect_name, escape, moment
from pages.components.shared.session import may, person, say_after_rerun, services, show_error
from pages.server.pictures import full_address, image_path

if TYPE_CHECKING:
    from storage.tables import DefectType

_PURGE = "trash_purge"
_TILE_PX = 168


def show_trash(product_id: int, defect_types: Sequence[DefectType], *, key: str) -> None:
    """Show a page of the trash with what can be done; says so where it is empty."""
    number_key = f"{key}_trash_page"
    page = list_trash(services(), person(), product_id, page=int(st.session_state.get(number_key, 1)))
    if not page.lines:
        st.info(
            _("The trash is empty. Images that are deleted lie here for 30 days and can be put back."),
            icon=":material/delete:",
        )
        return
    st.caption(
        _(
            "Deleted images of this product, normal and defect. After 30 days each is deleted for good by itself. What "
            "is put back has its number, name, mask and regions again."
        )
    )
    chosen = _chosen(page, key)
    with st.container(horizontal=True, vertical_alignment="center", key=f"{key}_trash_actions"):
        st.markdown(f"**{_n('{count} image', '{count} images', page.total)}**", width="content")
        st.button(
            _("Choose this page"),
            key=f"{key}_trash_all",
            icon=":material/select_all:",
            on_click=_choose,
            args=(page, key),
        )
        st.space("stretch")
        if st.button(
            _n("Put back {count}", "Put back {count}", len(chosen)) if chosen else _("Put back"),
            key=f"{key}_trash_restore",
            icon=":material/restore_from_trash:",
            type="primary",
            disabled=not chosen,
        ):
            _restore(chosen)
        if may(ADMIN):
            with st.container(horizontal=True, width="content", key=f"danger_key_{key}_trash"):
                st.button(
                    _("Delete for good"),
                    key=f"{key}_trash_purge",
                    icon=":material/delete_forever:",
                    disabled=not chosen,
                    on_click=open_dialog,
                    args=(_PURGE,),
                    kwargs={"ids": chosen},
                )
                st.button(
                    _("Empty the trash"),
                    key=f"{key}_trash_empty",
                    icon=":material/delete_sweep:",
                    on_click=open_dialog,
                    args=(_PURGE,),
                    kwargs={"ids": None, "count": page.total},
                )
        else:
            st.caption(_("Only an administrator deletes for good."), width="content")
    with st.grid("auto", min_column_width=_TILE_PX, gap="small", key=f"{key}_trash_tiles"):
        for line in page.lines:
            _show_line(line, defect_types, key)
    if page.n_pages > 1:
        st.pagination(
            page.n_pages,
            default=page.page,
            key=f"{number_key}_{page.page}",
            on_change=lambda: st.session_state.update({number_key: st.session_state[f"{number_key}_{page.page}"]}),
        )
    _show_dialog(product_id)


def _show_line(line: TrashLine, defect_types: Sequence[DefectType], key: str) -> None:
    kind = next((found for found in defect_types if found.id == line.defect_type_id), None)
    label = _("Normal") if line.image_type == NORMAL_IMAGE and kind is None else defect_name(kind)
    with st.container(border=True, gap="xxsmall"):
        path = full_address(image_path(line.image_id, line.content_sha256))
        st.image(path, width="stretch", alt=line.stored_name)
        number_there = line.stored_name.rsplit(".", 1)[0].rsplit("_", 1)[-1]
        st.checkbox(escape(f"{label} {number_there}"), key=_pick_key(key, line.id))
        left = _n("{count} day left", "{count} days left", line.days_left)
        left = left if line.days_left else _("deleted for good today")
        by = f" · {escape(_(line.deleted_by))}" if line.deleted_by else ""
        st.caption(
            f"{_breakable(line.stored_name)} · {label_of(SPLIT_NAMES, line.split)}  \n"
            f"{moment(line.deleted_at)}{by}  \n**{left}**"
        )


def _breakable(name: str) -> str:
    """Return a file name that may be broken after its underscores."""
    return escape(name).replace("\\_", "\\_\u200b")


def _pick_key(key: str, trash_id: int) -> str:
    return f"{key}_trash_pick_{trash_id}"


def _chosen(page: TrashPage, key: str) -> list[int]:
    return [line.id for line in page.lines if st.session_state.get(_pick_key(key, line.id))]


def _choose(page: TrashPage, key: str) -> None:
    on = len(_chosen(page, key)) < len(page.lines)
    for line in page.lines:
        st.session_state[_pick_key(key, line.id)] = on


def _restore(ids: Sequence[int]) -> None:
    try:
        say_restored(restore_images(services(), person(), ids))
    except AppError as error:
        show_error(error)
        return
    st.rerun(scope="app")


def _show_dialog(product_id: int) -> None:
    dialog = opened(_PURGE)
    if dialog is None:
        return
    values: dict[str, Any] = dialog.values
    ids: list[int] | None = values["ids"]
    count = int(values.get("count", 0)) if ids is None else len(ids)

    def purge(_dialog: OpenDialog) -> None:
        try:
            if ids is None:
                gone = empty_trash(services(), person(), product_id)
            else:
                gone = purge_images(services(), person(), ids)
        except AppError as error:
            show_error(error)
            return
        close_dialog()
        say_after_rerun(
            _n("{count} image deleted for good.", "{count} images deleted for good.", gone), ":material/delete_forever:"
        )
        st.rerun(scope="app")

    confirm(
        _n("Delete {count} image for good?", "Delete {count} images for good?", count),
        _("Files, masks and regions are gone then, and nothing brings them back but a backup."),
        action=_("Delete for good"),
        icon=":material/delete_forever:",
        dialog=dialog,
        carry_out=purge,
        danger=True,
        typed=_("delete"),
    )
