"""Where similar images show their defect: the mask, else the place of the index; cut out once, then from the cache."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage
from sqlmodel import col, select

from core.access import Person
from core.accounts.people import open_person
from core.errors import NotFound
from core.images.masks import set_mask
from core.images.records import IncomingFile
from core.images.training import trim_cache
from core.inspections import inspection
from core.services import Services
from core.similarity.cut_outs import draw_large, read_cut_outs
from core.similarity.places import Place, find_places
from inference.vision.images.decode import encode_png
from storage.objects import LocalObjects
from storage.tables import Image, Inspection, Product
from tests.plates import encode, plate


@pytest.fixture
def person(plate_services: Services) -> Person:
    return open_person(plate_services, "engineer")


def _image(services: Services, image_type: str = "defect") -> Image:
    with services.database.reading() as session:
        found = session.exec(
            select(Image).where(Image.image_type == image_type, Image.split == "train").order_by(col(Image.id))
        ).first()
    assert found is not None
    return found


def _cached(services: Services) -> list[Path]:
    return sorted((services.settings.cache_dir / "cut_outs").glob("*/*"))


def _mark(services: Services, person: Person, image: Image, x: int, y: int, w: int, h: int) -> None:
    mask = np.zeros((image.height_px, image.width_px), np.uint8)
    mask[y : y + h, x : x + w] = 255
    mask[0, 0] = 255  # a speck is no place
    set_mask(services, person, image.id, IncomingFile("mask.png", lambda: encode_png(mask)))


def test_an_image_shows_the_place_that_its_index_was_built_with(
    plate_services: Services, plate_product: Product
) -> None:
    image, normal = _image(plate_services), _image(plate_services, "normal")
    places = find_places(plate_services, [image.id, normal.id, 99_999])
    assert set(places) == {image.id, normal.id}
    place = places[image.id]
    assert (place.object_key, place.name, place.mask_key) == (image.object_key, image.stored_name, None)
    assert place.box is not None
    x, y, w, h = place.box
    assert 0 <= x < x + w <= image.width_px
    assert 0 <= y < y + h <= image.height_px
    assert not places[normal.id].is_known
    assert read_cut_outs(plate_services, [places[normal.id]]) == {}


def test_a_mask_goes_before_what_the_model_found(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    image = _image(plate_services)
    before = find_places(plate_services, [image.id])[image.id]
    _mark(plate_services, person, image, 4, 6, 9, 7)
    place = find_places(plate_services, [image.id])[image.id]
    assert place.mask_key is not None
    drawn = read_cut_outs(plate_services, [before, place])
    assert drawn[before] != drawn[place]
    marked = draw_large(plate_services, place)
    outlined = np.abs(marked.astype(int) - draw_large(plate_services, replace(before, box=None))).sum(axis=2) > 60
    rows, columns = np.nonzero(outlined)
    assert (rows.max(), columns.max()) == (12, 12)


def test_a_cut_out_is_drawn_once_and_an_entry_that_is_cut_short_is_drawn_again(
    plate_services: Services, plate_product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = find_places(plate_services, [_image(plate_services).id]).popitem()[1]
    first = read_cut_outs(plate_services, [place, place])[place]
    with PillowImage.open(io.BytesIO(first)) as picture:
        assert picture.size == (456, 224)
    (entry,) = _cached(plate_services)
    with monkeypatch.context() as away:
        away.setattr(LocalObjects, "get", lambda _store, key: pytest.fail(f"{key} was read again"))
        assert read_cut_outs(plate_services, [place]) == {place: first}
    entry.write_bytes(first[: len(first) // 2])
    assert read_cut_outs(plate_services, [place]) == {place: first}
    assert entry.read_bytes() == first
    assert trim_cache(plate_services, limit_bytes=0) >= 1
    assert _cached(plate_services) == []


def test_an_image_that_cannot_be_read_has_no_cut_out_and_a_full_disk_stops_none(
    plate_services: Services, plate_product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = find_places(plate_services, [_image(plate_services).id]).popitem()[1]
    gone = Place("images/none.png", "none.png", box=(0, 0, 4, 4))

    def full(_path: Path, _data: bytes) -> int:
        raise OSError(28, "no space left")

    monkeypatch.setattr(Path, "write_bytes", full)
    assert set(read_cut_outs(plate_services, [gone, place])) == {place}
    assert _cached(plate_services) == []
    with pytest.raises(NotFound):
        draw_large(plate_services, gone)


def test_a_part_that_is_in_no_index_shows_the_region_of_its_inspection(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    record = inspection.inspect(
        plate_services, person, product_id=plate_product.id, data=encode(plate(9_200, "spot")), file_name="p.png"
    ).record
    place = find_places(plate_services, [-record.id])[-record.id]
    region = record.regions[0]
    assert place.box == (region.x, region.y, region.w, region.h)
    with plate_services.database.unit_of_work() as session:
        row = session.get(Inspection, record.id)
        assert row is not None
        row.regions = [{"x": 1}]
        session.add(row)
        session.commit()
    assert not find_places(plate_services, [-record.id])[-record.id].is_known
