"""Inspection: the verdict, what the record holds, and what happens when a part is away."""

from __future__ import annotations

import math
import pickle
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sqlmodel import func, select

from core.access import Person
from core.accounts.people import open_person
from core.catalog import products
from core.errors import AppError, BadInput, NotFound, NotReady, Unavailable
from core.images.edits import delete_images
from core.images.samples import pick_sample_images
from core.inspections import decisions, inspection, records
from core.inspections.images import load_images, load_nearest_normal
from core.inspections.look_alikes import similar_everywhere, similar_of_type
from core.registry.versions import active_version, current_threshold
from core.services import Services
from core.similarity.matches import fetch_thumbnails
from inference.vision.images.decode import content_hash, decode
from storage.objects import LocalObjects, ObjectStoreError
from storage.tables import Inspection, Product, SearchHistory, ThresholdSetting
from tests.plates import encode, plate, seed_of
from tests.unit.core.inspections.conftest import GOOD, SCRATCH, SPOT, Inspect

# Of a browser session: hundreds of them must be no burden.
_SMALL_BYTES = 32_000


def _count(services: Services, table: type[Any]) -> int:
    with services.database.reading() as session:
        return int(session.exec(select(func.count()).select_from(table)).one())


def _set_thresholds(services: Services, product: Product, review_at: float, reject_at: float) -> None:
    with services.database.unit_of_work() as session:
        bank = active_version(session, "memory_bank", product.id)
        assert bank is not None
        session.add(
            ThresholdSetting(model_version_id=bank.id, review_at=review_at, reject_at=reject_at, method="manual")
        )
        session.commit()


def test_the_bands_begin_at_their_thresholds(toy_services: Services, product: Product, inspect_part: Inspect) -> None:
    score = inspect_part(GOOD).record.score
    above = math.nextafter(score, math.inf)
    for review_at, reject_at, verdict in (
        (above, above + 1, "ok"),
        (score, above, "review"),
        (score / 2, score, "reject"),
    ):
        _set_thresholds(toy_services, product, review_at, reject_at)
        record = inspect_part(GOOD).record
        assert (record.score, record.verdict, record.decision.verdict) == (score, verdict, verdict)
        assert (record.review_at, record.reject_at) == (review_at, reject_at)
        assert record.decision.action_status == ("none" if verdict == "ok" else "open")


def test_the_row_holds_everything_that_was_known(
    toy_services: Services, product: Product, person: Person, inspect_part: Inspect
) -> None:
    details = {"source": "camera", "line": " L1 ", "lot": "A-7", "serial": "0001", "shift": "night"}
    record = inspect_part(SPOT, "판/부품 1.PNG", top_k=3, **details).record
    with toy_services.database.reading() as session:
        row = session.get(Inspection, record.id)
        assert row is not None
        bank = active_version(session, "memory_bank", row.product_id)
        assert bank is not None
        indexes = {
            # A defect is searched by its place, which has an index of its own.
            kind: active_version(session, "similarity_index", row.product_id, part)
            for kind, part in (("normal", "normal"), ("defect", "region"))
        }
        threshold = current_threshold(session, bank.id)
        searches = session.exec(select(SearchHistory).where(SearchHistory.inspection_id == row.id)).all()
    assert row.product_id == product.id
    assert row.created_by == person.id
    assert (row.source, row.line, row.lot, row.serial, row.shift) == ("camera", "L1", "A-7", "0001", "night")
    assert row.original_name.endswith("부품 1.PNG")
    assert row.memory_bank_version_id == bank.id
    assert row.threshold_setting_id == threshold.id
    assert (row.review_at, row.reject_at) == (threshold.review_at, threshold.reject_at)
    assert row.preprocessing == bank.preprocessing == {"clahe": True}
    assert {"normal": row.normal_index_version_id, "defect": row.defect_index_version_id} == {
        part: version.id if version else None for part, version in indexes.items()
    }
    assert row.image_sha256 == content_hash(SPOT)
    assert toy_services.objects.get(row.image_key) == SPOT
    assert max(decode(toy_services.objects.get(row.thumbnail_key)).pixels.shape) > 16
    assert row.regions
    assert row.latency_ms > 0
    assert row.nearest_image_name.startswith("plate_normal_")
    assert {found.image_type: len(found.results) for found in searches} == {"normal": 3, "defect": 3}
    assert {found.top_k for found in searches} == {3}


