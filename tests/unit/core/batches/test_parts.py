"""Batches of products with views: files of one part, told by their names, are inspected as one part."""

from __future__ import annotations

import csv
import io
import zipfile
from typing import Any

import pytest
from sqlmodel import col, select

from core.batches.exports import stream_batch_csv, stream_rejected
from core.batches.overview import view_batch
from core.batches.results import FAILED, RowFilter, Thresholds, list_rows, load_scores
from core.batches.working import work_off
from core.errors import NotReady
from core.inspections.by_view import examining, inspection
from core.jobs.terms import JobCancelled, JobLost
from core.operations.stored_objects import find_missing
from core.services import Services
from storage.object_store import ObjectStoreError
from storage.objects import LocalObjects
from storage.tables import BatchItem, Inspection, InspectionView, Job, ModelVersion
from tests.unit.core.batches.conftest import Line, bytes_file
from tests.viewed_plates import CT, GOOD, RGB, SCRATCH, SPOT, add_view, with_views


@pytest.fixture
def viewed(line: Line) -> Line:
    with_views(line.services, line.product)
    return line


def _items(services: Services) -> dict[str, BatchItem]:
    with services.database.reading() as session:
        return {row.name: row for row in session.exec(select(BatchItem).order_by(col(BatchItem.place))).all()}


def _inspections(services: Services) -> list[Inspection]:
    with services.database.reading() as session:
        return list(session.exec(select(Inspection).order_by(col(Inspection.id))).all())


def _pairs(count: int) -> list[Any]:
    """Return so many parts of two files each, every third with a spot inside; the files of a view come together."""
    ct = [bytes_file(f"P{number:03d}_ct.png", SPOT if number % 3 == 1 else GOOD) for number in range(count)]
    return ct + [bytes_file(f"P{number:03d}_rgb.png", GOOD) for number in range(count)]


def test_files_of_one_part_are_one_inspection(viewed: Line) -> None:
    files = [
        bytes_file("A1_ct.png", SPOT),
        bytes_file("A2_ct.png", GOOD),
        bytes_file("A1_rgb.png", SCRATCH),
        bytes_file("rgb/A2.png", GOOD),
    ]
    job_id = viewed.start(files)
    assert viewed.work_off() is None
    rows = _inspections(viewed.services)
    assert [(row.serial, row.verdict, row.found_as) for row in rows] == [("A1", "reject", "combined"), ("A2", "ok", "")]
    assert {(row.line, row.lot, row.shift, row.source, row.batch_job_id) for row in rows} == {
        ("L3", "LOT-7", "night", "batch", job_id)
    }
    items = _items(viewed.services)
    assert items["A1_ct.png"].inspection_id == items["A1_rgb.png"].inspection_id == rows[0].id
    assert items["A2_ct.png"].inspection_id == items["rgb/A2.png"].inspection_id == rows[1].id
    found = view_batch(viewed.services, job_id)
    assert (found.n_files, found.n_done, found.n_failed) == (4, 4, 0)
    assert found.verdicts == {"ok": 1, "review": 0, "reject": 1}
    assert list(viewed.services.objects.list("batches/")) == []


def test_a_part_is_one_row_with_all_its_files(viewed: Line) -> None:
    job_id = viewed.start(_pairs(3))
    assert viewed.work_off() is None
    rows, total = list_rows(viewed.services, job_id, RowFilter())
    assert total == 3
    assert [row.names for row in rows] == [(f"P00{number}_ct.png", f"P00{number}_rgb.png") for number in range(3)]
    assert len(load_scores(viewed.services, job_id).scores) == 3
    by_second, _ = list_rows(viewed.services, job_id, RowFilter(name="p001_RGB"))
    assert [row.serial for row in by_second] == ["P001"]
    data = b"".join(stream_batch_csv(viewed.services, job_id, language="en", address=str))
    table = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    assert [line["File"] for line in table] == [f"P00{number}_ct.png, P00{number}_rgb.png" for number in range(3)]


