"""Inspecting many files at once: as one by one, whatever fails in between, within the memory that is given."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlmodel import Session, select

from core.access import Person
from core.accounts.people import open_person
from core.catalog import products
from core.errors import AppError, BadInput, NotAllowed, NotFound
from core.inspections import examination, loading, records
from core.inspections.batch import FileOutcome, inspect_many
from core.inspections.inspection import examine, inspect
from core.inspections.loading import PartFile
from core.inspections.part_details import PartDetails
from core.rollups.comparing import compare_totals, find_difference
from core.rollups.rebuilding import ensure_counts
from core.services import Services, build_services
from inference.vision.images.decode import decode
from storage.objects import LocalObjects, ObjectStoreError
from storage.tables import Inspection, Product, SearchHistory, SystemConfig
from tests.plates import copy_data, encode, folder_settings, plate, seed_of
from tests.toy_models import use_toy_models
from tests.unit.core.inspections.conftest import GOOD, SCRATCH, SPOT

_KINDS = ("good", "spot", "scratch")
# Of an inspection's row: what is another one's at each inspection.
_OWN = {"id", "created_at", "latency_ms", "image_key", "thumbnail_key", "heat_map_key", "inspection_id"}


def _files(count: int) -> list[PartFile]:
    """Return plates of all kinds, of two sizes and formats, with details of their own."""
    found = []
    for number in range(count):
        size = {} if number % 5 else {"width_px": 150, "height_px": 90}
        ending = "jpg" if number % 4 == 1 else "png"
        data = encode(plate(seed_of("test", _KINDS[number % 3], number), _KINDS[number % 3], **size), ending)
        details = PartDetails(source="batch", serial=f"S-{number}", lot=f" lot {number % 2} ")
        found.append(PartFile(f"부품 {number}.{ending}", lambda data=data: data, details))  # type: ignore[misc]
    return found


def _inspect_all(
    services: Services, person: Person, product: Product, files: Sequence[PartFile], **options: Any
) -> list[FileOutcome]:
    return list(inspect_many(services, person, product_id=product.id, files=files, **options))


def _read_rows(services: Services, table: type[Any]) -> list[dict[str, Any]]:
    with services.database.reading() as session:
        rows = session.exec(select(table).order_by(table.id)).all()
        return [{name: value for name, value in row.model_dump().items() if name not in _OWN} for row in rows]


def _read_objects(services: Services) -> list[list[bytes]]:
    with services.database.reading() as session:
        rows = session.exec(select(Inspection).order_by(Inspection.id)).all()  # type: ignore[arg-type]
    return [[services.objects.get(key) for key in (row.image_key, row.thumbnail_key, row.heat_map_key)] for row in rows]


def _as_told(record: records.InspectionRecord) -> records.InspectionRecord:
    """Return the record without what is another one's at each inspection."""
    return replace(
        record, id=0, created_at=record.model.created_at, latency_ms=0, image_key="", thumbnail_key="", heat_map_key=""
    )


@pytest.fixture
def alone(toy_template: Path, tmp_path: Path) -> Iterator[Services]:
    """Services on another copy of the same folder, for inspecting one by one."""
    services = build_services(folder_settings(copy_data(toy_template, tmp_path / "alone")))
    yield use_toy_models(services)
    services.database.dispose()


def _compare(one_by_one: Services, together: Services, product: Product) -> None:
    files = _files(21)
    person = open_person(together, "worker")
    assert open_person(one_by_one, "worker") == person
    outcomes = _inspect_all(together, person, product, files)
    expected = [
        inspect(
            one_by_one, person, product_id=product.id, data=file.read(), file_name=file.name, part=file.details
        ).record
        for file in files
    ]
    assert [outcome.place for outcome in outcomes] == list(range(21))
    assert [outcome.error for outcome in outcomes] == [None] * 21
    found = [outcome.record for outcome in outcomes if outcome.record is not None]
    assert {record.verdict for record in found} == {"ok", "reject"}
    assert [_as_told(record) for record in found] == [_as_told(record) for record in expected]
    assert [record.score.hex() for record in found] == [record.score.hex() for record in expected]
    for table in (Inspection, SearchHistory):
        assert _read_rows(together, table) == _read_rows(one_by_one, table)
    assert _read_objects(together) == _read_objects(one_by_one)
    for record in found[:3]:
        assert records.load_record(together, record.id) == record


