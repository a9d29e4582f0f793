"""Tables as CSV and Excel: typed, safe to open, made row by row."""

from __future__ import annotations

import csv
import io
import re
import tracemalloc
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from PIL import Image

from core.reports.tables import Column, Link, Row, make_xlsx, stream_csv

SEOUL = ZoneInfo("Asia/Seoul")
NOON = datetime(2026, 3, 1, 3, 4, 5, tzinfo=UTC)
COLUMNS = (
    Column("번호", "link", 10),
    Column("Name", "text", 24),
    Column("Score", "number"),
    Column("Count", "whole"),
    Column("When", "moment", 20),
    Column("Picture", "picture", 14),
)


def _picture(size: tuple[int, int] = (96, 64)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(buffer, "JPEG", dpi=(300, 300))
    return buffer.getvalue()


def _row(name: str = "a.jpg", *, score: float | None = 0.5) -> Row:
    return (Link("12", "http://127.0.0.1:8501/?inspection=12"), name, score, 3, NOON, _picture())


def _read_csv(data: bytes) -> list[list[str]]:
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_csv_has_a_byte_order_mark_and_no_pictures() -> None:
    head, first = _read_csv(b"".join(stream_csv(COLUMNS, [_row("부품 1.jpg")], zone=SEOUL)))
    assert head == ["번호", "Name", "Score", "Count", "When (Asia/Seoul)"]
    assert first == ["http://127.0.0.1:8501/?inspection=12", "부품 1.jpg", "0.5", "3", "2026-03-01 12:04:05"]


@pytest.mark.parametrize(
    "name", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "  =1", "＝1+1", "\r=1", "\x00=1"]
)
def test_a_name_is_never_a_formula(name: str) -> None:
    _, row = _read_csv(b"".join(stream_csv(COLUMNS, [_row(name)])))
    assert row[1].startswith("'")
    sheet = openpyxl.load_workbook(io.BytesIO(make_xlsx(COLUMNS, [_row(name)], sheet="Parts"))).active
    assert sheet["B2"].data_type == "s"


def test_numbers_keep_their_sign_in_csv() -> None:
    columns = (Column("Text"), Column("Number", "number"))
    _, row = _read_csv(b"".join(stream_csv(columns, [("-12.5", -0.25)])))
    assert row == ["-12.5", "-0.25"]


def test_quotes_commas_and_line_ends_survive_csv() -> None:
    name = 'a "b", c\nd'
    _, row = _read_csv(b"".join(stream_csv((Column("Name"),), [(name,)])))
    assert row == [name]


def test_excel_cells_have_their_types() -> None:
    data = make_xlsx(COLUMNS, [_row(), _row(score=None), _row(score=float("nan"))], sheet="검사", zone=SEOUL)
    sheet = openpyxl.load_workbook(io.BytesIO(data)).active
    assert sheet.title == "검사"
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:F4"
    assert sheet["A2"].hyperlink.target.startswith("http://127.0.0.1:8501/")
    assert (sheet["A2"].value, sheet["C2"].value, sheet["D2"].value) == ("12", 0.5, 3)
    assert sheet["E2"].value == NOON.astimezone(SEOUL).replace(tzinfo=None)
    assert (sheet["C3"].value, sheet["C4"].value) == (None, None)


def test_excel_holds_the_pictures_in_their_cells() -> None:
    data = make_xlsx(COLUMNS, [_row(), _row()], sheet="Parts")
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        drawing = book.read("xl/drawings/drawing1.xml").decode()
    places = re.findall(r"<xdr:from><xdr:col>(\d+)</xdr:col>.*?<xdr:row>(\d+)</xdr:row>", drawing)
    assert places == [("5", "1"), ("5", "2")]


def test_a_damaged_picture_leaves_its_cell_empty() -> None:
    data = make_xlsx((Column("Picture", "picture"), Column("Name")), [(b"\xff\xd8\xffnothing", "a")], sheet="Parts")
    sheet = openpyxl.load_workbook(io.BytesIO(data)).active
    assert sheet["B2"].value == "a"


@pytest.mark.parametrize("address", ["javascript:alert(1)", "file:///etc/passwd", "http://" + "a" * 3000])
def test_only_web_addresses_become_links(address: str) -> None:
    data = make_xlsx((Column("Link", "link"),), [(Link("here", address),)], sheet="Parts")
    cell = openpyxl.load_workbook(io.BytesIO(data)).active["A2"]
    assert (cell.value, cell.hyperlink) == ("here", None)


@pytest.mark.parametrize("name", ["History", "a/b:c*d?[e]", "", "x" * 60])
def test_any_sheet_name_is_made_fit(name: str) -> None:
    data = make_xlsx((Column("Name"),), [("a",)], sheet=name)
    assert openpyxl.load_workbook(io.BytesIO(data)).active["A2"].value == "a"


def test_text_that_no_file_can_hold_is_cleaned() -> None:
    name = "a\x00\x1bb\udc80" + "c" * 40_000
    _, row = _read_csv(b"".join(stream_csv((Column("Name"),), [(name,)])))
    assert row[0].startswith("abc")
    sheet = openpyxl.load_workbook(io.BytesIO(make_xlsx((Column("Name"),), [(name,)], sheet="s"))).active
    assert sheet["A2"].value == row[0]


def test_memory_does_not_grow_with_the_rows() -> None:
    picture = _picture((400, 300))

    def rows(count: int) -> Iterator[Row]:
        for number in range(count):
            yield (Link(str(number), "http://x/"), f"{number}.jpg", 0.5, number, NOON, picture + bytes([number % 251]))

    def peak(count: int) -> int:
        tracemalloc.start()
        sum(len(piece) for piece in stream_csv(COLUMNS, rows(count)))
        make_xlsx(COLUMNS[:5], (row[:5] for row in rows(count)), sheet="s")
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(10)
    assert peak(2000) < peak(200) + 3_000_000