def test_the_zip_of_ng_parts_holds_every_picture_of_a_part_with_its_overlay(viewed: Line) -> None:
    files = {"A1_ct.png": SPOT, "rgb/A1.png": SCRATCH, "A2_ct.png": GOOD, "A2_rgb.png": GOOD, "A1b_ct.png": GOOD}
    job_id = viewed.start([bytes_file(name, content) for name, content in files.items()])
    assert viewed.work_off() is None
    data = b"".join(stream_rejected(viewed.services, job_id, language="en", address=str))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert sorted(archive.namelist()) == [
            "images/00001_A1_ct.png",
            "images/00001_A1_rgb.png",
            "overlays/00001_A1_ct.jpg",
            "overlays/00001_A1_rgb.jpg",
            "parts.csv",
        ]
        assert archive.read("images/00001_A1_ct.png") == SPOT
        assert archive.read("images/00001_A1_rgb.png") == SCRATCH


def test_a_view_whose_picture_is_gone_is_named_in_the_zip_and_the_other_is_there(viewed: Line) -> None:
    job_id = viewed.start([bytes_file("A1_ct.png", SPOT), bytes_file("A1_rgb.png", SCRATCH)])
    assert viewed.work_off() is None
    with viewed.services.database.reading() as session:
        gone = session.exec(select(InspectionView).where(InspectionView.view == RGB)).one()
    viewed.services.objects.delete(gone.image_key)
    data = b"".join(stream_rejected(viewed.services, job_id, language="en", address=str))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert [name for name in archive.namelist() if name.startswith("images/")] == ["images/00001_A1_ct.png"]
        assert archive.read("missing.txt").decode("utf-8-sig").startswith("A1_rgb.png: ")


def test_a_part_without_a_required_view_is_held_back(viewed: Line) -> None:
    job_id = viewed.start(
        [bytes_file("A1_ct.png", GOOD), bytes_file("A2_ct.png", GOOD), bytes_file("A2_rgb.png", GOOD)]
    )
    assert viewed.work_off() is None
    rows = {row.serial: row for row in _inspections(viewed.services)}
    assert (rows["A1"].verdict, list(rows["A1"].missing_views or ())) == ("review", [RGB])
    # Other thresholds let it pass no more than those of the inspection.
    loose = Thresholds(0.98, 0.99)
    scores = load_scores(viewed.services, job_id)
    assert scores.count(loose) == {"ok": 1, "review": 1, "reject": 0}
    assert (scores.count_changed(loose), scores.is_mixed) == (0, False)
    held, _ = list_rows(viewed.services, job_id, RowFilter(kind="review", thresholds=loose))
    assert [(row.serial, row.judge(loose)) for row in held] == [("A1", "review")]
    assert (rows["A2"].verdict, list(rows["A2"].missing_views or ())) == ("ok", [])


def test_a_file_that_names_no_view_is_refused_by_name_and_the_others_go_on(viewed: Line) -> None:
    job_id = viewed.start([*_pairs(1), bytes_file("IMG_0001.png", GOOD), bytes_file("both_ct_rgb.png", GOOD)])
    assert viewed.work_off() is None
    rows, _ = list_rows(viewed.services, job_id, RowFilter(kind=FAILED))
    assert [(row.name, row.error and row.error.code) for row in rows] == [
        ("IMG_0001.png", "file_names_no_view"),
        ("both_ct_rgb.png", "file_names_no_view"),
    ]
    assert [row.serial for row in _inspections(viewed.services)] == ["P000"]


def test_a_picture_that_cannot_be_judged_says_why_and_its_part_is_held_back(viewed: Line) -> None:
    broken = b"\x89PNG\r\n\x1a\nnothing"
    files = [bytes_file("A1_ct.png", GOOD), bytes_file("A1_rgb.png", broken)]
    lost = [bytes_file("A2_ct.png", broken), bytes_file("A2_rgb.png", broken)]
    job_id = viewed.start([*files, *lost])
    assert viewed.work_off() is None
    (row,) = _inspections(viewed.services)
    assert (row.serial, row.verdict) == ("A1", "review")
    items = _items(viewed.services)
    assert (items["A1_ct.png"].state, items["A1_ct.png"].error_code) == ("done", None)
    assert items["A1_rgb.png"].state == "done"
    assert items["A1_rgb.png"].error_code is not None
    assert {items[name].state for name in ("A2_ct.png", "A2_rgb.png")} == {"failed"}
    (shown, *_others), total = list_rows(viewed.services, job_id, RowFilter())
    assert total == 3
    assert shown.error is not None
    assert "A1_rgb.png" in shown.error.sentence("en")


