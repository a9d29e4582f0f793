"""What goes into a batch: files, ZIP files and folders of the object store, checked like everything else."""

from __future__ import annotations

import zipfile
from typing import Any

import pytest
from sqlmodel import col, select

from core.batches import sources
from core.batches.overview import view_batch
from core.batches.sources import list_folder
from core.batches.starting import BatchOrder, start_with_files, start_with_folder
from core.errors import AppError, BadInput, NotReady, Unavailable
from core.images.records import IncomingFile
from core.inspections.part_details import PartDetails
from core.services import Services
from storage.object_store import ObjectStoreError
from storage.objects import LocalObjects
from storage.tables import Batch, BatchItem, Job, ModelVersion, Product
from tests.unit.core.batches.conftest import Line, bytes_file, plate_file
from tests.zip_files import make_zip


def _items(services: Services) -> dict[str, tuple[str, str | None]]:
    with services.database.reading() as session:
        rows = session.exec(select(BatchItem).order_by(col(BatchItem.place))).all()
        return {row.name: (row.state, row.error_code) for row in rows}


def _count(services: Services, table: type[Any]) -> int:
    with services.database.reading() as session:
        return len(session.exec(select(table)).all())


def _assert_nothing_left(services: Services) -> None:
    assert list(services.objects.list("batches/")) == []
    assert [_count(services, table) for table in (Job, Batch, BatchItem)] == [0, 0, 0]


def test_a_zip_is_opened_and_its_tricks_are_refused_by_name(line: Line) -> None:
    good = plate_file(0).read()
    packed = make_zip(
        {
            "라인3/부품 1.png": good,
            "../../etc/passwd": b"x",
            "/abs.png": good,
            "inner.zip": make_zip({"a.png": good}),
            "__MACOSX/._a.png": b"litter",
            "Thumbs.db": b"litter",
            "=cmd|'calc'!A0.png": good,
        }
    )
    job_id = line.start([bytes_file("parts.zip", packed), plate_file(1)])
    found = _items(line.services)
    assert found["parts.zip/라인3/부품 1.png"] == ("waiting", None)
    assert found["parts.zip/=cmd|'calc'!A0.png"] == ("waiting", None)
    assert found["LINE3_0001.png"] == ("waiting", None)
    refused = {name: code for name, (state, code) in found.items() if state == "failed"}
    assert set(refused.values()) == {"archive_unsafe_name", "archive_nested"}
    assert len(refused) == 3
    assert line.work_off() is None
    assert view_batch(line.services, job_id).n_done == 3


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"no zip", "archive_not_zip"), (b"PK\x03\x04 cut off", "archive_damaged"), (b"", "archive_not_zip")],
)
def test_a_zip_that_cannot_be_trusted_is_refused_and_the_rest_goes_on(line: Line, data: bytes, code: str) -> None:
    job_id = line.start([bytes_file("bad.zip", data), plate_file(0)])
    assert _items(line.services)["bad.zip"] == ("failed", code)
    assert line.work_off() is None
    assert (view_batch(line.services, job_id).n_done, view_batch(line.services, job_id).n_failed) == (1, 1)


def test_a_batch_of_refused_files_alone_ends_well(line: Line) -> None:
    job_id = line.start([bytes_file("bad.zip", b"no zip")])
    assert line.work_off() is None
    found = view_batch(line.services, job_id)
    assert (found.job.state, found.n_failed) == ("succeeded", 1)


def test_no_file_at_all_is_refused(line: Line) -> None:
    for files in ([], [bytes_file("empty.zip", make_zip({"__MACOSX/._a": b"x"}))]):
        with pytest.raises(BadInput, match="no file"):
            line.start(files)
    _assert_nothing_left(line.services)


