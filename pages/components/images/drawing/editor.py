"""The editor on a page: what it is given, and what is done with each message that it sends.

What is drawn lives in the browser until it is saved: a run of the page brings news and takes nothing away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.images.regions.pictures import drawing_token
from core.images.regions.saving import ImageRegions, list_regions
from core.models.kinds import MEMORY_BANK
from core.registry.versions import find_active
from core.transactions import reading
from pages.components.images.drawing.markup import EDITOR_CSS, EDITOR_HTML, read_script
from pages.components.images.drawing.messages import answer, write_region
from pages.components.images.drawing.words import editor_words
from pages.components.shared.language import defect_name
from pages.components.shared.session import person, services
from pages.server.drawing_pictures import drawing_path

if TYPE_CHECKING:
    from storage.tables import DefectType, Image

# Okabe and Ito's colors, which the color-blind tell apart; beyond them the pattern does.
_COLORS = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")
_PATTERNS = 4
_ANSWER = "drawing_answer"


def show_editor(
    image_id: int,
    defect_types: Sequence[DefectType],
    *,
    key: str,
    place: int,
    total: int,
    step: Callable[[int], None],
    close: Callable[[], None],
) -> None:
    """Show the editor over the whole window, with the image `place` (from 0 on) of `total`.

    `step` goes to the next (1) or the previous image (-1), `close` goes back. Raises AppError where the image cannot be
    read.
    """

    def take() -> None:
        message = getattr(st.session_state.get(key), "sent", None)
        if not isinstance(message, Mapping):
            return
        kind = message.get("kind")
        if kind == "go":
            step(1 if message.get("step") == 1 else -1)
        elif kind == "close":
            close()
            st.session_state.pop(_ANSWER, None)
            return
        st.session_state[_ANSWER] = {"request": message.get("request"), **answer(services(), person(), message)}

    found = list_regions(services(), image_id)
    # Registered at each run: a component belongs to the running server, and this module outlives one in the tests.
    editor = st.components.v2.component("geomsa_region_editor", html=EDITOR_HTML, css=EDITOR_CSS, js=read_script())
    editor(
        key=key,
        data={
            "words": editor_words(place=place, total=total),
            "image": describe_image(found.image, place=place, total=total),
            "types": describe_types(found, defect_types),
            "regions": [write_region(region) for region in found.regions],
            "has_model": has_model(found.image.product_id),
            "answer": st.session_state.get(_ANSWER),
        },
        on_sent_change=take,
    )


def describe_image(image: Image, *, place: int, total: int) -> dict[str, Any]:
    """Return what the editor is told of the image."""
    return {
        "id": image.id,
        "name": image.stored_name,
        "width": image.width_px,
        "height": image.height_px,
        "url": drawing_path(image.id, drawing_token(services(), image)),
        "row_version": image.row_version,
        "image_type": image.image_type,
        "own_type_id": image.defect_type_id if image.image_type == "defect" else None,
        "place": place,
        "total": total,
    }


def describe_types(found: ImageRegions, defect_types: Sequence[DefectType]) -> list[dict[str, Any]]:
    """Return the types that can be drawn, each with its color and pattern; those out of use only where they are shown.

    A type keeps its color whatever the image shows, and whichever types come after it.
    """
    defects = [one for one in defect_types if one.outcome == "defect"]
    ranks = {number: rank for rank, number in enumerate(sorted(one.id for one in defects))}
    shown = {region.defect_type_id for region in found.regions} | {found.image.defect_type_id}
    described = []
    for one in defects:
        if one.is_active or one.id in shown:
            turn, color = divmod(ranks[one.id], len(_COLORS))
            about = {"color": _COLORS[color], "pattern": (color + turn) % _PATTERNS}
            described.append({"id": one.id, "name": defect_name(one), **about})
    return described


def has_model(product_id: int) -> bool:
    """Return whether the product has a model in use that regions can be taken of."""
    with reading(services()) as session:
        return (MEMORY_BANK, "") in find_active(session, product_id, MEMORY_BANK)
