"""Telling which models are out of date: asked by every screen of images, so it must not cost a look at each image."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import event

from benchmarks.gallery_rows import fill_gallery
from core.deployments.start import list_stale
from core.services import Services
from storage.tables import Image
from tests.plates import IMAGE_KINDS


@pytest.fixture
def loaded() -> Iterator[list[int]]:
    """Yield the list of the images whose rows were read from now on."""
    numbers: list[int] = []

    def note(image: Image, _context: object) -> None:
        numbers.append(image.id)

    event.listen(Image, "load", note)
    yield numbers
    event.remove(Image, "load", note)


def test_no_row_of_an_image_is_read(services: Services, loaded: list[int]) -> None:
    product_id = fill_gallery(services, rows=200)["products"][0]

    assert list_stale(services, [product_id], kinds=IMAGE_KINDS) == {kind: [product_id] for kind in IMAGE_KINDS}
    assert loaded == []
