"""Looking at batches: pages, filters, sorting, other thresholds, and what can be taken away."""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest
from PIL import Image
from sqlmodel import select

from core.batches.exports import stream_batch_csv, stream_rejected, write_batch_xlsx
from core.batches.overview import list_batches, view_batch
from core.batches.results import CHANGED, FAILED, RowFilter, Thresholds, list_rows, load_scores
from core.errors import NotFound
from storage.tables import Inspection
from tests.unit.core.batches.conftest import Line, bytes_file, plate_file


def _address(number: int) -> str:
    return f"http://127.0.0.1:8501/?inspection={number}"


@pytest.fixture
def job_id(line: Line) -> int:
    """Return a batch of twelve plates with tricky names and a file that is no image, worked off."""
    files = [plate_file(number) for number in range(9)]
    files += [plate_file(1, "=1+1.png"), plate_file(2, '@SUM("a",b).png'), plate_file(0, "부품 %_.png")]
    found = line.start([*files, bytes_file("-2+3.png", b"no image")])
    assert line.work_off() is None
    return found


def test_rows_come_in_pages_and_in_the_order_that_is_wanted(line: Line, job_id: int) -> None:
    first, total = list_rows(line.services, job_id, RowFilter(), limit=5)
    second, _ = list_rows(line.services, job_id, RowFilter(), offset=5, limit=50)
    assert total == 13
    assert [row.place for row in first + second] == list(range(13))
    highest, _ = list_rows(line.services, job_id, RowFilter(order="highest"))
    scores = [row.score for row in highest if row.score is not None]
    assert scores == sorted(scores, reverse=True)
    assert highest[-1].state == "failed"
    lowest, _ = list_rows(line.services, job_id, RowFilter(order="lowest"))
    assert [row.score for row in lowest[:-1]] == sorted(scores)
    assert lowest[-1].state == "failed"
    named, _ = list_rows(line.services, job_id, RowFilter(order="name"))
    assert [row.name for row in named] == sorted(row.name for row in named)


def test_rows_are_filtered_by_verdict_state_and_name(line: Line, job_id: int) -> None:
    rejected, total = list_rows(line.services, job_id, RowFilter(kind="reject"))
    assert total == len(rejected) == view_batch(line.services, job_id).verdicts["reject"] > 0
    assert {row.verdict for row in rejected} == {"reject"}
    failed, _ = list_rows(line.services, job_id, RowFilter(kind=FAILED))
    assert [(row.name, row.error is not None) for row in failed] == [("-2+3.png", True)]
    found, _ = list_rows(line.services, job_id, RowFilter(name="line3_0003"))
    assert [row.name for row in found] == ["LINE3_0003.png"]
    # What a person types is no pattern.
    found, _ = list_rows(line.services, job_id, RowFilter(name="%_"))
    assert [row.name for row in found] == ["부품 %_.png"]


def test_other_thresholds_are_judged_without_inspecting_again(line: Line, job_id: int) -> None:
    scores = load_scores(line.services, job_id)
    assert scores.in_force == Thresholds(30.0, 50.0)
    assert not scores.is_mixed
    assert scores.count() == view_batch(line.services, job_id).verdicts
    strict = Thresholds(0.0001, 0.0002)
    assert scores.count(strict) == {"ok": 0, "review": 0, "reject": 12}
    changed, total = list_rows(line.services, job_id, RowFilter(kind=CHANGED, thresholds=strict))
    assert total == scores.count_changed(strict) == scores.count()["ok"] + scores.count()["review"]
    assert {row.verdict for row in changed} <= {"ok", "review"}
    _, total = list_rows(line.services, job_id, RowFilter(kind="reject", thresholds=strict))
    assert total == 12
    assert scores.count(scores.in_force) == scores.count()
    assert scores.count_changed(scores.in_force) == 0
    with line.services.database.reading() as session:
        assert {row.review_at for row in session.exec(select(Inspection)).all()} == {30.0}


def test_a_score_at_a_threshold_is_judged_as_in_an_inspection() -> None:
    thresholds = Thresholds(1.0, 2.0)
    assert [thresholds.judge(score) for score in (0.99, 1.0, 1.99, 2.0)] == ["ok", "review", "review", "reject"]


