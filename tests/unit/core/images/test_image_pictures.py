"""Pictures of curated images: size, colors and the outline of the mask."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image as PillowImage

from core.access import Person
from core.catalog.defect_types import create_defect_type
from core.catalog.products import create_product
from core.images.library import get_image
from core.images.previews import LONGEST_SIDE_PX, draw_picture
from core.images.records import IncomingFile
from core.images.uploads import add_images
from core.services import Services


def _png(pixels: np.ndarray) -> bytes:
    data = io.BytesIO()
    PillowImage.fromarray(pixels).save(data, "PNG")
    return data.getvalue()


def test_large_image_is_made_small_and_its_mask_outlined(services: Services, engineer: Person) -> None:
    product = create_product(services, engineer, name="Casting", code="casting")
    hole = create_defect_type(services, engineer, product_id=product.id, code="hole", name_ko="기공")
    pixels = np.full((600, 2 * LONGEST_SIDE_PX, 3), (20, 40, 60), dtype=np.uint8)
    mask = np.zeros(pixels.shape[:2], dtype=np.uint8)
    mask[200:400, 400:800] = 255
    (outcome, _mask_outcome) = add_images(
        services,
        engineer,
        product_id=product.id,
        image_type="defect",
        defect_type_id=hole.id,
        files=[
            IncomingFile("x.png", lambda: _png(pixels)),
            IncomingFile("x_mask.png", lambda: _png(mask)),
        ],
    )
    image = get_image(services, outcome.image_id or 0)
    plain = draw_picture(services, image, with_mask=False)
    assert plain.shape == (300, LONGEST_SIDE_PX, 3)
    assert (plain == (20, 40, 60)).all()
    marked = (draw_picture(services, image, with_mask=True) != plain).any(axis=2)
    # The edge of the mask is drawn, its middle and its surroundings are not.
    assert marked[100, 200:400].all()
    assert not marked[150, 250:350].any()
    assert not marked[:, 420:].any()
