"""The parts that images show: said of chosen images, found among all, and kept on one side of the split."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import streamlit as st

from core.access import ENGINEER
from core.errors import AppError
from core.i18n import N_
from core.images.exposures.edits import accept_groups, assign_parts
from core.images.exposures.grouping import PartProposal, PartProposals, propose_parts
from core.images.exposures.leaks import Leak, count_leaking_images, find_leaks, mend_leaks
from core.images.gallery.changes import PART, ImageChange
from core.images.gallery.search import read_row_versions
from core.images.library import get_images, read_thumbnails
from pages.components.gallery.changing import carry_out
from pages.components.images.labels import SPLIT_NAMES, short_name
from pages.components.shared.labels import label_of
from pages.components.shared.language import _, _n, escape, percent
from pages.components.shared.session import may, person, say_after_rerun, services, show_error
from pages.components.shared.thumbnails import show_thumbnail

PART_SOURCES: dict[str, str] = {
    "folder": N_("from the folder"),
    "file_name": N_("from the file name"),
    "list": N_("from a list"),
    "inspection": N_("from the inspection"),
    "similar": N_("from the likeness of images"),
    "person": N_("said by a person"),
}
_MOST_LINES = 20
_MOST_GROUPS = 12
_TILE_PX = 110


def show_split_leaks(product_id: int, *, key: str) -> None:
    """Show which parts have training and test images both, with one key to each way out; nothing without any."""
    leaks = find_leaks(services(), product_id)
    if not leaks:
        return
    with st.container(border=True, key=f"{key}_leaks"):
        parts = _n("{count} part", "{count} parts", len(leaks))
        images = _n("{count} image", "{count} images", count_leaking_images(leaks))
        if any(leak.test for leak in leaks):
            sentence = _(
                "**{parts} in training and test both** ({images}). What is measured on these test images is too good "
                "to be true. Use all images of a part for one.",
                parts=parts,
                images=images,
            )
        else:
            sentence = _(
                "**{parts} in training and validation both** ({images}). Use all images of a part for one.",
                parts=parts,
                images=images,
            )
        st.markdown(f":orange[:material/call_split:] {sentence}")
        with st.container(horizontal=True, vertical_alignment="center"):
            for split, label, icon in (
                ("train", _("Move all to training"), ":material/school:"),
                ("test", _("Move all to test"), ":material/fact_check:"),
            ):
                if st.button(label, key=f"{key}_leaks_{split}", icon=icon):
                    _mend(product_id, split)
        with st.expander(_("Which parts"), icon=":material/list:"):
            st.markdown("\n".join(f"- {_describe_leak(leak)}" for leak in leaks[:_MOST_LINES]))
            if len(leaks) > _MOST_LINES:
                rest = len(leaks) - _MOST_LINES
                st.caption(_n("and {count} more", "and {count} more", rest))


def _mend(product_id: int, split: str) -> None:
    try:
        moved = mend_leaks(services(), person(), product_id, split=split)
    except AppError as error:
        show_error(error)
        return
    use = label_of(SPLIT_NAMES, split)
    say_after_rerun(_n("{count} image moved: {use}.", "{count} images moved: {use}.", moved, use=use))
    st.rerun()


def _describe_leak(leak: Leak) -> str:
    name = f"**{escape(leak.part)}**" if leak.part else _("the same pixels")
    sides = _("training {train}, test {test}", train=len(leak.train), test=len(leak.test))
    if leak.val:
        sides += ", " + _("validation {val}", val=len(leak.val))
    return f"{name}: {sides} · {escape(', '.join(leak.names[:6]))}" + (" …" if len(leak.names) > 6 else "")


@st.fragment
def show_part_search(product_id: int, *, key: str) -> None:
    """Show the button that looks for images of one part, and what was found, to accept or to correct."""
    assert may(ENGINEER)
    kept = f"{key}_proposals_{product_id}"
    found = st.session_state.get(kept)
    with st.expander(_("Images of one part"), icon=":material/burst_mode:", expanded=found is not None):
        st.caption(
            _(
                "Looks for images that show the same part: their details agree far more than those of other parts do. "
                "Nothing is changed before you accept it. Views from different sides are not found: say those by file "
                "name, list, or by hand."
            )
        )
        if st.button(_("Look for images of one part"), key=f"{key}_search", icon=":material/search:"):
            found = _search(product_id)
            st.session_state[kept] = found
            ids = [number for proposal in (found.proposals if found else ()) for number in proposal.image_ids]
            st.session_state[_seen_key(kept)] = read_row_versions(services(), ids)
        if isinstance(found, PartProposals):
            _show_proposals(found, kept, key)


def _search(product_id: int) -> PartProposals | None:
    bar = st.progress(0.0, text=_("Comparing images …"))

    def report(done: int, total: int) -> None:
        bar.progress(done / max(1, total), text=_("Comparing images …"))

    try:
        return propose_parts(services(), person(), product_id, progress=report)
    except AppError as error:
        show_error(error)
        return None
    finally:
        bar.empty()


def _show_proposals(found: PartProposals, kept: str, key: str) -> None:
    compared = _n("{count} image compared", "{count} images compared", found.n_images)
    if found.n_left_out:
        compared += " · " + _n("{count} left out", "{count} left out", found.n_left_out)
    if not found.proposals:
        st.info(_("No images stand out as being of one part.") + f" ({compared})", icon=":material/check_circle:")
        return
    n_images = sum(len(proposal.image_ids) for proposal in found.proposals)
    images = _n("{count} image looks", "{count} images look", n_images)
    parts = _n("{count} part", "{count} parts", len(found.proposals))
    st.markdown(f"**{_('{images} like {parts}', images=images, parts=parts)}** ({compared})")
    with st.container(horizontal=True):
        if st.button(_("Accept all"), key=f"{key}_accept_all", type="primary", icon=":material/done_all:"):
            _accept(found.proposals, found, kept, key)
        if st.button(_("Put aside"), key=f"{key}_put_aside", help=_("Nothing is changed; look again any time.")):
            st.session_state.pop(kept, None)
            st.rerun()
    for proposal in found.proposals[:_MOST_GROUPS]:
        _show_proposal(proposal, found, kept, key)
    rest = len(found.proposals) - _MOST_GROUPS
    if rest > 0:
        st.caption(_n("and {count} more", "and {count} more", rest))


def _show_proposal(proposal: PartProposal, found: PartProposals, kept: str, key: str) -> None:
    rows = get_images(services(), proposal.image_ids)
    thumbnails = read_thumbnails(services(), rows)
    first = min(proposal.image_ids)
    with st.container(border=True, key=f"{key}_group_{first}"):
        likeness = _(
            "details agree to {share}, with any other image to {other}",
            share=percent(proposal.likeness, 0),
            other=percent(max(0.0, proposal.nearest_other), 0),
        )
        leak = " · :orange[" + _("in training and test both") + "]" if proposal.leaks else ""
        st.markdown(likeness + leak)
        with st.grid("auto", min_column_width=_TILE_PX, gap="small"):
            for row in rows:
                with st.container(gap="xxsmall"):
                    show_thumbnail(thumbnails.get(row.id), alt=row.stored_name)
                    st.checkbox(
                        short_name(row),
                        value=True,
                        key=f"{key}_member_{row.id}",
                        help=" · ".join(
                            [escape(row.stored_name), escape(row.original_name), label_of(SPLIT_NAMES, row.split)]
                        ),
                    )
        members = _ticked(proposal, key)
        with st.container(horizontal=True):
            if st.button(
                _n("{count} image is one part", "These {count} images are one part", len(members)),
                key=f"{key}_accept_{first}",
                icon=":material/check:",
                disabled=len(members) < 2,
            ):
                _accept([proposal], found, kept, key)
            if st.button(_("Different parts"), key=f"{key}_refuse_{first}", icon=":material/close:"):
                _refuse(proposal, kept, found)


def _ticked(proposal: PartProposal, key: str) -> list[int]:
    return [number for number in proposal.image_ids if st.session_state.get(f"{key}_member_{number}", True)]


def _accept(proposals: Sequence[PartProposal], found: PartProposals, kept: str, key: str) -> None:
    """Make a part of the images of each proposal that are ticked."""
    groups = [ticked for proposal in proposals if len(ticked := _ticked(proposal, key)) > 1]
    if not groups:
        return
    try:
        changed = accept_groups(services(), person(), groups, row_versions=st.session_state.get(_seen_key(kept)))
    except AppError as error:
        show_error(error)
        return
    _put_away(proposals, kept, found)
    say_after_rerun(_n("Part noted at {count} image.", "Part noted at {count} images.", changed))
    st.rerun(scope="app")


def _refuse(proposal: PartProposal, kept: str, found: PartProposals) -> None:
    """Keep that a person said so: they are not proposed again."""
    try:
        parts = [("", [number]) for number in proposal.image_ids]
        assign_parts(services(), person(), parts, row_versions=st.session_state.get(_seen_key(kept)))
    except AppError as error:
        show_error(error)
        return
    _put_away([proposal], kept, found)
    st.rerun(scope="app")


def _seen_key(kept: str) -> str:
    """Return where the row versions are kept of the images as they were looked at."""
    return f"{kept}_seen"


def _put_away(proposals: Sequence[PartProposal], kept: str, found: PartProposals) -> None:
    left = tuple(one for one in found.proposals if one not in proposals)
    if left:
        st.session_state[kept] = PartProposals(left, found.n_images, found.n_left_out)
    else:
        st.session_state.pop(kept, None)


def show_part_form(
    seen: Mapping[int, int],
    *,
    product_id: int,
    key: str,
    part: str = "",
    done: Callable[[], None] = lambda: None,
    width: Literal["content", "stretch"] = "content",
) -> None:
    """Show a button that opens the form for the part of the images `seen` (row version by id).

    `done` is called once it is kept, or on its way.
    """
    turn = st.session_state.get(f"{key}_turn", 0)
    with st.popover(
        _("Part"), icon=":material/deployed_code:", key=f"{key}_open_{turn}", disabled=not seen, width=width
    ):
        said = st.container()  # above the form: below its key it would lie outside of what opens
        with st.form(f"{key}_form", border=False):
            name = st.text_input(_("Part that these images show"), value=part, key=f"{key}_name_{turn}", max_chars=190)
            st.caption(
                _("One name for all exposures and views of one piece. Left empty, each image is a part of its own.")
            )
            if not st.form_submit_button(_("Set the part"), type="primary", icon=":material/check:"):
                return
        with said:
            if not carry_out(product_id, ImageChange(PART, part=name), seen):
                return
        st.session_state[f"{key}_turn"] = turn + 1
        done()
        st.rerun(scope="app")
