"""The charts of a gauge study on paper: points by part with limits, in shapes that are told apart in gray, too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.reports.font import REGULAR

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Okabe and Ito; each setup has a shape of its own as well.
_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_SHAPES = ("circle", "square", "diamond", "triangle")
_LEFT, _RIGHT, _BOTTOM, _TOP = 44, 8, 34, 18
_TICKS = 5
_MOST_NAMES = 25


@dataclass(frozen=True)
class Limit:
    """A line across the chart, with its words."""

    value: float
    words: str
    color: str = "#555555"


def draw_points(
    series: Sequence[tuple[str, Sequence[tuple[float, float]]]],
    names: Sequence[str],
    limits: Sequence[Limit],
    *,
    width_pt: float,
    height_pt: float,
    title: str,
) -> Any:
    """Return a chart of (place, value) points by series, over the named places, with limits."""
    from reportlab.graphics.shapes import Drawing, Line, String
    from reportlab.lib.colors import HexColor

    values = [value for _name, points in series for _place, value in points] + [limit.value for limit in limits]
    low, high = min(values), max(values)
    margin = 0.06 * (high - low) or 1.0
    low, high = low - margin, high + margin
    drawing = Drawing(width_pt, height_pt)
    right, top = width_pt - _RIGHT, height_pt - _TOP

    def at_x(place: float) -> float:
        return _LEFT + (place + 0.5) / max(1, len(names)) * (right - _LEFT)

    def at_y(value: float) -> float:
        return _BOTTOM + (value - low) / (high - low) * (top - _BOTTOM)

    drawing.add(Line(_LEFT, _BOTTOM, right, _BOTTOM, strokeColor=HexColor("#888888"), strokeWidth=0.6))
    drawing.add(Line(_LEFT, _BOTTOM, _LEFT, top, strokeColor=HexColor("#888888"), strokeWidth=0.6))
    for tick in range(_TICKS):
        value = low + (high - low) * tick / (_TICKS - 1)
        drawing.add(
            String(_LEFT - 4, at_y(value) - 2.5, f"{value:.4g}", fontName=REGULAR, fontSize=7, textAnchor="end")
        )
    step = -(-len(names) // _MOST_NAMES)
    for place in range(0, len(names), step):
        label = names[place] if len(names[place]) <= 7 else f"{names[place][:6]}…"
        drawing.add(String(at_x(place), _BOTTOM - 10, label, fontName=REGULAR, fontSize=6.5, textAnchor="middle"))
    for limit in limits:
        y = at_y(limit.value)
        line = Line(_LEFT, y, right, y, strokeColor=HexColor(limit.color), strokeWidth=0.8, strokeDashArray=[4, 2])
        drawing.add(line)
        drawing.add(
            String(right, y + 2, limit.words, fontName=REGULAR, fontSize=6.5, textAnchor="end",
                   fillColor=HexColor(limit.color))
        )  # fmt: skip
    x = _LEFT + 2.0
    for number, (name, points) in enumerate(series):
        color, shape = HexColor(_COLORS[number % len(_COLORS)]), _SHAPES[number % len(_SHAPES)]
        for across, value in points:
            drawing.add(_mark(shape, at_x(across), at_y(value), color))
        drawing.add(_mark(shape, x + 3, height_pt - 8, color))
        drawing.add(String(x + 9, height_pt - 10.5, name[:24], fontName=REGULAR, fontSize=7))
        x += 20 + 5.5 * min(24, len(name))
    drawing.add(String((_LEFT + right) / 2, 4, title, fontName=REGULAR, fontSize=7.5, textAnchor="middle"))
    return drawing


def spread_points(values: NDArray[Any], setup: int, n_setups: int) -> list[tuple[float, float]]:
    """Return the points of one setup, (parts, repeats), beside those of the others."""
    shift = (setup - (n_setups - 1) / 2) * 0.2
    return [(place + shift, float(value)) for place, row in enumerate(values) for value in row]


def _mark(shape: str, x: float, y: float, color: Any) -> Any:
    from reportlab.graphics.shapes import Circle, Polygon, Rect

    size = 1.9
    style = {"fillColor": color, "strokeColor": color, "strokeWidth": 0.3}
    if shape == "square":
        return Rect(x - size, y - size, 2 * size, 2 * size, **style)
    if shape == "diamond":
        return Polygon([x, y + 1.3 * size, x + 1.3 * size, y, x, y - 1.3 * size, x - 1.3 * size, y], **style)
    if shape == "triangle":
        return Polygon([x, y + 1.3 * size, x + 1.2 * size, y - size, x - 1.2 * size, y - size], **style)
    return Circle(x, y, size, **style)
