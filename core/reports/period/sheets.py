"""Sheets of a workbook that are written from the top down: facts, tables, Excel's own charts, boxes to sign in."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any

from core.reports.period.drawings import BLUE, GRAY, ORANGE, VERMILION
from core.reports.tables import clean_text, sheet_name

_HEAD = "#EEF2F5"
_CHART_PX = (760, 320)
_POINTS_PER_PX = 0.75
_PX_PER_CHARACTER = 7.0


@dataclass(frozen=True)
class Table:
    """Where a table stands on its sheet: the first and last row of its cells (from 0), and the column titles."""

    first: int
    last: int
    names: tuple[str, ...]


class Sheets:
    """The sheets of one workbook, with the formats that they share; moments are written as of `zone`."""

    def __init__(self, book: Any, zone: tzinfo) -> None:
        self.book = book
        self.zone = zone
        self._formats: dict[tuple[tuple[str, Any], ...], Any] = {}
        self._names: set[str] = set()

    def add(self, name: str, *, widths: Sequence[float]) -> Sheet:
        """Return a new sheet with columns of these widths, in characters."""
        number = 1
        while (taken := sheet_name(name, number)).lower() in self._names:
            number += 1
        self._names.add(taken.lower())
        at = self.book.add_worksheet(taken)
        at.set_paper(9)  # A4
        at.set_landscape()
        at.fit_to_pages(1, 0)
        for place, width in enumerate(widths):
            at.set_column(place, place, width)
        return Sheet(self, at, taken, tuple(widths))

    def format(self, **values: Any) -> Any:
        """Return the format with these values, made once."""
        key = tuple(sorted(values.items()))
        if key not in self._formats:
            self._formats[key] = self.book.add_format({"valign": "vcenter", **values})
        return self._formats[key]


class Sheet:
    """One sheet, written row by row."""

    def __init__(self, sheets: Sheets, at: Any, name: str, widths: tuple[float, ...]) -> None:
        self._sheets, self._at, self._name, self._widths = sheets, at, name, widths
        self._row = 0

    def title(self, text: str) -> None:
        """Write the title of the workbook."""
        self._at.write_string(self._row, 0, clean_text(text), self._sheets.format(bold=True, font_size=16))
        self._row += 1

    def heading(self, text: str) -> None:
        """Write a heading below a free row."""
        self._row += 1
        self._at.write_string(self._row, 0, clean_text(text), self._sheets.format(bold=True, font_size=12))
        self._row += 1

    def head(self, names: Sequence[str]) -> None:
        """Write the titles of columns."""
        form = self._sheets.format(bold=True, bg_color=_HEAD, bottom=1, text_wrap=True)
        for place, name in enumerate(names):
            self._at.write_string(self._row, place, clean_text(name), form)
        self._row += 1

    def row(self, cells: Sequence[Any], *, number_format: str = "#,##0", bold: bool = False) -> None:
        """Write a row of cells whose numbers have one format."""
        for place, cell in enumerate(cells):
            self._write(place, cell, number_format, bold=bold)
        self._row += 1

    def table(
        self, names: Sequence[str], rows: Sequence[Sequence[Any]], formats: Sequence[str], *, picture_px: int = 0
    ) -> Table:
        """Write a table with a filter over it; with pictures, rows are as high as these."""
        start = self._row
        self.head(names)
        if start == 0:
            self._at.freeze_panes(1, 0)
        for row in rows:
            if picture_px:
                self._at.set_row(self._row, picture_px * _POINTS_PER_PX)
            for place, (cell, form) in enumerate(zip(row, formats, strict=True)):
                if isinstance(cell, bytes):
                    self._picture(place, cell, picture_px)
                else:
                    self._write(place, cell, form or "0")
            self._row += 1
        self._at.autofilter(start, 0, max(start + 1, self._row - 1), len(names) - 1)
        return Table(start + 1, self._row - 1, tuple(names))

    def line_chart(
        self, table: Table, labels: Sequence[str], *, title: str, axis: str, columns: tuple[int, int, int, int]
    ) -> None:
        """Draw shares with their center and limits below the table; `labels` name the samples on the axis."""
        place = len(table.names) + 1
        # Names of the axis as text, beside the table: Excel would space moments by their distance.
        for offset, label in enumerate(labels):
            self._at.write_string(table.first + offset, place, label, self._sheets.format(font_color=GRAY))
        chart = self._sheets.book.add_chart({"type": "line"})
        share, center, lower, upper = columns
        marker = {"type": "circle", "size": 5, "fill": {"color": BLUE}, "border": {"color": BLUE}}
        styles = (
            (share, {"color": BLUE, "width": 1.75}, marker),
            (center, {"color": GRAY, "width": 1.0}, {"type": "none"}),
            (lower, {"color": ORANGE, "width": 1.25, "dash_type": "dash"}, {"type": "none"}),
            (upper, {"color": ORANGE, "width": 1.25, "dash_type": "dash"}, {"type": "none"}),
        )
        for column, line, shape in styles:
            chart.add_series(
                {
                    "name": table.names[column],
                    "categories": [self._name, table.first, place, table.last, place],
                    "values": [self._name, table.first, column, table.last, column],
                    "line": line,
                    "marker": shape,
                }
            )
        chart.set_y_axis({"name": axis, "num_format": "0%", "min": 0, "major_gridlines": {"visible": True}})
        chart.set_legend({"position": "bottom"})
        self._insert(chart, title)

    def pareto_chart(self, table: Table, *, title: str, total: int) -> None:
        """Draw bars of the second column and the line of the third; the count axis ends at the total."""
        book = self._sheets.book
        bars, line = book.add_chart({"type": "column"}), book.add_chart({"type": "line"})
        categories = [self._name, table.first, 0, table.last, 0]
        bars.add_series(
            {
                "name": table.names[1],
                "categories": categories,
                "values": [self._name, table.first, 1, table.last, 1],
                "fill": {"color": BLUE},
                "gap": 60,
                "data_labels": {"value": True},
            }
        )
        line.add_series(
            {
                "name": table.names[2],
                "categories": categories,
                "values": [self._name, table.first, 2, table.last, 2],
                "y2_axis": True,
                "line": {"color": VERMILION, "width": 1.75},
                "marker": {"type": "diamond", "size": 6, "fill": {"color": VERMILION}},
            }
        )
        bars.combine(line)
        bars.set_y_axis({"name": table.names[1], "min": 0, "max": total, "major_gridlines": {"visible": False}})
        line.set_y2_axis({"name": table.names[2], "min": 0, "max": 1, "num_format": "0%"})
        bars.set_legend({"position": "bottom"})
        self._insert(bars, title)

    def bar_chart(self, table: Table, *, title: str, column: int) -> None:
        """Draw a bar for each row of the table, from the first one down."""
        chart = self._sheets.book.add_chart({"type": "bar"})
        chart.add_series(
            {
                "name": table.names[column],
                "categories": [self._name, table.first, 0, table.last, 0],
                "values": [self._name, table.first, column, table.last, column],
                "fill": {"color": BLUE},
                "gap": 60,
                "data_labels": {"value": True},
            }
        )
        chart.set_x_axis({"num_format": "0.0%", "min": 0})
        chart.set_y_axis({"reverse": True})
        chart.set_legend({"none": True})
        self._insert(chart, title)

    def signatures(self, names: Sequence[str], date_word: str) -> None:
        """Write boxes to sign in, side by side."""
        self._row += 1
        head = self._sheets.format(bold=True, bg_color=_HEAD, border=1, align="center")
        box = self._sheets.format(border=1)
        for place, name in enumerate(names):
            self._at.write_string(self._row, place, clean_text(name), head)
            self._at.write_blank(self._row + 1, place, None, box)
            self._at.write_string(self._row + 2, place, f"{clean_text(date_word)}: ", box)
        self._at.set_row(self._row + 1, 48)
        self._row += 3

    def _insert(self, chart: Any, title: str) -> None:
        chart.set_title({"name": clean_text(title), "name_font": {"size": 12}})
        chart.set_size({"width": _CHART_PX[0], "height": _CHART_PX[1]})
        self._at.insert_chart(self._row + 1, 0, chart)

    def _write(self, place: int, cell: Any, number_format: str, *, bold: bool = False) -> None:
        form = self._sheets.format
        look = {"bold": True} if bold else {}
        if cell is None or (isinstance(cell, float) and not math.isfinite(cell)):
            return
        if isinstance(cell, datetime):
            moment = cell.astimezone(self._sheets.zone).replace(tzinfo=None)
            self._at.write_datetime(self._row, place, moment, form(num_format="yyyy-mm-dd hh:mm", **look))
        elif isinstance(cell, date):
            self._at.write_datetime(self._row, place, cell, form(num_format="yyyy-mm-dd", **look))
        elif isinstance(cell, str):
            self._at.write_string(self._row, place, clean_text(cell), form(**look))
        else:
            self._at.write_number(self._row, place, cell, form(num_format=number_format, **look))

    def _picture(self, place: int, data: bytes, picture_px: int) -> None:
        from PIL import Image as PillowImage

        with PillowImage.open(io.BytesIO(data), formats=("JPEG",)) as image:
            width, height = image.size
        scale = min(_PX_PER_CHARACTER * self._widths[place] / width, (picture_px - 6) / height)
        options = {
            "image_data": io.BytesIO(data),
            "x_scale": scale,
            "y_scale": scale,
            "x_offset": 3,
            "y_offset": 3,
            "object_position": 1,
        }
        self._at.insert_image(self._row, place, "part.jpg", options)