def test_several_exposures_of_a_view_belong_to_the_part(viewed: Line) -> None:
    viewed.start([bytes_file("A1_ct_1.png", GOOD), bytes_file("A1_ct_2.png", SPOT), bytes_file("A1_rgb.png", GOOD)])
    assert viewed.work_off() is None
    (row,) = _inspections(viewed.services)
    assert (row.serial, row.verdict, row.found_as) == ("A1", "reject", "internal")
    with viewed.services.database.reading() as session:
        pictures = session.exec(select(InspectionView.view, InspectionView.exposure).order_by(col(InspectionView.id)))
        assert list(pictures.all()) == [(CT, 0), (CT, 1), (RGB, 0)]


def test_the_rule_for_serial_numbers_goes_before_the_name_of_the_part(viewed: Line) -> None:
    viewed.start(
        [bytes_file("LINE3_0007_ct.png", GOOD), bytes_file("LINE3_0007_rgb.png", GOOD)],
        serial_rule="LINE3_{part:4}_{*}",
    )
    assert viewed.work_off() is None
    assert [row.serial for row in _inspections(viewed.services)] == ["0007"]


def test_a_batch_broken_off_between_parts_goes_on_and_inspects_none_twice(
    viewed: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewed.start(_pairs(6))
    claim = viewed.claim(lease_s=0.0)
    examined, calls = examining.examine_views, list[int]()

    def dies_in_the_third(*args: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise MemoryError("killed")
        return examined(*args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(inspection, "examine_views", dies_in_the_third)
        with pytest.raises(MemoryError):
            work_off(viewed.services, claim)
    assert [row.serial for row in _inspections(viewed.services)] == ["P000", "P001"]
    assert sum(item.state == "done" for item in _items(viewed.services).values()) == 4
    assert viewed.work_off() is None
    assert [row.serial for row in _inspections(viewed.services)] == [f"P{number:03d}" for number in range(6)]
    assert [one for one in find_missing(viewed.services) if one.table != "model_versions"] == []


def test_who_lost_the_batch_stores_no_part(viewed: Line) -> None:
    viewed.start(_pairs(2))
    old = viewed.claim(lease_s=0.0)
    viewed.claim()
    with pytest.raises(JobLost):
        work_off(viewed.services, old)
    assert _inspections(viewed.services) == []


def test_a_cancel_stops_between_parts_and_keeps_what_is_done(viewed: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = viewed.start(_pairs(4))
    claim = viewed.claim()
    examined, calls = examining.examine_views, list[int]()

    def asked_in_the_second(*args: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            with viewed.services.database.unit_of_work() as session:
                session.get_one(Job, job_id).cancel_requested = True
                session.commit()
        return examined(*args, **options)

    monkeypatch.setattr(inspection, "examine_views", asked_in_the_second)
    with pytest.raises(JobCancelled):
        work_off(viewed.services, claim)
    assert [row.serial for row in _inspections(viewed.services)] == ["P000"]


def test_a_store_that_is_away_is_waited_for(viewed: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    viewed.start(_pairs(2))
    get, calls = LocalObjects.get, list[str]()

    def away_at_first(self: LocalObjects, key: str) -> bytes:
        if key.startswith("batches/") and len(calls) < 2:
            calls.append(key)
            raise ObjectStoreError("object_store_unavailable")
        return get(self, key)

    monkeypatch.setattr(LocalObjects, "get", away_at_first)
    assert viewed.work_off() is None
    assert [row.serial for row in _inspections(viewed.services)] == ["P000", "P001"]


def test_a_product_whose_views_have_no_model_is_refused(line: Line) -> None:
    with line.services.database.unit_of_work() as session:
        for row in session.exec(select(ModelVersion)).all():
            row.active_key, row.state = None, "retired"
        session.commit()
    add_view(line.services, line.product.id, CT, found_as="internal")
    with pytest.raises(NotReady) as refused:
        line.start(_pairs(1))
    assert refused.value.code == "no_active_memory_bank"
