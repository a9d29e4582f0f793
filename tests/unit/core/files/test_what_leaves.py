"""What leaves as a file: its name in a header, and text in tables that a spreadsheet would run."""

from __future__ import annotations

import ast
import csv
import io
from email.message import Message
from pathlib import Path
from urllib.parse import unquote

import pytest

from core.files.file_names import attachment
from core.files.spreadsheet_cells import guard_cell, guard_text
from core.reports.tables import Column, stream_csv

ROOT = Path(__file__).resolve().parents[4]


@pytest.mark.parametrize(
    ("name", "saved"),
    [
        ("report.pdf", "report.pdf"),
        ("검사 성적서 1호.pdf", "검사 성적서 1호.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\windows\\system.ini", "system.ini"),
        ("a\r\nSet-Cookie: x=1.csv", "aSet-Cookie: x=1.csv"),
        ('a"; filename="evil.exe', 'a"; filename="evil.exe'),
        ("\u202efdp.exe", "fdp.exe"),
        ("..", "file"),
        ("", "file"),
    ],
)
def test_a_download_is_saved_under_a_name_without_folders_and_line_ends(name: str, saved: str) -> None:
    value = attachment(name)
    assert value.isascii()
    assert value.isprintable()
    read = Message()
    read["Content-Disposition"] = value
    assert read.get_content_disposition() == "attachment"
    plain, _, told = value.partition("; filename*=")
    charset, _language, coded = told.split("'", 2)
    assert (charset, unquote(coded)) == ("UTF-8", saved)
    assert plain.removeprefix('attachment; filename="').count('"') == 1


@pytest.mark.parametrize("text", ["=1+1", "+A1", "-A1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "＝1", "\ufeff=1"])
def test_what_a_spreadsheet_would_run_is_text(text: str) -> None:
    assert guard_text(text) == f"'{text}"
    written = b"".join(stream_csv([Column("note")], [[text]])).decode("utf-8-sig")
    (_title, (cell,)) = csv.reader(io.StringIO(written))
    assert cell.startswith("'")


@pytest.mark.parametrize("value", ["-12.5", "+3", "ok", "", 3, -2.5, None, "a=b", "용접 불량"])
def test_numbers_and_plain_text_stay_as_they_are(value: object) -> None:
    assert guard_cell(value) == value


def test_every_writer_of_tables_guards_its_cells() -> None:
    """Rows go to csv.writer through the one guard, and workbooks take text for text."""
    wrong = []
    for path in sorted(one for layer in ("core", "pages") for one in (ROOT / layer).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        calls = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Call)]
        if any(call.startswith(("csv.writer(", "csv.DictWriter(")) for call in calls):
            rows = [call for call in calls if ".writerow(" in call.split("(")[0] + "(" or ".writerows(" in call]
            constant = [call for call in rows if "COLUMNS" in call]
            guarded = [call for call in rows if any(one in call for one in ("guard_", "_guard", "_to_csv", "_cell"))]
            wrong += [f"{path.name}: {call}" for call in rows if call not in constant and call not in guarded]
        wrong += [
            f"{path.name}: {call[:60]}"
            for call in calls
            if call.startswith("xlsxwriter.Workbook(")
            and ("'strings_to_formulas': False" not in call or "'strings_to_urls': False" not in call)
        ]
    assert wrong == []
