"""Images that show nearly the same: groups with the reason to look, one kept, the others deleted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import AppError
from core.images.gallery.changes import DELETE, PART, RELABEL, ImageChange
from core.images.likeness.groups import AlikeGroup, AlikeGroups, find_alike, find_stamp
from pages.components.datasets.held_images import say_broken_versions
from pages.components.gallery.changing import carry_out
from pages.components.gallery.wording import quality_words
from pages.components.images.labels import SPLIT_NAMES, describe_label
from pages.components.shared.dialogs import OpenDialog, close_dialog, confirm, open_dialog, opened
from pages.components.shared.labels import label_of
from pages.components.shared.language import _, _n, escape, number, percent
from pages.components.shared.session import person, services, show_error
from pages.server.pictures import full_address, image_path

if TYPE_CHECKING:
    from storage.tables import DefectType, Image

_DELETE_OTHERS = "alike_delete"
_GROUPS_A_PAGE = 10
_MOST_TILES = 12
_TILE_PX = 140


def show_alike(product_id: int, defect_types: Sequence[DefectType], *, key: str) -> None:
    """Show the groups of a product's images that show nearly the same, leaks between training and test first."""
    found = _find(product_id, key)
    if found is None:
        return
    left = [group for group in found.groups if _name(group) not in st.session_state.get(f"{key}_alike_left", set())]
    about = _n("{count} image compared", "{count} images compared", found.n_images)
    if found.n_unmeasured:
        about += " · " + _n("{count} not measured yet", "{count} not measured yet", found.n_unmeasured)
    if found.n_left_out:
        about += " · " + _n("{count} left out", "{count} left out", found.n_left_out)
    if not left:
        st.info(_("No two images show nearly the same.") + f" ({about})", icon=":material/check_circle:")
        return
    leaks = sum(group.leaks for group in left)
    groups = _n("{count} group", "{count} groups", len(left))
    images = _n("{count} image", "{count} images", sum(len(group.images) for group in left))
    st.markdown(f"**{groups}** · {images} · {about}")
    if leaks:
        st.warning(
            _n(
                "{count} group lies in training and test both: what is measured on these test images is too good to be "
                "true. Delete the copies, or use all of a group for one.",
                "{count} groups lie in training and test both: what is measured on these test images is too good to be "
                "true. Delete the copies, or use all of a group for one.",
                leaks,
            ),
            icon=":material/call_split:",
        )
    surplus = [image for group in left for image in group.images if image.id != group.best.id]
    with st.container(width="content", key=f"danger_key_{key}_alike_all"):
        st.button(
            _n("Keep one of each group, delete {count}", "Keep one of each group, delete {count}", len(surplus)),
            key=f"{key}_alike_all",
            icon=":material/delete_sweep:",
            help=_("The largest and sharpest image of each group is kept, with a mask before one without."),
            on_click=open_dialog,
            args=(_DELETE_OTHERS,),
            kwargs={"seen": {image.id: image.row_version for image in surplus}},
        )
    n_pages = -(-len(left) // _GROUPS_A_PAGE)
    page_key = f"{key}_alike_page_{len(left)}"
    page = min(int(st.session_state.get(page_key) or 1), n_pages)
    for group in left[(page - 1) * _GROUPS_A_PAGE : page * _GROUPS_A_PAGE]:
        with st.container(border=True, key=f"{key}_alike_{group.images[0].id}"):
            _show_group(product_id, group, defect_types, key)
    if n_pages > 1:
        st.pagination(n_pages, key=page_key)
    _show_dialog(product_id)


def _find(product_id: int, key: str) -> AlikeGroups | None:
    """Return the groups, found now or kept as long as no image of the product changes."""
    stamp = (product_id, find_stamp(services(), product_id))
    kept = st.session_state.get(f"{key}_alike_found")
    if kept is not None and kept[0] == stamp:
        return AlikeGroups(*kept[1:])
    bar = st.progress(0.0, text=_("Comparing images …"))

    def report(done: int, total: int) -> None:
        bar.progress(done / max(1, total), text=_("Comparing images …"))

    try:
        found = find_alike(services(), person(), product_id, progress=report)
    except AppError as error:
        show_error(error)
        return None
    finally:
        bar.empty()
    st.session_state[f"{key}_alike_found"] = (
        stamp, found.groups, found.n_images, found.n_unmeasured, found.n_left_out,
    )  # fmt: skip
    return found


def _show_group(product_id: int, group: AlikeGroup, defect_types: Sequence[DefectType], key: str) -> None:
    badges = [f"**{_('{share} alike', share=percent(group.likeness, 0))}**"]
    if group.leaks:
        badges.append(f":red-badge[:material/call_split: {_('training and test')}]")
    if group.disagrees:
        badges.append(f":orange-badge[:material/sell: {_('labels disagree')}]")
    st.markdown(" ".join(badges))
    name = _name(group)
    best = group.best
    shown = group.images[:_MOST_TILES]
    with st.grid("auto", min_column_width=_TILE_PX, gap="small", key=f"{key}_alike_tiles_{name}"):
        for image in shown:
            _show_image(image, defect_types, is_best=image.id == best.id)
    if len(group.images) > len(shown):
        rest = len(group.images) - len(shown)
        st.caption(_n("and {count} more", "and {count} more", rest))
    seen = {image.id: image.row_version for image in group.images}
    others = {number: version for number, version in seen.items() if number != best.id}
    with st.container(horizontal=True, vertical_alignment="center", key=f"{key}_alike_keys_{name}"):
        with st.container(width="content", key=f"danger_key_{key}_alike_{name}"):
            st.button(
                _n("Keep the marked one, delete {count}", "Keep the marked one, delete {count}", len(others)),
                key=f"{key}_alike_keep_{name}",
                icon=":material/delete:",
                on_click=open_dialog,
                args=(_DELETE_OTHERS,),
                kwargs={"seen": others},
            )
        if group.leaks:
            _button(
                _("Use all for training"),
                f"{key}_alike_train_{name}",
                ":material/school:",
                lambda: carry_out(product_id, ImageChange(RELABEL, split="train"), seen),
            )
            _button(
                _("Use all for test"),
                f"{key}_alike_test_{name}",
                ":material/fact_check:",
                lambda: carry_out(product_id, ImageChange(RELABEL, split="test"), seen),
            )
        parts = {image.part for image in group.images}
        if len(parts) > 1 or parts == {""}:
            part = next((image.part for image in group.images if image.part), f"≈{group.images[0].id}")
            _button(
                _("One part"),
                f"{key}_alike_part_{name}",
                ":material/deployed_code:",
                lambda: carry_out(product_id, ImageChange(PART, part=part), seen),
            )
        st.button(
            _("Leave as it is"),
            key=f"{key}_alike_leave_{name}",
            icon=":material/visibility_off:",
            type="tertiary",
            on_click=_leave,
            args=(name, key),
        )


def _show_image(image: Image, defect_types: Sequence[DefectType], *, is_best: bool) -> None:
    with st.container(gap="xxsmall"):
        path = full_address(image_path(image.id, image.content_sha256))
        st.image(path, width="stretch", alt=image.stored_name)
        mark = ":green[:material/check_circle:] " if is_best else ""
        facts = [describe_label(image, defect_types), label_of(SPLIT_NAMES, image.split)]
        size = f"{number(image.width_px)} × {number(image.height_px)} px"
        st.caption(
            f"{mark}**{escape(image.stored_name)}**  \n{escape(' · '.join(facts))}  \n"
            + " · ".join([size, *quality_words(image.quality)])
        )


def _button(label: str, key: str, icon: str, carry: Callable[[], bool]) -> None:
    if st.button(label, key=key, icon=icon) and carry():
        st.rerun(scope="app")


def _leave(name: str, key: str) -> None:
    kept = f"{key}_alike_left"
    st.session_state[kept] = {*st.session_state.get(kept, set()), name}


def _name(group: AlikeGroup) -> str:
    return "-".join(str(image.id) for image in group.images[:3]) + f"-{len(group.images)}"


def _show_dialog(product_id: int) -> None:
    dialog = opened(_DELETE_OTHERS)
    if dialog is None:
        return
    seen: dict[int, int] = dialog.values["seen"]

    def delete(_dialog: OpenDialog) -> None:
        if carry_out(product_id, ImageChange(DELETE), seen):
            close_dialog()
            st.rerun(scope="app")

    confirm(
        _n("Delete {count} image?", "Delete {count} images?", len(seen)),
        say_broken_versions(list(seen))
        + _(
            "They lie in the trash for 30 days and can be put back. Models do not learn from them any more at their "
            "next deployment; inspections keep what they showed."
        ),
        action=_("Delete"),
        icon=":material/delete:",
        dialog=dialog,
        carry_out=delete,
        danger=True,
    )