def test_the_record_that_is_loaded_later_is_the_one_that_was_shown(
    toy_services: Services, inspect_part: Inspect
) -> None:
    shown = inspect_part(SCRATCH, line="L1", serial="S-1")
    record = records.load_record(toy_services, shown.record.id)
    assert record == shown.record
    assert (record.part.line, record.part.serial, record.part.source) == ("L1", "S-1", "upload")
    assert record.verdict == "reject"
    assert record.suggestion is not None
    assert record.suggestion.code == "scratch"
    assert record.preprocessing is not None
    assert record.preprocessing.clahe
    assert [found.code for found in record.defect_types] == ["scratch", "spot"]
    assert len(record.similar.defects) == len(record.similar.normals) == 6
    assert len(fetch_thumbnails(toy_services.objects, [found.thumbnail_key for found in record.similar.defects])) == 6


def test_the_pictures_that_are_loaded_later_are_those_that_were_shown(
    toy_services: Services, inspect_part: Inspect
) -> None:
    shown = inspect_part(SCRATCH)
    loaded = load_images(toy_services, shown.record)
    np.testing.assert_array_equal(loaded.pixels, shown.images.pixels)
    span = float(np.ptp(shown.images.anomaly_map))
    np.testing.assert_allclose(loaded.anomaly_map, shown.images.anomaly_map, atol=span / 65_535)
    assert loaded.anomaly_map.dtype == np.float32
    nearest = load_nearest_normal(toy_services, shown.record)
    assert nearest is not None
    assert nearest.image_id == shown.record.nearest_image_id
    np.testing.assert_array_equal(nearest.pixels, plate(seed_of("train", "good", 0)))


def test_a_normal_image_that_was_deleted_is_not_compared_with(
    toy_services: Services, person: Person, inspect_part: Inspect
) -> None:
    record = inspect_part(SPOT).record
    assert record.nearest_image_id is not None
    delete_images(toy_services, open_person(toy_services, "engineer"), [record.nearest_image_id])
    assert load_nearest_normal(toy_services, records.load_record(toy_services, record.id)) is None


def test_a_record_is_small_and_holds_neither_pictures_nor_rows(inspect_part: Inspect) -> None:
    record = inspect_part(SPOT, top_k=20).record
    assert record.similar.normals
    pickled = pickle.dumps(record)
    assert pickle.loads(pickled) == record
    assert len(pickled) < _SMALL_BYTES
    for name in (b"numpy", b"storage.tables", b"sqlmodel"):
        assert name not in pickled


def test_what_was_done_about_a_look_alike_is_told(
    toy_services: Services, person: Person, inspect_part: Inspect
) -> None:
    # The very image that is in the index is inspected and dealt with; its look-alike then tells what was done.
    indexed = encode(plate(seed_of("train", "spot", 0), "spot"))
    first = inspect_part(indexed).record
    decisions.close_action(toy_services, person, first.id, row_version=1, status="done", note="Nozzle cleaned")
    again = inspect_part(indexed).record
    assert again.similar.defects[0].last_action == "Nozzle cleaned"
    assert again.similar.defects[0].similarity > 0.999


def test_look_alikes_are_searched_again_in_all_products_and_among_one_type(
    toy_services: Services, inspect_part: Inspect
) -> None:
    done = inspect_part(SPOT)
    scratch = next(found for found in done.record.defect_types if found.code == "scratch")
    of_type = similar_of_type(toy_services, done.record, done.images, defect_type_id=scratch.id, top_k=9)
    assert {found.defect_type for found in of_type.defects} == {scratch}
    assert len(of_type.defects) == 3
    assert of_type.normals == done.record.similar.normals
    everywhere = similar_everywhere(toy_services, done.record, done.images, top_k=6)
    assert everywhere == done.record.similar


