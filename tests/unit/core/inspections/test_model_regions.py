"""The model's regions of a curated image: outlines that mark what the map does, offered and never stored."""

from __future__ import annotations

import numpy as np
import pytest
from sqlmodel import func, select

from core.access import Person
from core.accounts.people import open_person
from core.images.regions.records import rasterize
from core.inspections.model_regions import offer_regions, outline_mask
from core.services import Services
from storage.tables import Image, ImageBox, Inspection


@pytest.fixture
def toy_engineer(toy_services: Services) -> Person:
    return open_person(toy_services, "engineer")


def _disc(side: int, radius: float, *, hole: float = 0.0) -> np.ndarray:
    rows, columns = np.mgrid[:side, :side]
    away = np.hypot(rows - side / 2 + 0.5, columns - side / 2 + 0.5)
    return np.asarray((away <= radius) & (away >= hole))


def test_an_outline_marks_what_its_mask_does() -> None:
    marked = _disc(60, 22)
    region = outline_mask(marked, left=30, top=10, width_px=120, height_px=90)
    assert region is not None
    assert region.shape == "polygon"
    drawn = rasterize([region], width_px=120, height_px=90)[10:70, 30:90]
    assert (drawn & marked).sum() / (drawn | marked).sum() > 0.95
    assert len(region.points) < 40


def test_a_ring_stays_a_mask_and_the_largest_part_is_taken() -> None:
    ring = _disc(40, 15, hole=8)
    ring[0:2, 0:2] = True
    region = outline_mask(ring, left=0, top=0, width_px=40, height_px=40)
    assert region is not None
    assert region.shape == "mask"
    drawn = rasterize([region], width_px=40, height_px=40)
    assert not drawn[20, 20]
    assert not drawn[0, 0]
    assert (drawn & ring).sum() == drawn.sum() == ring.sum() - 4


def test_one_pixel_is_a_mask_and_nothing_is_no_region() -> None:
    dot = np.zeros((5, 5), np.bool_)
    assert outline_mask(dot, left=0, top=0, width_px=9, height_px=9) is None
    dot[2, 3] = True
    region = outline_mask(dot, left=1, top=1, width_px=9, height_px=9)
    assert region is not None
    assert (region.x, region.y, region.width, region.height) == (4, 3, 1, 1)


def test_regions_of_the_model_in_use_are_offered_and_not_stored(toy_services: Services, toy_engineer: Person) -> None:
    with toy_services.database.reading() as session:
        images = session.exec(select(Image).where(Image.image_type == "defect")).all()
        before = session.exec(select(func.count()).select_from(Inspection)).one()
    offer = offer_regions(toy_services, toy_engineer, images[0].id)
    assert offer.score >= offer.review_at
    assert offer.regions
    for one in offer.regions:
        assert one.region.origin == "model"
        assert 0 <= one.region.x < images[0].width_px
        assert one.score >= offer.review_at
    with toy_services.database.reading() as session:
        assert session.exec(select(func.count()).select_from(Inspection)).one() == before
        assert session.exec(select(func.count()).select_from(ImageBox)).one() == 0


def test_a_good_plate_has_nothing_to_offer(toy_services: Services, toy_engineer: Person) -> None:
    with toy_services.database.reading() as session:
        image = session.exec(select(Image).where(Image.image_type == "normal")).first()
        assert image is not None
        number = image.id
    offer = offer_regions(toy_services, toy_engineer, number)
    assert offer.regions == ()
    assert offer.score < offer.review_at
