"""One image, or part, of a comparison: a tab for each method with picture, map or boxes, words, score and time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.comparisons.subjects import (
    Said,
    Subject,
    draw_prediction,
    get_subject,
    list_pictures,
    list_subjects,
)
from core.errors import AppError
from core.fusion.rules import FOUND_AS_WORDS
from pages.components.comparing.address import Look, change_look
from pages.components.comparing.wording import ProductWords
from pages.components.shared.labels import VERDICT_COLORS, VERDICT_ICONS
from pages.components.shared.language import _, escape, language, number, percent, score
from pages.components.shared.session import services, show_error

if TYPE_CHECKING:
    from core.comparisons.overview import ComparisonView
    from core.comparisons.results import ComparisonResult, EntryResult

_TALLEST_PX, _WIDEST_PX, _NARROWEST_PX = 520, 760, 260
_MOST_LISTED = 100_000


def show_subject(comparison: ComparisonView, result: ComparisonResult, words: ProductWords, look: Look) -> None:
    """Show the image or part that the address names, with steps to those before and after it in the list."""
    try:
        subject = get_subject(services(), comparison.id, look.subject, look.wanted.view, result.good_labels)
    except AppError as error:
        show_error(error)
        st.button(_("All images"), icon=":material/grid_view:", on_click=change_look, kwargs={"subject": ""})
        return
    _show_steps(comparison, result, look)
    _show_truth(subject, words)
    entries = [one for one in result.entries if one.key in subject.said]
    names = words.entries(entries)
    for tab, entry in zip(st.tabs([_title(subject, one, names) for one in entries]), entries, strict=True):
        with tab:
            if entry.is_combination:
                _show_combination(comparison, result, subject, entry, words)
            else:
                _show_said(subject, subject.said[entry.key], entry, words)


def _show_steps(comparison: ComparisonView, result: ComparisonResult, look: Look) -> None:
    listed, _total = list_subjects(services(), comparison.id, look.wanted, result.good_labels, limit=_MOST_LISTED)
    order = [one.subject for one in listed]
    place = order.index(look.subject) if look.subject in order else -1
    with st.container(horizontal=True, vertical_alignment="center", key="compare_steps"):
        st.button(
            _("All images"),
            key="compare_all",
            icon=":material/grid_view:",
            on_click=change_look,
            kwargs={"subject": ""},
        )
        for key, label, icon, step in (
            ("before", _("Previous"), ":material/chevron_left:", place - 1),
            ("after", _("Next"), ":material/chevron_right:", place + 1),
        ):
            there = place >= 0 and 0 <= step < len(order)
            st.button(
                label, key=f"compare_step_{key}", icon=icon, disabled=not there, on_click=change_look,
                kwargs={"subject": order[step] if there else look.subject},
            )  # fmt: skip
        if place >= 0:
            st.caption(_("{place} of {total}", place=number(place + 1), total=number(len(order))))


def _show_truth(subject: Subject, words: ProductWords) -> None:
    told = [_("In truth: {truth}", truth=f"**{escape(words.label(subject.truth))}**")]
    if subject.name and subject.image_id is not None:
        told.append(escape(subject.name))
    if subject.part and not subject.part.startswith("image:"):
        told.append(_("part {name}", name=escape(subject.part)))
    if subject.view:
        told.append(escape(words.view(subject.view)))
    st.markdown(" · ".join(told))


def _title(subject: Subject, entry: EntryResult, names: dict[str, str]) -> str:
    said = subject.said[entry.key]
    is_right = said.verdict == ("reject" if subject.is_defect else "ok")
    return f"{':material/check:' if is_right else ':material/close:'} {escape(names[entry.key])}"


def _show_said(subject: Subject, said: Said, entry: EntryResult, words: ProductWords) -> None:
    left, right = st.columns([2, 1])
    with right:
        _show_verdict(said, words)
        if entry.threshold is not None and said.score is not None:
            st.caption(_("Stopped from {value} on", value=score(entry.threshold)))
        with_map = said.has_map and st.toggle(_("Map"), value=True, key=f"compare_map_{said.id}")
        with_boxes = bool(said.boxes) and st.toggle(_("Boxes"), value=True, key=f"compare_boxes_{said.id}")
        with_mask = subject.is_defect and st.toggle(
            _("Outline the marked defect"), value=True, key=f"compare_mask_{said.id}"
        )
        if said.words:
            st.markdown(f"**{_('In its own words')}**")
            # Words of a model: shown as they are, never read as markup.
            st.text(said.words)
    with left:
        _show_picture(
            said.id,
            map_level=entry.map_level if with_map else None,
            with_boxes=bool(with_boxes),
            with_mask=bool(with_mask),
            alt=subject.name,
        )


def _show_verdict(said: Said, words: ProductWords) -> None:
    if said.error is not None:
        st.warning(escape(said.error.sentence(language())), icon=":material/error:")
    elif said.verdict:
        word = _("stopped") if said.verdict == "reject" else _("passed")
        st.markdown(f":{VERDICT_COLORS[said.verdict]}-badge[{VERDICT_ICONS[said.verdict]} {word}]")
    if said.score is not None:
        st.markdown(_("Score {value}", value=f"**{score(said.score)}**"))
    if said.named:
        st.markdown(_("Named: {name}", name=f"**{escape(words.label(said.named))}**"))
    if said.ms:
        st.caption(f"{number(said.ms)} ms")


def _show_combination(
    comparison: ComparisonView, result: ComparisonResult, subject: Subject, entry: EntryResult, words: ProductWords
) -> None:
    said = subject.said[entry.key]
    with st.container(horizontal=True, vertical_alignment="center"):
        if said.error is not None:
            st.warning(escape(said.error.sentence(language())), icon=":material/error:")
        elif said.verdict:
            word = _(FOUND_AS_WORDS[said.named]) if said.named in FOUND_AS_WORDS else _("passed")
            st.markdown(f":{VERDICT_COLORS[said.verdict]}-badge[{VERDICT_ICONS[said.verdict]} {word}]")
        if said.score is not None:
            st.markdown(_("Probability of a defect: {share}", share=f"**{percent(said.score)}**"))
        if entry.threshold is not None:
            st.caption(_("Stopped from {value} on", value=percent(entry.threshold)))
    pictures = list_pictures(services(), comparison.id, subject, list(entry.members.values()))
    if not pictures:
        return
    for column, one in zip(st.columns(len(pictures)), pictures, strict=True):
        member = result.find(one.key)
        with column:
            st.markdown(f"**{escape(words.view(one.view))}**")
            _show_picture(
                one.id, map_level=None if member is None else member.map_level, with_boxes=False,
                with_mask=subject.is_defect, alt=words.view(one.view),
            )  # fmt: skip
            _show_verdict(one, words)


def _show_picture(prediction_id: int, *, map_level: float | None, with_boxes: bool, with_mask: bool, alt: str) -> None:
    try:
        with st.spinner(_("Drawing the picture …")):
            picture = draw_prediction(
                services(), prediction_id, map_level=map_level, with_boxes=with_boxes, with_mask=with_mask
            )
    except AppError as error:
        if error.code == "comparison_image_elsewhere":
            st.info(_("This image was deleted since."), icon=":material/delete:")
        else:
            show_error(error)
        return
    height_px, width_px = picture.shape[:2]
    width = min(_WIDEST_PX, max(_NARROWEST_PX, round(_TALLEST_PX * width_px / height_px)))
    st.image(picture, width=width, alt=alt)
