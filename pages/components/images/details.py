"""One curated image at full size: the picture with its mask, what is known of it, what it is called; its neighbors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import AppError, NotFound
from core.images.bit_depth import drop_settled, get_bit_depth
from core.images.gallery.search import load_choices
from core.images.library import get_image
from core.images.masks import set_mask
from core.images.notes import describe_note
from core.images.preparation import mask_notes
from core.images.previews import draw_picture
from core.images.records import IncomingFile
from core.images.regions.saving import count_regions
from core.messages.image_notes import IMAGE_NOTES
from pages.components.gallery.walking import Walk
from pages.components.gallery.wording import origin_words, quality_words
from pages.components.images.domains import name_domain
from pages.components.images.drawing.editor import show_editor
from pages.components.images.labels import DEFECT_IMAGE, SPLIT_NAMES, describe_label
from pages.components.images.outlier_filter import describe_outlier_state
from pages.components.images.parts import PART_SOURCES, show_part_form
from pages.components.images.relabeling import show_relabeling
from pages.components.shared.dialogs import OpenDialog, close_dialog
from pages.components.shared.labels import label_of
from pages.components.shared.language import _, byte_size, defect_name, escape, language, moment, number, percent
from pages.components.shared.session import person, say_after_rerun, services, show_error, showing_errors

if TYPE_CHECKING:
    from storage.tables import DefectType, Image

# The whole picture fits into the dialog on a screen of 1280 × 800.
_TALLEST_PX, _WIDEST_PX, _NARROWEST_PX = 560, 790, 120


def show_details(
    dialog: OpenDialog, defect_types: Sequence[DefectType], *, relabeled: Callable[[int], None] | None = None
) -> None:
    """Show the picture at the left, its facts at the right; the arrows go through all that the gallery's filter finds.

    `relabeled` is told the id of an image that was labeled anew.
    """
    walk: Walk = dialog.values["walk"]

    def go(step: int) -> None:
        with showing_errors():
            dialog.values["walk"] = walk.step(step)

    try:
        if dialog.values.get("draws"):
            show_drawing(dialog, walk, defect_types)
            return
        try:
            image = get_image(services(), walk.image_id)
        except NotFound:
            # Somebody deleted it meanwhile: the way to the others stays open.
            st.warning(_("This image is not there any more."), icon=":material/delete:")
            show_steps(walk.place, walk.total, go)
            return
        # What the person looked at when they pressed a button is what the run before this one showed.
        seen = st.session_state.get(f"details_seen_{image.id}", image.row_version)
        st.session_state[f"details_seen_{image.id}"] = image.row_version
        left, right = st.columns([2.1, 1])
        with right:
            show_steps(walk.place, walk.total, go)
            show_facts(image, defect_types)
            label, part = st.columns(2)
            with label:
                show_relabel_form(dialog, walk, image, defect_types, relabeled, seen)
            with part:
                show_part_form(
                    {image.id: seen},
                    product_id=image.product_id,
                    key=f"details_part_{image.id}",
                    part=image.part,
                    width="stretch",
                )
            with_mask = image.mask_key is not None and st.toggle(
                _("Outline the marked defect"), value=True, key=f"details_outline_{image.id}"
            )
            st.button(
                _("Draw regions"),
                key=f"details_draw_{image.id}",
                icon=":material/draw:",
                width="stretch",
                help=_("Mark where the defects are: boxes, polygons and masks, each with its type."),
                on_click=dialog.values.update,
                kwargs={"draws": True},
            )
            if image.image_type == DEFECT_IMAGE:
                show_mask_form(image, seen)
        with left, st.spinner(_("Loading the picture …")):
            width_px = min(_WIDEST_PX, max(_NARROWEST_PX, round(_TALLEST_PX * image.width_px / image.height_px)))
            st.image(draw_picture(services(), image, with_mask=with_mask), width=width_px, alt=image.stored_name)
    except AppError as error:
        show_error(error)


def show_drawing(dialog: OpenDialog, walk: Walk, defect_types: Sequence[DefectType]) -> None:
    """Show the editor of regions in the place of the details; what was found is walked through in it, too."""

    def step(by: int) -> None:
        dialog.values["walk"] = walk.step(by)

    def close() -> None:
        dialog.values["draws"] = False

    show_editor(
        walk.image_id,
        defect_types,
        key="details_editor",
        place=walk.place,
        total=walk.total,
        step=step,
        close=close,
    )


def show_steps(place: int, total: int, go: Callable[[int], None]) -> None:
    """Show the buttons to the previous and the next image, by click or arrow key; `go` gets -1 or 1."""
    with st.container(horizontal=True, vertical_alignment="center"):
        for step, label, shortcut in (
            (-1, _("Previous"), "Left"),
            (1, _("Next"), "Right"),
        ):
            st.button(
                label,
                key=f"details_step_{step}",
                shortcut=shortcut,
                disabled=not 0 <= place + step < total,
                on_click=go,
                args=(step,),
            )
        st.caption(_("{place} of {total}", place=number(place + 1), total=number(total)))


def show_facts(image: Image, defect_types: Sequence[DefectType]) -> None:
    """Show what is known of the image."""
    facts = [
        (_("Stored as"), escape(image.stored_name)),
        (_("Original name"), escape(image.original_name)),
        (_("Shows"), escape(describe_label(image, defect_types))),
        (_("Use for"), label_of(SPLIT_NAMES, image.split)),
        (_("Part"), _describe_part(image)),
        (_("Image view"), escape(image.view) or _("none named")),
        (_("Where taken"), name_domain(image.domain)),
        (_("Origin"), origin_words(image.origin)),
        (_("Quality"), _describe_quality(image)),
        (_("Size"), f"{number(image.width_px)} × {number(image.height_px)} px · {byte_size(image.byte_size)}"),
        (_("Format"), escape(image.file_format)),
        (_("Added"), moment(image.created_at)),
    ]
    if counts := count_regions(services(), image.id):
        by_id = {found.id: found for found in defect_types}
        marked = ", ".join(f"{defect_name(by_id.get(number))} {count}" for number, count in counts.items())
        facts.append((_("Marked regions"), escape(marked)))
    if state := describe_outlier_state(image):
        facts.append((_("Decisions"), state))
    st.markdown("\n".join(f"- {label}: **{value}**" for label, value in facts))
    for note in drop_settled(tuple(image.notes), get_bit_depth(services(), image.product_id, image.view)):
        if note in IMAGE_NOTES:
            st.caption(describe_note(note, language()))


def _describe_quality(image: Image) -> str:
    if image.quality is None:
        return _("Not measured yet")
    words = ", ".join(quality_words(image.quality)) or _("No fault found")
    if image.blur_score is None:
        return words
    return _("{words} (blur {share})", words=words, share=percent(image.blur_score, 0))


def _describe_part(image: Image) -> str:
    if not image.part:
        return _("not known (counts as its own)")
    source = PART_SOURCES.get(image.part_source)
    return escape(image.part) + (f" ({_(source)})" if source else "")


def show_relabel_form(
    dialog: OpenDialog,
    walk: Walk,
    image: Image,
    defect_types: Sequence[DefectType],
    relabeled: Callable[[int], None] | None,
    row_version: int,
) -> None:
    """Say anew what the image shows; then the next one of what was found takes its place."""

    def go_on() -> None:
        if relabeled is not None:
            relabeled(walk.image_id)
        following = walk.after_change()
        if following is not None:
            dialog.values["walk"] = following
        else:
            close_dialog()

    show_relabeling(
        image.product_id,
        {image.id: row_version},
        defect_types,
        key=f"details_relabel_{image.id}",
        done=go_on,
        views=load_choices(services(), image.product_id, image.image_type).views,
        width="stretch",
    )


def show_mask_form(image: Image, row_version: int) -> None:
    """Set, replace or remove the mask that marks where the defect is."""
    with st.popover(_("Defect mask"), icon=":material/select_all:", width="stretch"):
        st.caption(
            _("An image of the same size that is white where the defect is and black elsewhere. It is for measuring.")
        )
        turn = st.session_state.get("details_mask_turn", 0)
        given = st.file_uploader(_("Mask"), type=["png", "bmp", "tif", "tiff"], key=f"details_mask_{image.id}_{turn}")
        mask: IncomingFile | None = None
        if given is not None and st.button(_("Set the mask"), key="details_mask_set", type="primary"):
            mask = IncomingFile(name=given.name, read=given.getvalue)
        elif image.mask_key is None or not st.button(_("Remove the mask"), key="details_mask_remove"):
            return
        try:
            share = set_mask(services(), person(), image.id, mask, row_version=row_version).share
        except AppError as error:
            show_error(error)
            return
        if "mask_inverted" in mask_notes(share):
            say_after_rerun(
                describe_note("mask_inverted", language(), mask_share=share), icon=":material/invert_colors:"
            )
        st.session_state["details_mask_turn"] = turn + 1
        st.rerun()
