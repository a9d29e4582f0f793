"""One type of the list, on two lines: what it is called, how grave it is, its images and examples, since when."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import streamlit as st

from core.catalog.outcomes import GOOD
from pages.components.catalog.defect_type_form import SEVERITY_NAMES
from pages.components.catalog.next_step import new_type_id
from pages.components.shared.language import _, _n, day, defect_name, escape, number, product_name
from pages.components.shared.thumbnails import read_thumbnails

if TYPE_CHECKING:
    from storage.tables import DefectType, Image, Product

_COLUMNS = (2.9, 0.95, 1.5, 1.8, 2.0, 1.45)
_COLORS: dict[str, Literal["gray", "orange", "red"]] = {"minor": "gray", "major": "orange", "critical": "red"}
_EXAMPLE_PX = 40


def show_row(
    row: DefectType,
    product: Product,
    counts: Mapping[str, int],
    examples: Sequence[Image],
    *,
    edit: Callable[[DefectType], None],
    change_use: Callable[[DefectType], None],
) -> None:
    """Show one type with what can be done with it."""
    with st.container(key=f"defect_type_row_{row.id}"):
        name, kind, images, shown, dates, actions = st.columns(_COLUMNS, vertical_alignment="center")
        with name, st.container(gap=None):
            _show_name(row, product)
        with kind:
            _show_kind(row)
        with images, st.container(gap=None):
            n_images = sum(counts.values())
            st.markdown(_n("**{count}** image", "**{count}** images", n_images))
            if n_images:
                st.caption(_describe_splits(counts))
        with shown:
            _show_examples(examples)
        with dates, st.container(gap=None):
            st.caption(_("Added {day}", day=day(row.created_at)))
            if day(row.updated_at) != day(row.created_at):
                st.caption(_("Changed {day}", day=day(row.updated_at)))
        with (
            actions,
            st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center", wrap=False),
        ):
            st.button(
                "",
                key=f"defect_type_edit_{row.id}",
                icon=":material/edit:",
                help=_("Edit"),
                on_click=edit,
                args=(row,),
            )
            if st.button(
                "",
                key=f"defect_type_active_{row.id}",
                icon=":material/block:" if row.is_active else ":material/undo:",
                help=_("Deactivate") if row.is_active else _("Reactivate"),
            ):
                change_use(row)


def _show_name(row: DefectType, product: Product) -> None:
    st.markdown(f"**{escape(defect_name(row))}**", help=escape(row.description) or None)
    other = row.name_en if defect_name(row) == row.name_ko else row.name_ko
    about = [f"`{row.code}`", _("No. {number}", number=row.id), escape(product_name(product))]
    if other and other != defect_name(row):
        about.insert(2, escape(other))
    mark = f" :green-badge[:material/fiber_new: {_('New')}]" if row.id == new_type_id() else ""
    st.caption(" · ".join(about) + mark)


def _show_kind(row: DefectType) -> None:
    if row.outcome == GOOD:
        st.badge(_("Good kind"), icon=":material/check_circle:", color="green")
    else:
        st.badge(_(SEVERITY_NAMES[row.severity]), color=_COLORS[row.severity])
    if not row.is_active:
        st.badge(_("Deactivated"), icon=":material/block:", color="gray")


def _describe_splits(counts: Mapping[str, int]) -> str:
    n_train, n_val, n_test = (number(counts.get(split, 0)) for split in ("train", "val", "test"))
    if counts.get("val"):
        return _("train {n_train} · val. {n_val} · test {n_test}", n_train=n_train, n_val=n_val, n_test=n_test)
    return _("train {n_train} · test {n_test}", n_train=n_train, n_test=n_test)


def _show_examples(examples: Sequence[Image]) -> None:
    if not examples:
        st.caption(_("no examples"))
        return
    thumbnails = read_thumbnails([image.thumbnail_key for image in examples])
    with st.container(horizontal=True, gap="xxsmall", wrap=False):
        for image in examples:
            data = thumbnails.get(image.thumbnail_key)
            if data is not None:
                st.image(data, width=_EXAMPLE_PX, alt=image.stored_name)