def test_many_files_are_inspected_as_each_alone(alone: Services, toy_services: Services, product: Product) -> None:
    _compare(alone, toy_services, product)


def test_a_real_model_says_the_same_of_many_as_of_each_alone(
    plate_services: Services, plate_product: Product, plate_template: Path, tmp_path: Path
) -> None:
    one_by_one = build_services(folder_settings(copy_data(plate_template, tmp_path / "one-by-one")))
    try:
        _compare(one_by_one, plate_services, plate_product)
    finally:
        one_by_one.database.dispose()


def test_what_is_inspected_is_counted_once_and_at_once(
    toy_services: Services, product: Product, person: Person
) -> None:
    ensure_counts(toy_services)
    files = [PartFile(f"{key}.png", lambda: SPOT, idempotency_key=key) for key in ("a", "b", "a")]
    for _ in range(2):
        _inspect_all(toy_services, person, product, files)
    assert compare_totals(toy_services) == (2, 2)
    assert find_difference(toy_services) is None


def _unreadable() -> bytes:
    raise NotFound("path_not_found", path="gone.png")


def test_a_file_that_fails_has_its_error_and_the_others_go_on(
    toy_services: Services, product: Product, person: Person
) -> None:
    files = [
        PartFile("text.png", lambda: b"not an image"),
        PartFile("good.png", lambda: GOOD),
        PartFile("gone.png", _unreadable),
        PartFile("long.png", lambda: GOOD, PartDetails(lot="x" * 65)),
        PartFile("spot.png", lambda: SPOT),
        PartFile("cut.png", lambda: SPOT[: len(SPOT) // 2]),
    ]
    outcomes = _inspect_all(toy_services, person, product, files)
    assert [outcome.error.code if outcome.error else None for outcome in outcomes] == [
        "image_not_an_image",
        None,
        "path_not_found",
        "inspection_detail_too_long",
        None,
        "image_truncated",
    ]
    assert [outcome.record.verdict if outcome.record else None for outcome in outcomes] == [
        None, "ok", None, None, "reject", None,
    ]  # fmt: skip
    assert "text.png" in str(outcomes[0].error)
    assert len(_read_rows(toy_services, Inspection)) == 2
    assert len(list(toy_services.objects.list("inspections/"))) == 6


def test_a_product_without_a_model_fails_every_file_that_can_be_read(toy_services: Services, person: Person) -> None:
    engineer = open_person(toy_services, "engineer")
    bare = products.create_product(toy_services, engineer, name="Bare", code="bare")
    files = [
        PartFile("gone.png", _unreadable),
        PartFile("text.png", lambda: b"no image"),
        PartFile("a.png", lambda: GOOD),
    ]
    outcomes = _inspect_all(toy_services, person, bare, files)
    assert [outcome.error.code for outcome in outcomes if outcome.error] == [
        "path_not_found",
        "no_active_memory_bank",
        "no_active_memory_bank",
    ]


def test_who_is_unknown_inspects_nothing(toy_services: Services, product: Product, person: Person) -> None:
    with pytest.raises(NotAllowed):
        _inspect_all(toy_services, replace(person, id=999), product, _files(1))


class _FailingStore(LocalObjects):
    """An object store that refuses the objects of which `refuses` is told."""

    refused: set[bytes]

    def put_many(self, items: Any, **options: Any) -> dict[str, ObjectStoreError]:
        taken, failed = [], {}
        for key, data in items:
            if data in self.refused:
                failed[key] = ObjectStoreError("object_store_full", key=key)
            else:
                taken.append((key, data))
        return failed | super().put_many(taken, **options)


def test_a_file_whose_objects_cannot_be_stored_leaves_nothing_and_the_others_go_on(
    toy_services: Services, product: Product, person: Person
) -> None:
    store = _FailingStore(toy_services.settings.data_dir / "objects")
    store.refused = {SPOT}
    files = [PartFile(f"{name}.png", lambda data=data: data) for name, data in  # type: ignore[misc]
             (("good", GOOD), ("spot", SPOT), ("scratch", SCRATCH))]  # fmt: skip
    outcomes = _inspect_all(replace(toy_services, objects=store), person, product, files)
    assert [outcome.error.code if outcome.error else None for outcome in outcomes] == [None, "object_store_full", None]
    assert [row["original_name"] for row in _read_rows(toy_services, Inspection)] == ["good.png", "scratch.png"]
    assert len(list(toy_services.objects.list("inspections/"))) == 6


def test_a_group_whose_commit_fails_is_told_for_each_of_its_files_and_keeps_no_row(
    toy_services: Services, product: Product, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "GROUP_IMAGES", 4)

    def refuse_second(session: Session, rows: Mapping[int, Inspection]) -> None:
        session.add(SystemConfig(key=f"done.{min(rows)}", value={"places": sorted(rows)}))
        if min(rows) == 4:
            raise BadInput("not_found")

    outcomes = _inspect_all(toy_services, person, product, _files(10), along=refuse_second)
    assert [outcome.error is not None for outcome in outcomes] == [False] * 4 + [True] * 4 + [False] * 2
    rows = _read_rows(toy_services, Inspection)
    assert [row["serial"] for row in rows] == ["S-0", "S-1", "S-2", "S-3", "S-8", "S-9"]
    # What was stored along is there with the rows, and only with them.
    with toy_services.database.reading() as session:
        kept = {
            row.key: row.value["places"]
            for row in session.exec(select(SystemConfig)).all()
            if row.key.startswith("done.")
        }
    assert kept == {"done.0": [0, 1, 2, 3], "done.8": [8, 9]}


def test_what_was_told_is_stored_when_nobody_listens_any_more(
    toy_services: Services, product: Product, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "GROUP_IMAGES", 2)
    outcomes = inspect_many(toy_services, person, product_id=product.id, files=_files(40))
    told = [next(outcomes) for _ in range(3)]
    outcomes.close()
    rows = _read_rows(toy_services, Inspection)
    assert 3 <= len(rows) < 40
    assert [row["serial"] for row in rows[:3]] == [outcome.file.details.serial for outcome in told]
    assert len(list(toy_services.objects.list("inspections/"))) == 3 * len(rows)


def test_memory_is_bounded_and_an_image_that_exceeds_it_goes_alone(
    toy_services: Services, product: Product, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    small, large = encode(plate(1)), encode(plate(2, width_px=600, height_px=600))
    sizes: list[list[int]] = []
    most = [0]
    real_group, real_take = examination.examine_group, loading.MemoryLimit.try_take

    def watch_group(services: Services, judges: Any, images: Sequence[Any], **options: Any) -> Any:
        sizes.append([image.pixels.size for image in images])
        return real_group(services, judges, images, **options)

    def watch_take(self: loading.MemoryLimit, size: int) -> bool:
        taken = real_take(self, size)
        most[0] = max(most[0], self.used)
        return taken

    monkeypatch.setattr("core.inspections.batch.examine_group", watch_group)
    monkeypatch.setattr(loading.MemoryLimit, "try_take", watch_take)
    files = [PartFile(f"{number}.png", lambda data=large if number % 7 == 3 else small: data)  # type: ignore[misc]
             for number in range(20)]  # fmt: skip
    limit = 4 * (4 * 112 * 112 * 3 + 200_000)
    outcomes = _inspect_all(toy_services, person, product, files, memory_bytes=limit)
    assert [outcome.error for outcome in outcomes] == [None] * 20
    assert sum(len(group) for group in sizes) == 20
    assert all(len(group) == 1 for group in sizes if 600 * 600 * 3 in group)
    assert 0 < most[0] <= limit


def test_files_are_read_while_others_are_examined_and_not_all_at_once(
    toy_services: Services, product: Product, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "GROUP_IMAGES", 2)
    read: list[int] = []
    threads: set[str] = set()

    def read_one(number: int) -> bytes:
        read.append(number)
        threads.add(threading.current_thread().name)
        return GOOD

    files = (PartFile("a.png", lambda number=number: read_one(number)) for number in range(60))  # type: ignore[misc]
    outcomes = inspect_many(toy_services, person, product_id=product.id, files=files)
    next(outcomes)
    assert len(read) < 20
    assert threading.current_thread().name not in threads
    assert sum(1 for _ in outcomes) == 59
    assert read == list(range(60))


def test_other_judges_examine_without_storing_anything(toy_services: Services, product: Product) -> None:
    judges = examination.find_judges(toy_services, product.id)
    stricter = replace(
        judges, threshold=judges.threshold.model_copy(update={"review_at": 1.0, "reject_at": 1e6}), indexes={}
    )
    images = [decode(data) for data in (GOOD, SPOT, SCRATCH) * 7]
    found = list(examination.examine_many(toy_services, judges, iter(images)))
    turned = list(examination.examine_many(toy_services, stricter, iter(images)))
    assert [finding.verdict for finding in found] == ["ok", "reject", "reject"] * 7
    assert {finding.verdict for finding in turned} == {"review"}
    assert [finding.detection.score for finding in turned] == [finding.detection.score for finding in found]
    assert all(not finding.similar.normal.matches for finding in turned)
    alone = examine(toy_services, product_id=product.id, data=SPOT, file_name="s.png")
    assert found[1].similar.defect.matches == alone.similar.defect.matches
    np.testing.assert_array_equal(found[1].detection.anomaly_map, alone.detection.anomaly_map)
    assert _read_rows(toy_services, Inspection) == []


def test_an_error_of_the_model_is_told_for_each_image_of_the_group(
    toy_services: Services, product: Product, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise BadInput("image_damaged", name="model")

    monkeypatch.setattr("core.inspections.batch.examine_group", refuse)
    outcomes = _inspect_all(toy_services, person, product, [*_files(2), PartFile("t.png", lambda: b"text")])
    assert [outcome.error.code for outcome in outcomes if isinstance(outcome.error, AppError)] == [
        "image_damaged",
        "image_damaged",
        "image_not_an_image",
    ]


def test_a_file_whose_key_has_an_inspection_gets_that_one_and_leaves_nothing_more(
    toy_services: Services, product: Product, person: Person
) -> None:
    files = [replace(file, idempotency_key=f"batch:1:{place // 2}") for place, file in enumerate(_files(6))]
    first = [outcome.record for outcome in _inspect_all(toy_services, person, product, files)]
    told: dict[int, int] = {}

    def along(_: Session, rows: Mapping[int, Inspection]) -> None:
        told.update({place: row.id for place, row in rows.items()})

    again = [outcome.record for outcome in _inspect_all(toy_services, person, product, files, along=along)]
    ids = [record.id for record in first if record is not None]
    assert len(set(ids)) == 3
    assert ids == [record.id for record in again if record is not None]
    assert told == dict(enumerate(ids))
    assert len(_read_rows(toy_services, Inspection)) == 3
    stored = {key for row in _read_keys(toy_services) for key in row}
    assert {found.key for found in toy_services.objects.list("inspections/")} == stored


def _read_keys(services: Services) -> list[tuple[str, str, str]]:
    with services.database.reading() as session:
        rows = session.exec(select(Inspection)).all()
        return [(row.image_key, row.thumbnail_key, row.heat_map_key) for row in rows]


def test_requests_that_come_at_the_same_time_with_one_key_make_one_inspection(
    toy_services: Services, product: Product, person: Person
) -> None:
    data, start = encode(plate(seed_of("test", "spot", 1), "spot"), "png"), threading.Barrier(4)
    found: list[int] = []

    def ask() -> None:
        start.wait()
        done = inspect(
            toy_services, person, product_id=product.id, data=data, file_name="part.png", idempotency_key="request:1"
        )
        found.append(done.record.id)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(found) == 4
    assert len(set(found)) == 1
    assert len(_read_rows(toy_services, Inspection)) == 1
