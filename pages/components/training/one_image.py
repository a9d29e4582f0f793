"""One image of a run closely: what it is in truth, what was predicted, the map, the boxes, and the steps beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import AppError, describe
from core.images.library import get_images
from core.messages import MESSAGES
from core.training.pictures import draw_result
from pages.components.images.domains import name_domain
from pages.components.shared.language import _, escape, language, number, percent
from pages.components.shared.session import person, services, show_error
from pages.components.training.address import RunLook, change_look

if TYPE_CHECKING:
    from core.training.runs.records import ImageResult, RunResults
    from pages.components.comparing.wording import ProductWords

_TALLEST_PX, _WIDEST_PX, _NARROWEST_PX = 520, 760, 260
_MOST_CLASSES = 5


def describe_prediction(one: ImageResult, results: RunResults, words: ProductWords) -> str:
    """Return truth and prediction of an image in two lines, with a sign for right or wrong."""
    if one.error:
        return f":orange[:material/error:] {escape(words.label(one.truth))}  \n{_('could not be read')}"
    sign = ":green[:material/check:]" if one.right else ":red[:material/close:]"
    share = one.probabilities.get(one.named)
    sure = f" {percent(share, 0)}" if share is not None else ""
    if results.task == "classification":
        told = escape(words.label(one.named))
    else:
        told = f"{escape(words.label(one.named))} · {_('match')} {percent(one.quality, 0)}"
    return f"{sign} {told}{sure}  \n{_('In truth: {truth}', truth=escape(words.label(one.truth)))}"


def show_one_image(results: RunResults, listed: Sequence[ImageResult], words: ProductWords, look: RunLook) -> None:
    """Show the image that the address names, with steps to those before and after it in the list."""
    _show_steps(listed, look)
    one = next((found for found in results.images if found.image_id == look.image), None)
    if one is None:
        st.warning(_("The run has no prediction of this image."), icon=":material/link_off:")
        return
    left, right = st.columns([2, 1])
    with right:
        with_map, with_boxes, with_mask = _show_about(one, results, words)
    with left:
        _show_picture(one, with_map=with_map, with_boxes=with_boxes, with_mask=with_mask)


def _show_steps(listed: Sequence[ImageResult], look: RunLook) -> None:
    order = [one.image_id for one in listed]
    place = order.index(look.image) if look.image in order else -1
    with st.container(horizontal=True, vertical_alignment="center", key="train_steps"):
        st.button(
            _("All images"), key="train_all", icon=":material/grid_view:", on_click=change_look, kwargs={"image": 0}
        )
        for key, label, icon, step in (
            ("before", _("Previous"), ":material/chevron_left:", place - 1),
            ("after", _("Next"), ":material/chevron_right:", place + 1),
        ):
            there = place >= 0 and 0 <= step < len(order)
            st.button(
                label, key=f"train_step_{key}", icon=icon, disabled=not there, on_click=change_look,
                kwargs={"image": order[step] if there else look.image},
            )  # fmt: skip
        if place >= 0:
            st.caption(_("{place} of {total}", place=number(place + 1), total=number(len(order))))


def _show_about(one: ImageResult, results: RunResults, words: ProductWords) -> tuple[bool, bool, bool]:
    rows = get_images(services(), [one.image_id])
    if rows:
        st.markdown(f"**{escape(rows[0].stored_name)}**")
    if one.error:
        sentence = describe(one.error, {}, language()) if one.error in MESSAGES else one.error
        st.warning(escape(sentence), icon=":material/error:")
    else:
        word, color = (_("right"), "green") if one.right else (_("wrong"), "red")
        icon = ":material/check:" if one.right else ":material/close:"
        st.markdown(f":{color}-badge[{icon} {word}]")
    st.markdown(_("In truth: {truth}", truth=f"**{escape(words.label(one.truth))}**"))
    if not one.error:
        st.markdown(_("Predicted: {name}", name=f"**{escape(words.label(one.named))}**"))
    if one.score is not None:
        st.caption(
            _(
                "Probability of a defect: {share}, called defective from {threshold} on",
                share=percent(one.score),
                threshold=percent(results.threshold),
            )
        )
    for label, share in sorted(one.probabilities.items(), key=lambda pair: -pair[1])[:_MOST_CLASSES]:
        st.progress(min(1.0, max(0.0, share)), text=f"{escape(words.label(label))} {percent(share)}")
    about = [_("part {name}", name=escape(one.part))] if one.part and not one.part.startswith("image:") else []
    if one.domain:
        about.append(name_domain(one.domain))
    if about:
        st.caption(" · ".join(about))
    with_map = bool(one.map_key) and st.toggle(
        _("Map of what spoke for the prediction"), value=True, key=f"train_map_{one.image_id}"
    )
    with_boxes = bool(one.boxes) and st.toggle(_("Predicted boxes"), value=True, key=f"train_boxes_{one.image_id}")
    with_mask = st.toggle(_("Outline the marked defect"), value=True, key=f"train_mask_{one.image_id}")
    return with_map, with_boxes, with_mask


def _show_picture(one: ImageResult, *, with_map: bool, with_boxes: bool, with_mask: bool) -> None:
    try:
        with st.spinner(_("Drawing the picture …")):
            picture = draw_result(
                services(), person(), one, with_map=with_map, with_boxes=with_boxes, with_mask=with_mask
            )
    except AppError as error:
        if error.code == "run_image_gone":
            st.info(_("This image was deleted since."), icon=":material/delete:")
        else:
            show_error(error)
        return
    height_px, width_px = picture.shape[:2]
    width = min(_WIDEST_PX, max(_NARROWEST_PX, round(_TALLEST_PX * width_px / height_px)))
    st.image(picture, width=width, alt=str(one.image_id))
