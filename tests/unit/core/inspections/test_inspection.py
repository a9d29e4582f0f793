"""Inspection: the verdict, what is kept of it, what people change, and what happens when a part is away."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sqlmodel import func, select

from core.access import Person
from core.accounts.people import open_person
from core.catalog import defect_types, products
from core.errors import AppError, BadInput, Conflict, NotFound, NotReady, Unavailable
from core.images.samples import pick_sample_images
from core.inspections import decisions, inspection, records
from core.inspections.records import InspectionView
from core.registry.versions import active_version, current_threshold
from core.services import Services
from inference.vision.images.decode import content_hash, decode
from storage.objects import LocalObjects, ObjectStoreError
from storage.tables import AuditLog, DefectType, Inspection, Product, SearchHistory, ThresholdSetting
from tests.plates import encode, plate, seed_of

GOOD = encode(plate(seed_of("test", "good", 50)))
SPOT = encode(plate(seed_of("test", "spot", 50), "spot"))
SCRATCH = encode(plate(seed_of("test", "scratch", 50), "scratch"))


@pytest.fixture
def person(plate_services: Services) -> Person:
    return open_person(plate_services, "worker")


@pytest.fixture
def inspect(plate_services: Services, plate_product: Product, person: Person) -> Callable[..., InspectionView]:
    def inspect_one(data: bytes = SPOT, file_name: str = "part.png", **more: Any) -> InspectionView:
        return inspection.inspect(
            plate_services, person, product_id=plate_product.id, data=data, file_name=file_name, **more
        )

    return inspect_one


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


def test_a_good_part_is_ok_and_a_defective_one_is_not(inspect: Callable[..., InspectionView]) -> None:
    good, spot = inspect(GOOD), inspect(SPOT)
    assert good.inspection.verdict == "ok"
    assert good.regions == []
    assert good.suggestion is None
    assert good.inspection.action_status == "none"
    assert spot.inspection.verdict == "reject"
    assert spot.inspection.action_status == "open"
    assert spot.suggestion is not None
    assert spot.suggestion.defect_type is not None
    assert spot.suggestion.defect_type.code == "spot"
    assert 0 < spot.suggestion.confidence <= 1


def test_the_regions_lie_on_the_defect(inspect: Callable[..., InspectionView]) -> None:
    seed = seed_of("test", "spot", 50)
    rows, columns = np.nonzero(np.any(plate(seed, "spot") != plate(seed), axis=2))
    region = max(inspect(SPOT).regions, key=lambda found: found.score)
    assert region.x <= columns.mean() <= region.x + region.w
    assert region.y <= rows.mean() <= region.y + region.h


def test_the_bands_begin_at_their_thresholds(
    plate_services: Services, plate_product: Product, inspect: Callable[..., InspectionView]
) -> None:
    score = inspect(GOOD).inspection.score
    above = math.nextafter(score, math.inf)
    for review_at, reject_at, verdict in (
        (above, above + 1, "ok"),
        (score, above, "review"),
        (score / 2, score, "reject"),
    ):
        _set_thresholds(plate_services, plate_product, review_at, reject_at)
        row = inspect(GOOD).inspection
        assert (row.score, row.verdict) == (score, verdict)
        assert (row.review_at, row.reject_at) == (review_at, reject_at)


def test_the_row_keeps_everything_that_was_known(
    plate_services: Services, plate_product: Product, person: Person, inspect: Callable[..., InspectionView]
) -> None:
    view = inspect(
        SPOT, "판/부품 1.PNG", source="camera", line=" L1 ", lot="A-7", serial="0001", shift="night", top_k=3
    )
    with plate_services.database.reading() as session:
        row = session.get(Inspection, view.inspection.id)
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
    assert row.product_id == plate_product.id
    assert row.created_by == person.id
    assert (row.source, row.line, row.lot, row.serial, row.shift) == ("camera", "L1", "A-7", "0001", "night")
    assert row.original_name.endswith("부품 1.PNG")
    assert row.memory_bank_version_id == bank.id
    assert row.threshold_setting_id == threshold.id
    assert (row.review_at, row.reject_at) == (threshold.review_at, threshold.reject_at)
    assert row.preprocessing == bank.preprocessing
    assert {"normal": row.normal_index_version_id, "defect": row.defect_index_version_id} == {
        part: version.id if version else None for part, version in indexes.items()
    }
    assert row.image_sha256 == content_hash(SPOT)
    assert plate_services.objects.get(row.image_key) == SPOT
    assert max(decode(plate_services.objects.get(row.thumbnail_key)).pixels.shape) > 16
    assert row.regions
    assert row.latency_ms > 0
    assert row.nearest_image_name.startswith("plate_normal_")
    assert {found.image_type: len(found.results) for found in searches} == {"normal": 3, "defect": 3}
    assert {found.top_k for found in searches} == {3}


def test_what_is_loaded_later_is_what_was_shown(
    plate_services: Services, inspect: Callable[..., InspectionView]
) -> None:
    shown = inspect(SCRATCH)
    loaded = records.load(plate_services, shown.inspection.id)
    np.testing.assert_array_equal(loaded.pixels, shown.pixels)
    span = float(np.ptp(shown.anomaly_map))
    np.testing.assert_allclose(loaded.anomaly_map, shown.anomaly_map, atol=span / 65_535)
    assert loaded.anomaly_map.dtype == np.float32
    assert loaded.inspection.model_dump() == shown.inspection.model_dump()
    assert loaded.nearest is not None
    assert shown.nearest is not None
    np.testing.assert_array_equal(loaded.nearest.pixels, shown.nearest.pixels)
    for name in ("regions", "quality", "similar_defects", "similar_normals", "suggestion", "threshold", "person_name"):
        assert getattr(loaded, name) == getattr(shown, name), name
    assert loaded.product.id == shown.product.id
    assert loaded.bank_version.id == shown.bank_version.id
    assert [row.code for row in loaded.defect_types] == ["scratch", "spot"]


def test_what_was_done_about_a_look_alike_is_told(
    plate_services: Services, person: Person, inspect: Callable[..., InspectionView]
) -> None:
    # The very image that is in the index is inspected and dealt with; its look-alike then tells what was done.
    indexed = encode(plate(seed_of("train", "spot", 0), "spot"))
    first = inspect(indexed).inspection
    decisions.close_action(
        plate_services, person, first.id, row_version=first.row_version, status="done", note="Nozzle cleaned"
    )
    again = inspect(indexed)
    assert again.similar_defects[0].last_action == "Nozzle cleaned"
    assert again.similar_defects[0].similarity > 0.999
    assert again.similar_defects[0].thumbnail


def test_a_product_without_a_model_is_not_ready(plate_services: Services, person: Person) -> None:
    bare = products.create_product(plate_services, open_person(plate_services, "engineer"), name="Bare", code="bare")
    with pytest.raises(NotReady) as refused:
        inspection.inspect(plate_services, person, product_id=bare.id, data=GOOD, file_name="x.png")
    assert refused.value.code == "no_active_memory_bank"
    with pytest.raises(NotFound):
        inspection.inspect(plate_services, person, product_id=99_999, data=GOOD, file_name="x.png")


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"", "image_empty"), (b"no image at all", "image_not_an_image"), (SPOT[: len(SPOT) // 2], "image_truncated")],
)
def test_a_file_that_is_no_image_is_refused_by_name_and_leaves_nothing(
    data: bytes, code: str, plate_services: Services, inspect: Callable[..., InspectionView]
) -> None:
    before = len(list(plate_services.objects.list("inspections/")))
    with pytest.raises(BadInput) as refused:
        inspect(data, "부품.png")
    assert refused.value.code == code
    assert "부품.png" in str(refused.value)
    assert _count(plate_services, Inspection) == 0
    assert len(list(plate_services.objects.list("inspections/"))) == before


class _FullStore(LocalObjects):
    """An object store that has room for so many more objects, then is full."""

    room = 0

    def put(self, key: str, data: bytes, *, content_type: str = "application/octet-stream") -> None:
        if self.room <= 0:
            raise ObjectStoreError("object_store_full", key=key)
        self.room -= 1
        super().put(key, data, content_type=content_type)


@pytest.mark.parametrize("room", [0, 1, 2])
def test_an_object_store_that_fails_half_way_keeps_nothing_of_the_inspection(
    room: int, plate_services: Services, plate_product: Product, person: Person
) -> None:
    store = _FullStore(plate_services.settings.data_dir / "objects")
    store.room = room
    with pytest.raises(Unavailable) as refused:
        inspection.inspect(
            replace(plate_services, objects=store),
            person,
            product_id=plate_product.id,
            data=SPOT,
            file_name="x.png",
        )
    assert refused.value.code == "object_store_full"
    assert _count(plate_services, Inspection) == 0
    assert _count(plate_services, SearchHistory) == 0
    assert list(plate_services.objects.list("inspections/")) == []


def test_an_inspection_whose_image_is_gone_says_so(
    plate_services: Services, inspect: Callable[..., InspectionView]
) -> None:
    row = inspect().inspection
    plate_services.objects.delete(row.image_key)
    with pytest.raises(AppError) as refused:
        records.load(plate_services, row.id)
    assert refused.value.code == "object_missing"
    with pytest.raises(NotFound):
        records.load(plate_services, 99_999)


def test_details_that_are_too_long_are_refused_before_anything_is_done(
    plate_services: Services, inspect: Callable[..., InspectionView]
) -> None:
    for field, length in (("line", 65), ("lot", 65), ("serial", 65), ("shift", 33)):
        with pytest.raises(BadInput, match=field):
            inspect(**{field: "x" * length})
    assert _count(plate_services, Inspection) == 0


# --- people decide ---------------------------------------------------------------------------------------------------


def test_an_override_needs_a_reason_and_keeps_the_models_own_verdict(
    plate_services: Services, person: Person, inspect: Callable[..., InspectionView]
) -> None:
    row = inspect(SPOT).inspection
    for verdict, reason, code in (("ok", "  ", "override_needs_reason"), ("fine", "why", "verdict_unknown")):
        with pytest.raises(BadInput) as refused:
            decisions.override_verdict(
                plate_services, person, row.id, row_version=row.row_version, verdict=verdict, reason=reason
            )
        assert refused.value.code == code
    after = decisions.override_verdict(
        plate_services, person, row.id, row_version=row.row_version, verdict="ok", reason=" Only dust "
    )
    assert (after.verdict, after.final_verdict, after.override_reason) == ("reject", "ok", "Only dust")
    assert (after.overridden_by, after.action_status) == (person.id, "none")
    assert after.overridden_at is not None
    back = decisions.override_verdict(
        plate_services, person, row.id, row_version=after.row_version, verdict="reject", reason="No, a pore"
    )
    assert back.action_status == "open"
    with plate_services.database.reading() as session:
        actions = session.exec(select(AuditLog.action).where(AuditLog.subject_type == "inspection")).all()
    assert list(actions) == ["inspection.override", "inspection.override"]


def test_a_save_on_an_old_state_is_refused_with_who_changed_what(
    plate_services: Services, person: Person, inspect: Callable[..., InspectionView]
) -> None:
    row = inspect(SPOT).inspection
    engineer = open_person(plate_services, "engineer")
    decisions.override_verdict(
        plate_services, engineer, row.id, row_version=row.row_version, verdict="review", reason="Unsure"
    )
    with pytest.raises(Conflict) as refused:
        decisions.close_action(
            plate_services, person, row.id, row_version=row.row_version, status="done", note="Cleaned"
        )
    assert refused.value.code == "stale_save"
    assert engineer.display_name in str(refused.value)
    assert "review" in str(refused.value)
    assert records.load(plate_services, row.id).inspection.action_note == ""


def test_a_defect_type_is_confirmed_changed_or_denied_but_never_another_products(
    plate_services: Services, person: Person, inspect: Callable[..., InspectionView]
) -> None:
    view = inspect(SPOT)
    row = view.inspection
    engineer = open_person(plate_services, "engineer")
    other = products.create_product(plate_services, engineer, name="Other", code="other")
    foreign: DefectType = defect_types.create_defect_type(
        plate_services, engineer, product_id=other.id, code="burr", name_ko="버"
    )
    for unknown in (foreign.id, 99_999):
        with pytest.raises(NotFound):
            decisions.confirm_defect_type(
                plate_services, person, row.id, row_version=row.row_version, defect_type_id=unknown
            )
    assert view.suggestion is not None
    assert view.suggestion.defect_type is not None
    suggested = view.suggestion.defect_type.id
    for chosen in (suggested, None, view.defect_types[0].id):
        row = decisions.confirm_defect_type(
            plate_services, person, row.id, row_version=row.row_version, defect_type_id=chosen
        )
        assert row.final_defect_type_id == chosen
        assert row.confirmed_by == person.id
    assert row.suggested_defect_type_id == suggested


def test_an_action_is_closed_opened_again_and_never_needed_for_a_good_part(
    plate_services: Services, person: Person, inspect: Callable[..., InspectionView]
) -> None:
    row = inspect(SPOT).inspection
    with pytest.raises(BadInput):
        decisions.close_action(plate_services, person, row.id, row_version=row.row_version, status="none", note="")
    for status in ("done", "open", "done"):
        row = decisions.close_action(
            plate_services, person, row.id, row_version=row.row_version, status=status, note=" Cleaned "
        )
        assert (row.action_status, row.action_note, row.action_by) == (status, "Cleaned", person.id)
    good = inspect(GOOD).inspection
    with pytest.raises(Conflict) as refused:
        decisions.close_action(plate_services, person, good.id, row_version=good.row_version, status="done", note="")
    assert refused.value.code == "action_not_needed"


def test_samples_come_from_the_test_images_half_of_them_defects(
    plate_services: Services, plate_product: Product
) -> None:
    samples = pick_sample_images(plate_services, plate_product.id, n=4)
    assert [row.image_type for row in samples] == ["defect", "defect", "normal", "normal"]
    assert {row.split for row in samples} == {"test"}
    assert len({row.defect_type_id for row in samples[:2]}) == 2


def test_the_newest_inspections_come_first(plate_services: Services, inspect: Callable[..., InspectionView]) -> None:
    ids = [inspect(GOOD).inspection.id for _ in range(3)]
    assert [row.id for row in records.recent(plate_services, limit=2)] == ids[:0:-1]
