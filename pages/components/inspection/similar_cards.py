"""Cards of similar images: the defective place beside the whole, the type, how alike, and what was done then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.similarity.cut_outs import read_cut_outs
from core.similarity.matches import fetch_thumbnails
from core.similarity.places import find_places
from pages.components.inspection.similar_case import open_case
from pages.components.inspection.similar_summary import describe_closeness
from pages.components.shared.language import _, day, defect_name, escape, product_name
from pages.components.shared.session import services
from pages.components.shared.thumbnails import show_thumbnail

if TYPE_CHECKING:
    from core.similarity.matches import Similar

_SECONDS_CACHED = 600  # after so long, one that could not be read is tried again
_LONGEST_NOTE = 90


@st.cache_data(show_spinner=False, max_entries=64, ttl=_SECONDS_CACHED)
def _read_pictures(store: int, ids: tuple[int, ...], thumbnail_keys: tuple[str, ...]) -> dict[int, bytes]:
    """Return the cut-out beside the whole where the defective place is known, else the thumbnail, by id."""
    places = find_places(services(), ids)
    cut_out = read_cut_outs(services(), list(places.values()))
    pictures = {match_id: cut_out[place] for match_id, place in places.items() if place in cut_out}
    rest = {match_id: key for match_id, key in zip(ids, thumbnail_keys, strict=True) if match_id not in pictures}
    thumbnails = fetch_thumbnails(services().objects, list(rest.values()))
    return pictures | {match_id: thumbnails[key] for match_id, key in rest.items() if key in thumbnails}


def show_cards(found: Sequence[Similar], *, key: str, columns: int, everywhere: bool) -> None:
    """Draw similar images, the most similar first; a click on one opens it. `everywhere` names the product of each."""
    pictures = _read_pictures(
        hash(services().settings),
        tuple(similar.id for similar in found),
        tuple(similar.thumbnail_key for similar in found),
    )
    with st.container(key=f"gallery_{key}"):
        for start in range(0, len(found), columns):
            for column, similar in zip(st.columns(columns), found[start : start + columns], strict=False):
                card = f"{key}_{'part' if similar.image_id is None else 'image'}_{abs(similar.id)}"
                with column, st.container(key=f"card_{card}", gap="xxsmall"):
                    show_thumbnail(pictures.get(similar.id), alt=similar.stored_name)
                    kind = defect_name(similar.defect_type) if similar.defect_type else _("Normal")
                    st.button(
                        f"**{escape(kind)}** · {describe_closeness(similar)}",
                        key=f"open_{card}",
                        type="tertiary",
                        on_click=open_case,
                        args=(similar,),
                    )
                    st.caption(_describe(similar, everywhere=everywhere))


def _describe(similar: Similar, *, everywhere: bool) -> str:
    lines = [escape(product_name(similar.product))] if everywhere and similar.product is not None else []
    if similar.inspection_id is not None:
        lines.append(_("Inspection no. {number}, confirmed", number=similar.inspection_id))
    lines.append(f"{day(similar.created_at)} · {escape(similar.stored_name)}")
    if similar.last_action:
        note = similar.last_action
        short = note if len(note) <= _LONGEST_NOTE else f"{note[: _LONGEST_NOTE - 1].rstrip()}…"
        lines.append(_("Done then: {note}", note=escape(" ".join(short.split()))))
    return "  \n".join(lines)
