"""What may be given for an inspection, and a look at it before."""

from __future__ import annotations

import io

import pytest
from PIL import Image as PillowImage
from sqlmodel import select

from core.errors import BadInput
from core.inspections.line.accepting import MOST_BYTES, PREVIEW_PX, check_file_size, preview
from core.services import Services
from inference.vision.images.decode import MAX_BYTES
from storage.tables import Inspection, Product
from tests.plates import encode, plate


def test_the_limit_is_the_decoders_own() -> None:
    assert MOST_BYTES == MAX_BYTES
    check_file_size("part.png", MOST_BYTES)


def test_a_file_that_is_too_large_is_refused_by_name_with_size_limit_and_remedy() -> None:
    with pytest.raises(BadInput) as refused:
        check_file_size("부품.png", 55_000_000)
    assert str(refused.value) == ("부품.png has 55.0 MB; an image may have 50 MB at most. Save it smaller, or as JPG.")
    assert "부품.png의 크기는 55.0 MB" in refused.value.sentence("ko")


def test_the_look_before_is_a_small_picture_and_stores_nothing(toy_services: Services, product: Product) -> None:
    data = encode(plate(1, width_px=1500, height_px=900))
    seen = PillowImage.open(io.BytesIO(preview(toy_services, product.id, data, file_name="part.png")))
    assert (seen.format, max(seen.size)) == ("JPEG", PREVIEW_PX)
    with toy_services.database.reading() as session:
        assert session.exec(select(Inspection)).first() is None
    with pytest.raises(BadInput) as refused:
        preview(toy_services, product.id, b"not an image", file_name="note.png")
    assert "note.png" in str(refused.value)
