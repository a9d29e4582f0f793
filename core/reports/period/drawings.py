"""The charts of a period report as vectors on paper: p-chart, Pareto, bars in the cells of a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from core.reports.font import BOLD, REGULAR

# Okabe and Ito's colors, which the color-blind tell apart; shapes differ as well.
BLUE, VERMILION, ORANGE, GRAY = "#0072B2", "#D55E00", "#E69F00", "#7a7a7a"
_INK, _GRID = "#333333", "#d9d9d9"
_SIZE, _SMALL = 7.0, 6.0
_MOST_TICKS = 26
# A bar that is taller has its count within: above it is the line.
_LEAST_INSIDE = 13.0


@dataclass(frozen=True)
class Sample:
    """One sample of a p-chart: its name on the axis, its size, its share (None: nothing inspected), its limits."""

    name: str
    n: int
    share: float | None
    lower: float | None
    upper: float | None
    is_outside: bool


def draw_p_chart(
    samples: Sequence[Sample], center: float | None, *, width: float, height: float, texts: tuple[str, str, str]
) -> Any:
    """Draw the shares with their center and limits, and the sizes below them.

    `texts` are the unit of the axis, the name of the sizes, and the name of the limits.
    """
    from reportlab.graphics.shapes import Drawing

    left, right, bottom, top = 34.0, 6.0, 30.0, 14.0
    drawing = Drawing(width, height)
    tall, wide = height - bottom - top, width - left - right
    shares = [sample.share for sample in samples if sample.share is not None]
    uppers = [sample.upper for sample in samples if sample.upper is not None]
    step, highest = _nice_scale(max([*shares, *uppers, center or 0.0, 0.01]))

    def y_of(share: float) -> float:
        return bottom + tall * min(1.0, share / highest)

    for number in range(round(highest / step) + 1):
        y = y_of(number * step)
        _line(drawing, left, y, left + wide, y, _GRID, 0.4)
        _text(drawing, left - 3, y - 2.3, _percent(number * step, step), anchor="end")
    _text(drawing, left, height - 8, texts[0], size=_SIZE)
    slot = wide / max(1, len(samples))
    centers = [left + slot * (number + 0.5) for number in range(len(samples))]
    every = math.ceil(len(samples) / _MOST_TICKS) if samples else 1
    for number, (x, sample) in enumerate(zip(centers, samples, strict=True)):
        if number % every == 0:
            _text(drawing, x, bottom - 9, sample.name, anchor="middle", size=_SMALL)
            _text(drawing, x, bottom - 18, f"{sample.n:,}", anchor="middle", size=_SMALL, color=GRAY)
        for limit in (sample.lower, sample.upper):
            if limit is not None:
                _line(drawing, x - slot / 2, y_of(limit), x + slot / 2, y_of(limit), ORANGE, 0.9, dashed=True)
    _text(drawing, left - 3, bottom - 18, texts[1], anchor="end", size=_SMALL, color=GRAY)
    if center is not None:
        _line(drawing, left, y_of(center), left + wide, y_of(center), GRAY, 0.7)
        _legend(drawing, left + wide, height - 8, texts[2])
    _points(
        drawing,
        [(x, y_of(one.share)) if one.share is not None else None for x, one in zip(centers, samples, strict=True)],
        samples,
    )
    return drawing


def draw_pareto(
    labels: Sequence[str], counts: Sequence[int], *, width: float, height: float, texts: tuple[str, str]
) -> Any:
    """Draw bars in falling order with the line of their running share; the count axis ends at the total.

    `texts` are the names of the two axes, count and running share.
    """
    from reportlab.graphics.shapes import Circle, Drawing, PolyLine, Rect
    from reportlab.lib.colors import HexColor

    left, right, bottom, top = 30.0, 28.0, 34.0, 14.0
    drawing = Drawing(width, height)
    tall, wide = height - bottom - top, width - left - right
    total = sum(counts) or 1
    for share in range(0, 101, 25):
        y = bottom + tall * share / 100
        _line(drawing, left, y, left + wide, y, _GRID, 0.4)
        _text(drawing, left + wide + 3, y - 2.3, f"{share}%")
    for count in _count_ticks(total):
        y = bottom + tall * count / total
        _line(drawing, left - 2, y, left, y, _INK, 0.5)
        _text(drawing, left - 3, y - 2.3, f"{count:,}", anchor="end")
    _text(drawing, left, height - 8, texts[0], size=_SIZE, color=BLUE)
    _text(drawing, left + wide, height - 8, texts[1], anchor="end", size=_SIZE, color=VERMILION)
    slot = wide / max(1, len(labels))
    running, path = 0, []
    for number, (label, count) in enumerate(zip(labels, counts, strict=True)):
        x = left + slot * (number + 0.5)
        thick = min(0.62 * slot, 46.0)
        drawing.add(
            Rect(x - thick / 2, bottom, thick, tall * count / total, fillColor=HexColor(BLUE), strokeColor=None)
        )
        running += count
        path.append((x, bottom + tall * running / total))
        y, inside = bottom + tall * count / total, tall * count / total > _LEAST_INSIDE
        color = "#ffffff" if inside else _INK
        _text(drawing, x, y - 9 if inside else y + 3, f"{count:,}", anchor="middle", size=_SMALL, color=color)
        for line, piece in enumerate(_wrap(label, slot - 3, _SMALL, lines=3)):
            _text(drawing, x, bottom - 8 - 7.5 * line, piece, anchor="middle", size=_SMALL)
    if len(path) > 1:
        points = [value for point in path for value in point]
        drawing.add(PolyLine(points, strokeColor=HexColor(VERMILION), strokeWidth=1.2))
    for x, y in path:
        drawing.add(Circle(x, y, 1.8, fillColor=HexColor(VERMILION), strokeColor=HexColor("#ffffff"), strokeWidth=0.4))
    return drawing


def draw_bar(share: float, highest: float, *, width: float, color: str = BLUE) -> Any:
    """Draw the bar of a share in a cell, as long as it is beside the highest one."""
    from reportlab.graphics.shapes import Drawing, Rect
    from reportlab.lib.colors import HexColor

    drawing = Drawing(width, 8)
    length = width * min(1.0, share / highest) if highest > 0 else 0.0
    if length > 0:
        drawing.add(Rect(0, 0, max(0.6, length), 6.5, fillColor=HexColor(color), strokeColor=None))
    return drawing


def shorten(text: str, width: float, size: float, *, font: str = REGULAR) -> str:
    """Return the text, cut with an ellipsis where it is wider than so many points."""
    from reportlab.pdfbase.pdfmetrics import stringWidth

    if stringWidth(text, font, size) <= width:
        return text
    while text and stringWidth(f"{text}…", font, size) > width:
        text = text[:-1]
    return f"{text.rstrip()}…"


def _points(drawing: Any, places: Sequence[tuple[float, float] | None], samples: Sequence[Sample]) -> None:
    from reportlab.graphics.shapes import Circle, Polygon
    from reportlab.lib.colors import HexColor

    # Where nothing was inspected the line breaks off.
    for before, after in pairwise(places):
        if before is not None and after is not None:
            _line(drawing, *before, *after, BLUE, 1.0)
    white = HexColor("#ffffff")
    for place, sample in zip(places, samples, strict=True):
        if place is None:
            continue
        x, y = place
        if sample.is_outside:
            shape = Polygon([x, y + 4.2, x + 4.2, y, x, y - 4.2, x - 4.2, y])
            shape.fillColor, shape.strokeColor, shape.strokeWidth = HexColor(VERMILION), white, 0.5
            drawing.add(shape)
            _text(drawing, x, y + 5.5, _percent(sample.share or 0.0, 0.001), anchor="middle", size=_SMALL, bold=True)
        else:
            drawing.add(Circle(x, y, 2.1, fillColor=HexColor(BLUE), strokeColor=white, strokeWidth=0.4))


def _legend(drawing: Any, right: float, y: float, text: str) -> None:
    from reportlab.pdfbase.pdfmetrics import stringWidth

    start = right - stringWidth(text, REGULAR, _SIZE)
    _text(drawing, start, y, text, size=_SIZE)
    _line(drawing, start - 18, y + 2.5, start - 4, y + 2.5, ORANGE, 0.9, dashed=True)


def _text(
    drawing: Any,
    x: float,
    y: float,
    text: str,
    *,
    anchor: str = "start",
    size: float = _SIZE,
    color: str = _INK,
    bold: bool = False,
) -> None:
    from reportlab.graphics.shapes import String
    from reportlab.lib.colors import HexColor

    font = BOLD if bold else REGULAR
    drawing.add(String(x, y, text, fontName=font, fontSize=size, textAnchor=anchor, fillColor=HexColor(color)))


def _line(
    drawing: Any, x1: float, y1: float, x2: float, y2: float, color: str, width: float, *, dashed: bool = False
) -> None:
    from reportlab.graphics.shapes import Line
    from reportlab.lib.colors import HexColor

    dashes = [3, 2] if dashed else None
    drawing.add(Line(x1, y1, x2, y2, strokeColor=HexColor(color), strokeWidth=width, strokeDashArray=dashes))


def _wrap(text: str, width: float, size: float, *, lines: int) -> list[str]:
    """Return the text in so many lines at most: broken at blanks where it can be, shortened at the end."""
    from reportlab.lib.utils import simpleSplit
    from reportlab.pdfbase.pdfmetrics import stringWidth

    found: list[str] = []
    for piece in simpleSplit(text, REGULAR, size, width):
        rest = piece
        while stringWidth(rest, REGULAR, size) > width and len(rest) > 1:
            cut = next((n for n in range(len(rest) - 1, 0, -1) if stringWidth(rest[:n], REGULAR, size) <= width), 1)
            found.append(rest[:cut])
            rest = rest[cut:]
        found.append(rest)
    if len(found) <= lines:
        return found
    return [*found[: lines - 1], shorten(f"{found[lines - 1]}…", width, size)]


def _nice_scale(highest: float) -> tuple[float, float]:
    """Return the step of an axis and where it ends: at most five steps, of 1, 2 or 5 times a power of ten."""
    rough = min(1.0, highest * 1.08) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= rough * (1 - 1e-9))
    return step, step * math.ceil(min(1.0, highest * 1.08) / step - 1e-9)


def _percent(share: float, step: float) -> str:
    decimals = 0 if step >= 0.0099 else 1 if step >= 0.00099 else 2
    return f"{share * 100:.{decimals}f}%"


def _count_ticks(total: int) -> list[int]:
    if total <= 4:
        return list(range(total + 1))
    rough = total / 4
    power = 10 ** math.floor(math.log10(rough))
    step = max(1, next(int(factor * power) for factor in (1, 2, 5, 10) if factor * power >= rough))
    ticks = list(range(0, total, step))
    # The total ends the axis; a tick too near to it would be written over it.
    return [*(tick for tick in ticks if total - tick > 0.14 * total), total]
