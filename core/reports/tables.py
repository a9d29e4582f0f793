"""Tables for other programs: rows in, CSV out as a stream, or an Excel workbook with typed columns and pictures.

Both are made row by row, so that a million rows need no more memory than one. What is text stays text: a name that a
spreadsheet would take for a formula is never run.
"""

from __future__ import annotations

import csv
import io
import math
import re
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, Literal

from core.files.spreadsheet_cells import guard_text

CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

# Excel's own limits of a sheet.
_MOST_ROWS = 1_048_575
_MOST_LINKS = 65_530
_LONGEST_TEXT = 32_767
_LONGEST_ADDRESS = 2_079
_PICTURE_PX = 72
_POINTS_PER_PX = 0.75
_CHUNK_CHARACTERS = 64_000

CellKind = Literal["text", "whole", "number", "moment", "link", "picture"]


@dataclass(frozen=True)
class Column:
    """A column: its title, what its cells hold, its width in characters and Excel's format of its numbers."""

    title: str
    kind: CellKind = "text"
    width: int = 16
    number_format: str = "0.0000"


@dataclass(frozen=True)
class Link:
    """A cell that leads somewhere: `address` is an absolute http or https address."""

    text: str
    address: str


# Text, a number, a moment (aware), a link, a picture (JPEG or PNG), or nothing.
Cell = str | int | float | datetime | Link | bytes | None
Row = Sequence[Cell]


def stream_csv(columns: Sequence[Column], rows: Iterable[Row], *, zone: tzinfo = UTC) -> Iterator[bytes]:
    """Yield a CSV file in pieces: UTF-8 with a byte order mark (for Excel), RFC 4180, moments as of `zone`.

    Pictures are left out. Text that a spreadsheet would run as a formula gets an apostrophe before it.
    """
    shown = [place for place, column in enumerate(columns) if column.kind != "picture"]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow([_guard(_title(columns[place], zone)) for place in shown])
    yield b"\xef\xbb\xbf"
    for row in rows:
        writer.writerow([_to_csv(row[place], zone) for place in shown])
        if buffer.tell() > _CHUNK_CHARACTERS:
            yield _take(buffer)
    yield _take(buffer)


@dataclass(frozen=True)
class Sheet:
    """A table with a name of its own."""

    name: str
    columns: Sequence[Column]
    rows: Iterable[Row]


def write_xlsx(target: Path, columns: Sequence[Column], rows: Iterable[Row], *, sheet: str, zone: tzinfo = UTC) -> None:
    """Write an Excel workbook to `target`: numbers, moments as of `zone` and links are cells of their type.

    Pictures stand in their cells. Past Excel's limit of rows, another sheet goes on. Raises OSError.
    """
    write_workbook(target, [Sheet(sheet, columns, rows)], zone=zone)


def write_workbook(target: Path, sheets: Sequence[Sheet], *, zone: tzinfo = UTC) -> None:
    """Write an Excel workbook of several sheets, whose names differ, to `target`; each as `write_xlsx` does."""
    import xlsxwriter

    with tempfile.TemporaryDirectory(prefix="geomsa-xlsx-") as folder:
        # Pictures wait in files until the workbook is put together: in memory they would all be there at once.
        book = xlsxwriter.Workbook(
            str(target),
            {"constant_memory": True, "tmpdir": folder, "strings_to_formulas": False, "strings_to_urls": False},
        )
        try:
            n_pictures = 0
            for sheet in sheets:
                writer = _SheetWriter(book, sheet.columns, sheet=sheet.name, zone=zone, folder=Path(folder))
                writer.pictures = n_pictures
                for row in sheet.rows:
                    writer.write(row)
                writer.end_sheet()
                n_pictures = writer.pictures
        finally:
            book.close()


def make_xlsx(columns: Sequence[Column], rows: Iterable[Row], *, sheet: str, zone: tzinfo = UTC) -> bytes:
    """Return the workbook that `write_xlsx` writes."""
    with tempfile.TemporaryDirectory(prefix="geomsa-xlsx-") as folder:
        target = Path(folder, "table.xlsx")
        write_xlsx(target, columns, rows, sheet=sheet, zone=zone)
        return target.read_bytes()