def test_batches_are_listed_the_newest_first(line: Line, job_id: int) -> None:
    later = line.start([plate_file(0)])
    assert [one.job.id for one in list_batches(line.services)] == [later, job_id]
    assert [one.is_over for one in list_batches(line.services)] == [False, True]
    assert [one.job.id for one in list_batches(line.services, offset=1)] == [job_id]
    with pytest.raises(NotFound):
        view_batch(line.services, 999)


def test_the_table_leaves_as_csv_and_nothing_in_it_is_a_formula(line: Line, job_id: int) -> None:
    data = b"".join(stream_batch_csv(line.services, job_id, language="ko", address=_address))
    head, *rows = csv.reader(io.StringIO(data.decode("utf-8-sig")))
    assert head[:3] == ["번호", "파일", "상태"]
    assert len(rows) == 13
    names = [row[1] for row in rows]
    assert "'=1+1.png" in names
    assert '\'@SUM("a",b).png' in names
    assert "'-2+3.png" in names
    assert float(rows[0][5]) == pytest.approx(load_scores(line.services, job_id).scores[0])
    assert rows[0][11].startswith("http://127.0.0.1:8501/?inspection=")
    assert rows[12][12] != ""


def test_the_table_leaves_as_excel_with_types_and_pictures(line: Line, job_id: int, tmp_path: Path) -> None:
    target = tmp_path / "batch.xlsx"
    write_batch_xlsx(line.services, job_id, target, language="en", address=_address)
    sheet = openpyxl.load_workbook(target).active
    assert sheet.max_row == 14
    assert [type(sheet.cell(2, column).value).__name__ for column in (1, 3, 7, 12)] == [
        "int",
        "str",
        "float",
        "datetime",
    ]
    assert sheet.cell(2, 13).hyperlink.target == _address(int(sheet.cell(2, 13).value))
    assert sheet.cell(11, 3).data_type == "s"
    with zipfile.ZipFile(target) as book:
        drawing = book.read("xl/drawings/drawing1.xml").decode()
    assert drawing.count("<xdr:twoCellAnchor") == 12


def test_the_ng_parts_leave_as_a_zip_with_their_overlays(line: Line, job_id: int) -> None:
    data = b"".join(stream_rejected(line.services, job_id, language="en", address=_address))
    rejected, total = list_rows(line.services, job_id, RowFilter(kind="reject"))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        images = [name for name in names if name.startswith("images/")]
        overlays = [name for name in names if name.startswith("overlays/")]
        assert len(images) == len(overlays) == total > 0
        assert archive.read(images[0]) == line.services.objects.get(rejected[0].image_key)
        picture = Image.open(io.BytesIO(archive.read(overlays[0])))
        assert picture.format == "JPEG"
        table = list(csv.reader(io.StringIO(archive.read("parts.csv").decode("utf-8-sig"))))
        assert len(table) == total + 1
        assert "missing.txt" not in names


def test_an_ng_part_whose_files_are_gone_is_named(line: Line, job_id: int) -> None:
    rejected, total = list_rows(line.services, job_id, RowFilter(kind="reject"))
    line.services.objects.delete(rejected[0].image_key)
    data = b"".join(stream_rejected(line.services, job_id, language="en", address=_address))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert len([name for name in archive.namelist() if name.startswith("overlays/")]) == total - 1
        assert rejected[0].name in archive.read("missing.txt").decode("utf-8-sig")


def test_an_overruled_part_counts_by_the_verdict_in_force(line: Line, job_id: int) -> None:
    before = view_batch(line.services, job_id).verdicts
    with line.services.database.unit_of_work() as session:
        row = session.exec(select(Inspection).where(Inspection.final_verdict == "reject")).first()
        assert row is not None
        row.final_verdict = "ok"
        session.commit()
    after = view_batch(line.services, job_id).verdicts
    assert after["ok"] == before["ok"] + 1
    rows, _ = list_rows(line.services, job_id, replace(RowFilter(), kind="ok"))
    assert any(row.model_verdict == "reject" for row in rows)
    # Other thresholds are compared with what the model said.
    assert load_scores(line.services, job_id).count() == before
