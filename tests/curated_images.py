"""Curated images as rows with small files, made without decoding anything: for tests of what is done to many."""

from __future__ import annotations

from typing import Any

from core.images.placement.keys import folder_of
from core.services import Services
from storage.tables import DefectType, Image, Product


def add_product(services: Services, *, code: str = "casting", types: tuple[str, ...] = ("hole", "burr")) -> int:
    """Add a product with these defect types; return its id."""
    with services.database.unit_of_work() as session:
        product = Product(code=code, name="Casting")
        session.add(product)
        session.flush()
        session.add_all(DefectType(product_id=product.id, code=name, name_ko=name) for name in types)
        number = product.id
        session.commit()
    return number


def add_image(services: Services, product_id: int, number: int, *, with_mask: bool = False, **values: Any) -> int:
    """Add one image with its objects, normal unless `defect_type_id` is given; return its id."""
    kind = values.get("defect_type_id")
    image_type = values.pop("image_type", "normal" if kind is None else "defect")
    folder = folder_of(image_type, product_id, kind)
    key = values.pop("object_key", f"{folder}/file{number}.png")
    row = Image(
        product_id=product_id,
        image_type=image_type,
        stored_name=values.pop("stored_name", f"casting_{'normal' if kind is None else kind}_{number:03d}.png"),
        original_name=values.pop("original_name", f"shot {number}.png"),
        object_key=key,
        thumbnail_key=f"thumbnails/{product_id}/file{number}.jpg",
        mask_key=f"{folder}/file{number}_mask.png" if with_mask else None,
        content_sha256=values.pop("content_sha256", f"{product_id}-{number}"),
        pixel_sha256=f"pixels {product_id}-{number}",
        byte_size=1,
        width_px=32,
        height_px=24,
        file_format="PNG",
        **values,
    )
    for object_key, data in ((row.object_key, b"file"), (row.thumbnail_key, b"small"), (row.mask_key, b"mask")):
        if object_key:
            services.objects.put(object_key, data + str(number).encode())
    with services.database.unit_of_work() as session:
        session.add(row)
        session.flush()
        found = row.id
        session.commit()
    return found


def type_ids(services: Services, product_id: int) -> dict[str, int]:
    """Return the ids of a product's defect types by code."""
    from sqlmodel import select

    with services.database.reading() as session:
        return {row.code: row.id for row in session.exec(select(DefectType).where(DefectType.product_id == product_id))}
