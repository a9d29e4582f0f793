"""Inspection with a memory bank and indexes that were really built: what the toys of the other tests cannot show."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from core.access import Person
from core.accounts.people import open_person
from core.inspections.images import load_images
from core.inspections.inspection import InspectionResult, inspect
from core.inspections.records import load_record
from core.services import Services
from storage.tables import Product
from tests.plates import encode, plate, seed_of
from tests.unit.core.inspections.conftest import GOOD, SCRATCH, SPOT


@pytest.fixture
def person(plate_services: Services) -> Person:
    return open_person(plate_services, "worker")


@pytest.fixture
def inspect_plate(
    plate_services: Services, plate_product: Product, person: Person
) -> Callable[[bytes], InspectionResult]:
    return lambda data: inspect(plate_services, person, product_id=plate_product.id, data=data, file_name="part.png")


def test_a_good_part_is_ok_and_a_defective_one_is_not(inspect_plate: Callable[[bytes], InspectionResult]) -> None:
    good, spot = inspect_plate(GOOD).record, inspect_plate(SPOT).record
    assert good.verdict == "ok"
    assert good.regions == ()
    assert good.suggestion is None
    assert good.decision.action_status == "none"
    assert spot.verdict == "reject"
    assert spot.decision.action_status == "open"
    assert spot.suggestion is not None
    assert spot.suggestion.defect_type is not None
    assert spot.suggestion.defect_type.code == "spot"
    assert 0 < spot.suggestion.confidence <= 1


def test_the_regions_lie_on_the_defect(inspect_plate: Callable[[bytes], InspectionResult]) -> None:
    seed = seed_of("test", "spot", 50)
    rows, columns = np.nonzero(np.any(plate(seed, "spot") != plate(seed), axis=2))
    region = max(inspect_plate(SPOT).record.regions, key=lambda found: found.score)
    assert region.x <= columns.mean() <= region.x + region.w
    assert region.y <= rows.mean() <= region.y + region.h


def test_what_is_loaded_later_is_what_was_shown(
    plate_services: Services, inspect_plate: Callable[[bytes], InspectionResult]
) -> None:
    shown = inspect_plate(SCRATCH)
    assert load_record(plate_services, shown.record.id) == shown.record
    loaded = load_images(plate_services, shown.record)
    np.testing.assert_array_equal(loaded.pixels, shown.images.pixels)
    span = float(np.ptp(shown.images.anomaly_map))
    np.testing.assert_allclose(loaded.anomaly_map, shown.images.anomaly_map, atol=span / 65_535)


def test_an_indexed_image_is_most_similar_to_itself(inspect_plate: Callable[[bytes], InspectionResult]) -> None:
    record = inspect_plate(encode(plate(seed_of("train", "spot", 0), "spot"))).record
    assert record.similar.defects[0].similarity > 0.999
    assert record.nearest_image_id is not None
