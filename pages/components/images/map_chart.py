"""The map of images as a chart: a dot for each image, a color and a shape for each label, a click that opens it."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.components.gallery.walking import ListWalk
from pages.components.shared.dialogs import open_dialog
from pages.components.shared.language import _, defect_name

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from core.similarity.image_map import MapImage
    from storage.tables import DefectType

OPEN = "image_map_open"
# Told apart by people who see colors otherwise, too (Okabe and Ito, 2008), and by shape beside.
_COLORS = ("#0072b2", "#e69f00", "#cc3311", "#009e73", "#cc79a7", "#56b4e9", "#882255", "#999933")
_SHAPES = ("circle", "diamond", "square", "triangle-up", "cross", "star", "pentagon", "hexagon")
_NORMAL_COLOR = "#8a94a6"


def draw_map(images: Sequence[MapImage], defect_types: Sequence[DefectType], *, height_px: int = 470) -> go.Figure:
    """Draw every image as a dot whose `customdata` is its place in `images`; normal images in gray, behind the others.

    A type keeps its color and shape whichever of the product's `defect_types` are on the map: re-labeling an image
    must not repaint the others.
    """
    import plotly.graph_objects as go

    groups: dict[int, list[int]] = {}
    for place, image in enumerate(images):
        groups.setdefault(image.label.id if image.label is not None else 0, []).append(place)
    turns = {key: turn for turn, key in enumerate(sorted(found.id for found in defect_types))}
    figure = go.Figure()
    for key in sorted(groups):
        turn = turns.get(key, 0)
        places = groups[key]
        label = images[places[0]].label
        # Plotly reads some HTML in its texts: what a person typed must stay text.
        name = html.escape(defect_name(label) if label is not None else _("Normal"), quote=False)
        figure.add_scatter(
            x=[images[place].x for place in places],
            y=[images[place].y for place in places],
            mode="markers",
            name=name,
            customdata=places,
            text=[html.escape(images[place].image.stored_name, quote=False) for place in places],
            hovertemplate="%{text}<extra>" + name + "</extra>",
            marker={
                "size": 9 if key else 7,
                "opacity": 0.85 if key else 0.55,
                "color": _COLORS[turn % len(_COLORS)] if key else _NORMAL_COLOR,
                "symbol": _SHAPES[turn % len(_SHAPES)] if key else "circle",
                "line": {"width": 0.5, "color": "white"},
            },
        )
    axis: dict[str, Any] = {"visible": False, "showgrid": False, "zeroline": False}
    figure.update_layout(
        height=height_px,
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        xaxis=axis,
        yaxis={**axis, "scaleanchor": "x"},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "itemsizing": "constant"},
        # In the other modes a click on a dot chooses nothing.
        dragmode="pan",
        hovermode="closest",
    )
    return figure


def show_map(figure: go.Figure, image_ids: Sequence[int], *, key: str) -> None:
    """Draw the map; the dots that a person newly chose are opened. `image_ids` are those of the dots' places."""
    turn_key = f"{key}_turn"
    turn = int(st.session_state.get(turn_key, 0))
    event = st.plotly_chart(
        figure,
        width="stretch",
        theme="streamlit",
        key=f"{key}_{turn}",
        on_select="rerun",
        selection_mode=("points", "box", "lasso"),
        config={"displaylogo": False, "scrollZoom": True, "modeBarButtonsToRemove": ["autoScale2d", "toImage"]},
        alt=_("A map of the product's images: those that look alike lie together"),
    )
    chosen = [_place_of(point) for point in event.selection.points]
    ids = [image_ids[place] for place in chosen if place is not None and place < len(image_ids)]
    if ids:
        # A fresh chart has nothing chosen: the same dot can be clicked again.
        st.session_state[turn_key] = turn + 1
        open_dialog(OPEN, walk=ListWalk(ids, 0))
        st.rerun()


def _place_of(point: Any) -> int | None:
    data = point.get("customdata")
    found = data[0] if isinstance(data, list | tuple) and data else data
    return int(found) if isinstance(found, int | float) else None