def test_too_many_files_are_refused(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MOST_FILES", 2)
    with pytest.raises(BadInput, match="more than 2"):
        line.start([plate_file(number) for number in range(3)])
    _assert_nothing_left(line.services)


def test_a_store_that_is_full_leaves_nothing(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    def put_many(self: LocalObjects, items: Any, **_: Any) -> dict[str, ObjectStoreError]:
        found = list(items)
        self.put(*found[0])
        return {found[1][0]: ObjectStoreError("object_store_full", reason="disk")}

    monkeypatch.setattr(LocalObjects, "put_many", put_many)
    with pytest.raises(Unavailable):
        line.start([plate_file(0), plate_file(1)])
    _assert_nothing_left(line.services)


def test_a_start_that_is_broken_off_leaves_nothing(line: Line) -> None:
    def broken_off(done: int, _: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    order = BatchOrder(line.product.id)
    files = [plate_file(number) for number in range(30)]
    with pytest.raises(KeyboardInterrupt):
        start_with_files(line.services, line.person, order, files, staged=broken_off)
    _assert_nothing_left(line.services)


def test_who_asks_twice_gets_one_batch(line: Line) -> None:
    first = line.start([plate_file(0)], request_key="same")
    assert line.start([plate_file(0)], request_key="same") == first
    assert _count(line.services, Job) == 1
    assert len(list(line.services.objects.list("batches/"))) == 1


def test_two_who_ask_at_once_get_one_batch(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    first: list[int] = []

    def meanwhile() -> bytes:
        first.append(line.start([plate_file(0)], request_key="same"))
        return plate_file(0).read()

    assert line.start([IncomingFile("a.png", meanwhile)], request_key="same") == first[0]
    assert _count(line.services, Job) == 1
    assert len(list(line.services.objects.list("batches/"))) == 1


def test_what_is_wrong_with_the_order_is_said_before_a_file_is_read(line: Line) -> None:
    def never() -> bytes:
        raise AssertionError

    def start(**more: Any) -> None:
        order = BatchOrder(**{"product_id": line.product.id, **more})
        start_with_files(line.services, line.person, order, [IncomingFile("a.png", never)])

    for more, kind in (
        ({"details": PartDetails(lot="x" * 65)}, BadInput),
        ({"serial_rule": "no field"}, BadInput),
        ({"product_id": 999}, AppError),
    ):
        with pytest.raises(kind):
            start(**more)
    with line.services.database.unit_of_work() as session:
        session.exec(select(ModelVersion).where(ModelVersion.kind == "memory_bank")).one().active_key = None
        session.commit()
    with pytest.raises(NotReady, match="no active model"):
        start()
    with line.services.database.unit_of_work() as session:
        session.exec(select(Product)).one().is_active = False
        session.commit()
    with pytest.raises(NotReady):
        start()
    _assert_nothing_left(line.services)


def test_a_folder_of_the_object_store_is_inspected_where_it_lies(line: Line) -> None:
    for number in range(3):
        line.services.objects.put(f"incoming/line3/LINE3_{number}.png", plate_file(number).read())
    line.services.objects.put("incoming/line3/readme.txt", b"hello")
    line.services.objects.put("incoming/line3/empty.png", b"")
    line.services.objects.put("incoming/line30/other.png", plate_file(0).read())
    found = list_folder(line.services, line.person, " /incoming\\line3/ ")
    assert (found.folder, len(found.files), found.n_others) == ("incoming/line3/", 4, 1)
    job_id = start_with_folder(line.services, line.person, BatchOrder(line.product.id), found)
    assert line.work_off() is None
    assert view_batch(line.services, job_id).n_done == 3
    assert _items(line.services)["empty.png"] == ("failed", "image_empty")
    assert line.services.objects.exists("incoming/line3/LINE3_0.png")


@pytest.mark.parametrize(
    ("folder", "code"),
    [
        ("", "batch_folder_unnamed"),
        (" / ", "batch_folder_unnamed"),
        ("models/memory_bank", "batch_folder_own"),
        ("inspections", "batch_folder_own"),
        ("batches", "batch_folder_own"),
        ("trash/20260101", "batch_folder_own"),
        ("../etc", "batch_folder_invalid"),
        ("a/../../b", "batch_folder_invalid"),
        ("a\x00b", "batch_folder_invalid"),
        ("nothing/here", "batch_folder_empty"),
    ],
)
def test_folders_that_will_not_do_are_refused(line: Line, folder: str, code: str) -> None:
    with pytest.raises(BadInput) as caught:
        list_folder(line.services, line.person, folder)
    assert caught.value.code == code


def test_a_large_file_is_refused_by_its_size(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_ENTRY_BYTES", 10)
    line.start([plate_file(0), bytes_file("small.bin", b"x")])
    assert _items(line.services)["LINE3_0000.png"] == ("failed", "image_too_many_bytes")


def test_names_are_cleaned_and_a_zip_of_stored_files_is_read(line: Line) -> None:
    packed = make_zip({"a\x01b.png": plate_file(0).read()}, method=zipfile.ZIP_STORED)
    line.start([bytes_file("x" * 300 + ".zip", packed)])
    (name,) = _items(line.services)
    assert len(name) <= 255
    assert name.endswith("ab.png")