def test_a_product_without_a_model_is_not_ready(toy_services: Services, person: Person) -> None:
    bare = products.create_product(toy_services, open_person(toy_services, "engineer"), name="Bare", code="bare")
    with pytest.raises(NotReady) as refused:
        inspection.inspect(toy_services, person, product_id=bare.id, data=GOOD, file_name="x.png")
    assert refused.value.code == "no_active_memory_bank"
    with pytest.raises(NotFound):
        inspection.inspect(toy_services, person, product_id=99_999, data=GOOD, file_name="x.png")


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"", "image_empty"), (b"no image at all", "image_not_an_image"), (SPOT[: len(SPOT) // 2], "image_truncated")],
)
def test_a_file_that_is_no_image_is_refused_by_name_and_leaves_nothing(
    data: bytes, code: str, toy_services: Services, inspect_part: Inspect
) -> None:
    before = len(list(toy_services.objects.list("inspections/")))
    with pytest.raises(BadInput) as refused:
        inspect_part(data, "부품.png")
    assert refused.value.code == code
    assert "부품.png" in str(refused.value)
    assert _count(toy_services, Inspection) == 0
    assert len(list(toy_services.objects.list("inspections/"))) == before


class _FullStore(LocalObjects):
    """An object store that takes so many more objects, then is full."""

    capacity = 0

    def put_many(self, items: Iterable[tuple[str, bytes]], **options: Any) -> dict[str, ObjectStoreError]:
        every = list(items)
        taken, left = every[: self.capacity], every[self.capacity :]
        self.capacity -= len(taken)
        refused = {key: ObjectStoreError("object_store_full", key=key) for key, _ in left}
        return super().put_many(taken, **options) | refused


@pytest.mark.parametrize("capacity", [0, 1, 2])
def test_an_object_store_that_fails_half_way_holds_nothing_of_the_inspection(
    capacity: int, toy_services: Services, product: Product, person: Person
) -> None:
    store = _FullStore(toy_services.settings.data_dir / "objects")
    store.capacity = capacity
    with pytest.raises(Unavailable) as refused:
        inspection.inspect(
            replace(toy_services, objects=store),
            person,
            product_id=product.id,
            data=SPOT,
            file_name="x.png",
        )
    assert refused.value.code == "object_store_full"
    assert _count(toy_services, Inspection) == 0
    assert _count(toy_services, SearchHistory) == 0
    assert list(toy_services.objects.list("inspections/")) == []


def test_an_inspection_whose_image_is_gone_says_so(toy_services: Services, inspect_part: Inspect) -> None:
    record = inspect_part().record
    toy_services.objects.delete(record.image_key)
    with pytest.raises(AppError) as refused:
        load_images(toy_services, record)
    assert refused.value.code == "object_missing"
    with pytest.raises(NotFound):
        records.load_record(toy_services, 99_999)


def test_details_that_are_too_long_are_refused_before_anything_is_done(
    toy_services: Services, inspect_part: Inspect
) -> None:
    for field, length in (("line", 65), ("lot", 65), ("serial", 65), ("shift", 33)):
        with pytest.raises(BadInput, match=field):
            inspect_part(b"not even an image", **{field: "x" * length})
    assert _count(toy_services, Inspection) == 0


def test_samples_come_from_the_test_images_half_of_them_defects(toy_services: Services, product: Product) -> None:
    samples = pick_sample_images(toy_services, product.id, n=4)
    assert [row.image_type for row in samples] == ["defect", "defect", "normal", "normal"]
    assert {row.split for row in samples} == {"test"}
    assert len({row.defect_type_id for row in samples[:2]}) == 2


def test_the_newest_inspections_come_first(toy_services: Services, inspect_part: Inspect) -> None:
    ids = [inspect_part(GOOD).record.id for _ in range(3)]
    assert [row.id for row in records.recent(toy_services, limit=2)] == ids[:0:-1]
