"""Validation images are a split of their own: counted, not learned from, and never of a part that training has."""

from __future__ import annotations

from core.access import Person
from core.analytics.image_counts import count_type_images
from core.catalog.products import list_products
from core.images.exposures.leaks import find_leaks, find_test_leaks, mend_leaks
from core.images.imports.planning import plan_import
from core.images.imports.storing import store_plan
from core.services import Services
from tests.import_sources import PHOTO, source_of


def test_a_part_in_training_and_validation_both_is_found_and_mended(services: Services, engineer: Person) -> None:
    listed = b"path,part\nnut/train/good/1.png,a\nnut/val/good/2.png,a\nnut/val/good/3.png,b\n"
    source = source_of(
        {"nut/train/good/1.png": PHOTO, "nut/val/good/2.png": PHOTO, "nut/val/good/3.png": PHOTO, "l.csv": listed}
    )
    assert {one.outcome for one in store_plan(services, engineer, source, plan_import(source))} == {"added"}
    (summary,) = list_products(services)
    assert (summary.n_normal_train, summary.n_normal_val, summary.n_normal) == (1, 2, 3)
    with services.database.reading() as session:
        (counted,) = count_type_images(session, summary.product.id)
    assert (counted.n_train, counted.n_val, counted.n_test, counted.n_all) == (1, 2, 0, 3)
    (leak,) = find_leaks(services, summary.product.id)
    assert (leak.part, len(leak.train), len(leak.val), leak.test) == ("a", 1, 1, ())
    assert find_test_leaks(services, summary.product.id) == [], "no test image measures what was learned"
    assert mend_leaks(services, engineer, summary.product.id, split="val") == 1
    assert find_leaks(services, summary.product.id) == []
