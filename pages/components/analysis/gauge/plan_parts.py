"""The parts of a plan: new ones that are photographed, labelled images, or parts that were inspected repeatedly."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.errors import AppError
from core.gauge.records import PlannedPart
from core.gauge.sources import RECENT_DAYS, find_repeated, pick_labeled_parts
from core.gauge.terms import (
    BY_EXPERT,
    FEWEST_PARTS,
    MOST_PARTS,
    REFERENCE_NAMES,
    SCORE,
    USUAL_PARTS,
    USUAL_VERDICT_PARTS,
)
from core.i18n import N_
from pages.components.shared.language import _, _n
from pages.components.shared.session import services, show_error

if TYPE_CHECKING:
    from collections.abc import Sequence

NEW, IMAGES, INSPECTED = "new", "images", "inspected"
_SOURCES = {
    NEW: N_("Parts that are photographed now"),
    IMAGES: N_("Labelled images"),
    INSPECTED: N_("Parts that were inspected repeatedly"),
}


def usual_parts(kind: str) -> tuple[PlannedPart, ...]:
    """Return as many numbered parts as are usual for what is asked."""
    count = USUAL_PARTS if kind == SCORE else USUAL_VERDICT_PARTS
    return tuple(PlannedPart(str(number)) for number in range(1, count + 1))


def ask_parts(stem: str, kind: str, product_id: int, n_repeats: int, *, view: str) -> tuple[PlannedPart, ...]:
    """Draw where the parts come from, how many there are, and their names; return them."""
    key, turn = f"{stem}_parts", f"{stem}_turn"
    parts: tuple[PlannedPart, ...] = st.session_state[key]
    ways = [way for way in _SOURCES if way != IMAGES or kind != SCORE]
    names = {way: _(title) for way, title in _SOURCES.items()}
    way_key = f"{stem}_way"
    if st.session_state.get(way_key) not in ways:
        st.session_state[way_key] = _way_of(parts) if _way_of(parts) in ways else NEW
    way = st.segmented_control(_("The parts are"), ways, key=way_key, required=True, format_func=lambda one: names[one])

    def take(chosen: Sequence[PlannedPart]) -> None:
        st.session_state[key] = tuple(chosen)
        st.session_state[turn] = st.session_state.get(turn, 0) + 1

    if way == NEW:
        _ask_count(stem, parts, take)
    elif way == IMAGES:
        _ask_images(stem, product_id, take, view=view)
    else:
        _ask_inspected(stem, product_id, n_repeats, take, view=view)
    return _edit(stem, st.session_state[key])


def _way_of(parts: Sequence[PlannedPart]) -> str:
    if any("image" in part.sources for part in parts):
        return IMAGES
    return INSPECTED if any(part.sources for part in parts) else NEW


def _ask_count(stem: str, parts: tuple[PlannedPart, ...], take: Any) -> None:
    own = [part for part in parts if not part.sources]

    def resize() -> None:
        wanted = int(st.session_state[f"{stem}_n_parts"])
        named = [replace(part) for part in own[:wanted]]
        taken = {part.name for part in named}
        number = len(named)
        while len(named) < wanted:
            number += 1
            if str(number) not in taken:
                named.append(PlannedPart(str(number)))
        take(named)

    count_key = f"{stem}_n_parts"
    if count_key not in st.session_state:
        st.session_state[count_key] = min(MOST_PARTS, max(FEWEST_PARTS, len(own) or USUAL_PARTS))
    st.number_input(
        _("Number of parts"),
        FEWEST_PARTS,
        MOST_PARTS,
        key=count_key,
        on_change=resize,
        help=_(
            "Take parts that cover the whole range of the process, good, borderline and defective: 10 or more for the "
            "score, 20 to 50 for verdicts."
        ),
    )
    if len(own) != len(parts):
        st.button(_("Use these parts instead"), key=f"{stem}_own", on_click=resize)


def _ask_images(stem: str, product_id: int, take: Any, *, view: str) -> None:
    st.caption(
        _(
            "One picture of each part is shown to people again and again, and its label is what the part really is. "
            "Good to test people; the score of one and the same picture never varies."
        )
    )
    good, defective, choose = st.columns([1, 1, 1.4], vertical_alignment="bottom")
    n_good = good.number_input(_("Good parts"), 0, 50, 15, key=f"{stem}_n_good")
    n_defect = defective.number_input(_("Defective parts"), 0, 50, 15, key=f"{stem}_n_defect")
    refused = f"{stem}_refused"

    def take_images() -> None:
        try:
            take(pick_labeled_parts(services(), product_id, n_good=int(n_good), n_defect=int(n_defect), view=view))
        except AppError as error:
            st.session_state[refused] = error
        else:
            # There is no second picture of these parts.
            st.session_state[f"{stem}_one_picture"] = True

    choose.button(
        _("Choose images"),
        key=f"{stem}_choose",
        icon=":material/photo_library:",
        width="stretch",
        on_click=take_images,
    )
    if refused in st.session_state:
        show_error(st.session_state.pop(refused))


def _ask_inspected(stem: str, product_id: int, n_repeats: int, take: Any, *, view: str) -> None:
    found = find_repeated(services(), product_id, n_repeats=n_repeats, view=view)
    if len(found.parts) < FEWEST_PARTS:
        st.info(
            _(
                "In the last {days} days no two parts of this product were inspected {repeats} times under the same "
                "serial number, each time with a new picture.",
                days=RECENT_DAYS,
                repeats=n_repeats,
            ),
            icon=":material/search_off:",
        )
        return
    words = _n("{count} part was found", "{count} parts were found", len(found.parts))
    if len(found.setups) > 1:
        words += " · " + _("each at {setups}", setups=", ".join(found.setups))
    st.markdown(words)

    def use() -> None:
        take(found.parts)
        # The lines at which they were inspected are the setups.
        st.session_state[f"{stem}_setups"] = "\n".join(found.setups)

    st.button(_("Use these parts"), key=f"{stem}_use", icon=":material/playlist_add_check:", on_click=use)


def _edit(stem: str, parts: tuple[PlannedPart, ...]) -> tuple[PlannedPart, ...]:
    """Draw the names and what each part really is; return the parts with what was typed."""
    import pandas as pd

    words = {code: _(name) for code, name in REFERENCE_NAMES.items()}
    codes = {word: code for code, word in words.items()}
    part_title, truth_title = _("Part name"), _("What it really is")
    table = pd.DataFrame(
        {part_title: [part.name for part in parts], truth_title: [words[part.reference] for part in parts]}
    )
    with st.expander(
        _n("{count} part: name, and what it really is", "{count} parts: names, and what each really is", len(parts)),
        icon=":material/list_alt:",
    ):
        st.caption(
            _(
                "What a part really is, is said by an expert, a gauge or a cut. Without it agreement can be told, but "
                "not who is right. It may be said later, too."
            )
        )
        edited = st.data_editor(
            table,
            key=f"{stem}_table_{st.session_state.get(f'{stem}_turn', 0)}",
            hide_index=True,
            width="stretch",
            column_config={
                part_title: st.column_config.TextColumn(required=True, max_chars=190),
                truth_title: st.column_config.SelectboxColumn(options=list(words.values()), required=True),
            },
        )
    return tuple(
        replace(
            part,
            name=str(name or ""),
            reference=codes.get(str(word), ""),
            reference_source=part.reference_source if codes.get(str(word), "") == part.reference else BY_EXPERT,
        )
        for part, name, word in zip(parts, edited[part_title], edited[truth_title], strict=True)
    )
