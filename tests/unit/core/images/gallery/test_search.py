"""Images are found by what they have in common, page by page, from indexes alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from core.images.gallery.filters import GalleryFilter
from core.images.gallery.search import (
    Asked,
    count_images,
    count_masks,
    count_regions,
    find_all,
    find_beside,
    find_page,
    has_images,
    load_choices,
    load_images,
    locate_image,
    read_row_versions,
)
from core.services import Services
from storage.tables import ImageBox
from tests.curated_images import add_image, add_product, type_ids
from tests.databases import sqlite_only

SEOUL = ZoneInfo("Asia/Seoul")


@pytest.fixture
def product_id(services: Services) -> int:
    """Return a product with six normal and three defect images that differ in everything that can be asked for."""
    product_id = add_product(services)
    kinds = type_ids(services, product_id)
    add_image(services, product_id, 1, split="train", quality="", origin="upload", part="A1")
    add_image(services, product_id, 2, split="val", quality="blurred", origin="api", part="A2", view="top")
    add_image(services, product_id, 3, split="test", quality="blurred,over_exposed", view="top", part="B1")
    add_image(services, product_id, 4, outlier_state="suspected", original_name="Left 100%_a.png")
    add_image(services, product_id, 5, outlier_state="kept", created_at=datetime(2026, 5, 1, 15, 30, tzinfo=UTC))
    add_image(services, product_id, 6, quality="unreadable", stored_name="casting_normal_600.png")
    add_image(services, product_id, 7, defect_type_id=kinds["hole"], with_mask=True)
    add_image(services, product_id, 8, defect_type_id=kinds["burr"])
    add_image(services, product_id, 9, defect_type_id=kinds["burr"], split="test", with_mask=True)
    add_image(services, add_product(services, code="other"), 1, stored_name="other_normal_001.png")
    return product_id


def _found(services: Services, product_id: int, wanted: GalleryFilter, image_type: str = "normal") -> list[int]:
    asked = Asked(product_id, image_type, wanted, SEOUL)
    found = count_images(services, asked)
    ids = find_all(services, asked, found, limit=100)
    assert found.total == len(ids)
    return ids


FILTERS: list[tuple[GalleryFilter, list[int]]] = [
    (GalleryFilter(), [6, 5, 4, 3, 2, 1]),
    (GalleryFilter(split="val"), [2]),
    (GalleryFilter(part="A"), [2, 1]),
    (GalleryFilter(part="a"), []),
    (GalleryFilter(view="top"), [3, 2]),
    (GalleryFilter(view="none", origin="upload"), [1]),
    (GalleryFilter(origin="api"), [2]),
    (GalleryFilter(origin="none", quality="fault"), [6, 3]),
    (GalleryFilter(quality="fine"), [1]),
    (GalleryFilter(quality="fault"), [6, 3, 2]),
    (GalleryFilter(quality="blurred"), [3, 2]),
    (GalleryFilter(quality="over_exposed"), [3]),
    (GalleryFilter(quality="unreadable"), [6]),
    (GalleryFilter(quality="unmeasured"), [5, 4]),
    (GalleryFilter(state="suspected"), [4]),
    (GalleryFilter(state="kept"), [5]),
    (GalleryFilter(name="100%_"), [4]),
    (GalleryFilter(name="_600"), [6]),
    (GalleryFilter(name="shot", split="test"), [3]),
    (GalleryFilter(first_day=date(2026, 5, 2), last_day=date(2026, 5, 2)), [5]),
    (GalleryFilter(first_day=date(2026, 5, 1), last_day=date(2026, 5, 1)), []),
    (GalleryFilter(last_day=date.max, state="kept"), [5]),
]


def test_every_filter_finds_its_images(services: Services, product_id: int) -> None:
    assert [(wanted, _found(services, product_id, wanted)) for wanted, _numbers in FILTERS] == FILTERS


def test_defects_are_found_by_several_types_and_by_mask(services: Services, product_id: int) -> None:
    kinds = type_ids(services, product_id)
    both = GalleryFilter(type=(kinds["hole"], kinds["burr"]))
    assert _found(services, product_id, both, "defect") == [9, 8, 7]
    assert _found(services, product_id, replace(both, mask="without"), "defect") == [8]
    assert _found(services, product_id, replace(both, mask="with", type=(kinds["hole"],)), "defect") == [7]
    assert count_masks(services, [7, 8, 9]) == 2


def test_a_page_stays_the_same_while_others_arrive(services: Services, product_id: int) -> None:
    asked = Asked(product_id, "normal", GalleryFilter())
    found = count_images(services, asked)
    assert (found.total, found.count_pages(4)) == (6, 2)
    add_image(services, product_id, 20)
    assert find_page(services, asked, found, 1, page_size=4) == [6, 5, 4, 3]
    assert find_page(services, asked, found, 2, page_size=4) == [2, 1]
    assert find_page(services, asked, found, 99, page_size=4) == [2, 1]
    assert find_page(services, asked, count_images(services, asked), 1, page_size=2)[1] == 6


def test_rows_come_in_the_order_asked_for_with_their_marks(services: Services, product_id: int) -> None:
    with services.database.unit_of_work() as session:
        session.add_all(ImageBox(image_id=7, shape="box", x=0, y=0, width=1, height=1) for _ in range(2))
        session.commit()
    assert [image.id for image in load_images(services, [9, 999, 7])] == [9, 7]
    assert count_regions(services, [7, 8]) == {7: 2}
    assert read_row_versions(services, [1, 2, 999]) == {1: 1, 2: 1}
    choices = load_choices(services, product_id, "normal")
    assert (choices.views, choices.origins) == (("top",), ("api", "upload"))
    assert has_images(services, product_id, "defect")
    assert not has_images(services, product_id + 99, "defect")


@sqlite_only
def test_no_row_of_the_table_is_read_to_filter(services: Services, product_id: int) -> None:
    # As SQLite plans it: a covering index is one that is answered from alone.
    query = (
        "EXPLAIN QUERY PLAN SELECT id FROM images INDEXED BY ix_images_gallery WHERE product_id = 1 AND "
        "image_type = 'normal' AND split = 'test' AND view = 'top' AND origin = '' AND quality <> '' AND "
        "part >= 'A' AND outlier_state = '' AND created_at > '2026' AND mask_key IS NULL AND "
        "defect_type_id IS NULL ORDER BY id DESC"
    )
    with services.database.reading() as session:
        plan = " ".join(str(row) for row in session.connection().execute(text(query)))
    assert "COVERING INDEX ix_images_gallery" in plan
    assert "TEMP B-TREE" not in plan


def test_the_way_leads_through_all_that_fits(services: Services, product_id: int) -> None:
    asked = Asked(product_id, "normal", GalleryFilter(quality="fault"))
    found = count_images(services, asked)
    add_image(services, product_id, 10, quality="blurred")  # came later: it is not among what was found
    assert [find_beside(services, asked, found, number, 1) for number in (6, 3, 2)] == [3, 2, None]
    assert [find_beside(services, asked, found, number, -1) for number in (6, 3, 2)] == [None, 6, 3]
    # From an image that does not fit any more, too.
    assert (find_beside(services, asked, found, 5, 1), find_beside(services, asked, found, 5, -1)) == (3, 6)
    assert locate_image(services, asked, found, 3) == (1, 3)
    by_name = Asked(product_id, "normal", GalleryFilter(name="shot"))
    assert find_beside(services, by_name, count_images(services, by_name), 3, 1) == 2
