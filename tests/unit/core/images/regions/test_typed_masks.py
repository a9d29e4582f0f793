"""Which images show several types, and where each of them lies."""

from __future__ import annotations

from core.access import Person
from core.catalog import defect_types, products
from core.images.regions.records import Region
from core.images.regions.rows import find_mixed
from core.images.regions.typed_masks import draw_types
from core.services import Services
from storage.tables import Image, ImageBox


def test_only_images_of_several_types_have_their_regions_told_apart(services: Services, engineer: Person) -> None:
    product = products.create_product(services, engineer, name="Plate", code="plate")
    made = [
        defect_types.create_defect_type(services, engineer, product_id=product.id, code=code, name_ko=code)
        for code in ("scratch", "dent")
    ]
    first, second = (row.id for row in made)
    boxes = [(first, 0), (second, 5), (first, 8)]
    with services.database.unit_of_work() as session:
        images = [_image(product.id, first, number) for number in range(2)]
        session.add_all(images)
        session.flush()
        for type_id, x in boxes:
            session.add(
                ImageBox(image_id=images[0].id, defect_type_id=type_id, shape="box", x=x, y=1, width=2, height=2)
            )
        session.add(ImageBox(image_id=images[1].id, defect_type_id=first, shape="box", x=1, y=1, width=2, height=2))
        session.commit()
        ids = [image.id for image in images]
    with services.database.reading() as session:
        found = find_mixed(session, ids)
        image = session.get(Image, ids[0])
    assert list(found) == [ids[0]]
    assert image is not None
    masks = draw_types(found[ids[0]], image)
    assert set(masks) == {str(first), str(second)}
    assert sorted(set(masks[str(first)].nonzero()[1])) == [0, 1, 8, 9]
    assert sorted(set(masks[str(second)].nonzero()[1])) == [5, 6]


def test_a_region_without_a_type_lies_with_those_of_the_image() -> None:
    image = _image(1, 4, 1)
    masks = draw_types([Region.of_box(0, 0, 2, 2), Region.of_box(4, 0, 2, 2, defect_type_id=4)], image)
    assert {name: int(mask.sum()) for name, mask in masks.items()} == {"4": 8}


def _image(product_id: int, defect_type_id: int, number: int) -> Image:
    return Image(
        product_id=product_id,
        image_type="defect",
        defect_type_id=defect_type_id,
        stored_name=f"plate_scratch_{number:03d}.png",
        original_name="a.png",
        object_key=f"images/{number}.png",
        thumbnail_key=f"thumbnails/{number}.jpg",
        content_sha256=f"c{number}",
        pixel_sha256=f"p{number}",
        byte_size=1,
        width_px=10,
        height_px=6,
        file_format="PNG",
    )