@dataclass
class _SheetWriter:
    """Writes row after row, and begins another sheet where one is full."""

    book: Any
    columns: Sequence[Column]
    sheet: str
    zone: tzinfo
    folder: Path
    pictures: int = 0  # their files have numbers
    _at: Any = None
    _row: int = 0
    _links: int = 0
    _sheets: int = 0
    _formats: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._begin_sheet()

    def write(self, row: Row) -> None:
        """Write one row."""
        if self._row == _MOST_ROWS:
            self.end_sheet()
            self._begin_sheet()
        self._row += 1
        if any(isinstance(cell, bytes) for cell in row):
            self._at.set_row(self._row, _PICTURE_PX * _POINTS_PER_PX)
        for place, (column, cell) in enumerate(zip(self.columns, row, strict=True)):
            self._write_cell(place, column, cell)

    def end_sheet(self) -> None:
        """Put the filter over what was written."""
        self._at.autofilter(0, 0, self._row, max(0, len(self.columns) - 1))

    def _begin_sheet(self) -> None:
        self._sheets += 1
        name = sheet_name(self.sheet, self._sheets)
        self._at, self._row, self._links = self.book.add_worksheet(name), 0, 0
        self._at.freeze_panes(1, 0)
        for place, column in enumerate(self.columns):
            self._at.set_column(place, place, column.width)
        bold = self._format("", {"bold": True, "bottom": 1, "valign": "vcenter"})
        for place, column in enumerate(self.columns):
            self._at.write_string(0, place, clean_text(_title(column, self.zone)), bold)

    def _write_cell(self, place: int, column: Column, cell: Cell) -> None:
        plain = self._format("text", {"valign": "vcenter"})
        if cell is None or (isinstance(cell, float) and not math.isfinite(cell)):
            return
        if isinstance(cell, bytes):
            self._write_picture(place, column, cell)
        elif isinstance(cell, datetime):
            moment = self._format("moment", {"valign": "vcenter", "num_format": "yyyy-mm-dd hh:mm:ss"})
            self._at.write_datetime(self._row, place, cell.astimezone(self.zone).replace(tzinfo=None), moment)
        elif isinstance(cell, Link):
            self._write_link(place, cell, plain)
        elif isinstance(cell, str):
            self._at.write_string(self._row, place, clean_text(cell), plain)
        else:
            wanted = "0" if column.kind == "whole" else column.number_format
            form = self._format(wanted, {"valign": "vcenter", "num_format": wanted})
            self._at.write_number(self._row, place, cell, form)

    def _write_link(self, place: int, link: Link, plain: Any) -> None:
        text, address = clean_text(link.text), link.address
        is_web = address.startswith(("http://", "https://"))
        if not is_web or self._links >= _MOST_LINKS or len(address) > _LONGEST_ADDRESS:
            self._at.write_string(self._row, place, text, plain)
            return
        self._links += 1
        form = self._format("link", {"valign": "vcenter", "font_color": "#0563C1", "underline": 1})
        self._at.write_url(self._row, place, address, form, text)

    def _write_picture(self, place: int, column: Column, data: bytes) -> None:
        from PIL import Image, UnidentifiedImageError

        try:
            with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as image:
                (width_px, height_px), (x_dpi, y_dpi) = image.size, image.info.get("dpi") or (96.0, 96.0)
                ending = str(image.format).lower()
        except (UnidentifiedImageError, OSError, ValueError):
            return  # a picture that cannot be read leaves its cell empty
        self.pictures += 1
        path = self.folder / f"{self.pictures}.{ending}"
        path.write_bytes(data)
        scale = min(7.0 * column.width / width_px, (_PICTURE_PX - 4) / height_px)
        # A picture's own dots per inch would change its size on the sheet.
        options = {
            "x_scale": scale * float(x_dpi or 96.0) / 96.0,
            "y_scale": scale * float(y_dpi or 96.0) / 96.0,
            "x_offset": 2,
            "y_offset": 2,
            "object_position": 1,
        }
        self._at.insert_image(self._row, place, str(path), options)

    def _format(self, name: str, values: dict[str, Any]) -> Any:
        if name not in self._formats:
            self._formats[name] = self.book.add_format(values)
        return self._formats[name]


def _title(column: Column, zone: tzinfo) -> str:
    return f"{column.title} ({zone})" if column.kind == "moment" else column.title


def _to_csv(cell: Cell, zone: tzinfo) -> str:
    if cell is None or isinstance(cell, bytes) or (isinstance(cell, float) and not math.isfinite(cell)):
        return ""
    if isinstance(cell, datetime):
        return cell.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(cell, Link):
        return _guard(cell.address)
    if isinstance(cell, str):
        return _guard(cell)
    return str(cell) if isinstance(cell, int) else repr(float(cell))


def _guard(text: str) -> str:
    return guard_text(clean_text(text))


def clean_text(text: str) -> str:
    """Return text that a file can hold: without control characters (line ends and tabs stay) and lone surrogates."""
    kept = (one for one in text if one in "\t\r\n" or unicodedata.category(one) not in {"Cc", "Cs"})
    return "".join(kept)[:_LONGEST_TEXT]


def sheet_name(name: str, number: int) -> str:
    """Return a name that Excel takes: at most 31 characters, none of its special ones; numbered from the second on."""
    cleaned = re.sub(r"[\[\]:*?/\\']", " ", clean_text(name)).strip() or "Sheet"
    cleaned = f"{cleaned} 1" if cleaned.lower() == "history" else cleaned  # Excel's own
    ending = "" if number == 1 else f" {number}"
    return cleaned[: 31 - len(ending)] + ending


def _take(buffer: io.StringIO) -> bytes:
    data = buffer.getvalue().encode()
    buffer.seek(0)
    buffer.truncate()
    return data
