"""Regions of stored images: saved as drawn, with the mask as their union, and refused where they are wrong."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from core.access import Person
from core.catalog import defect_types, products
from core.errors import BadInput, Conflict, NotAllowed
from core.images import edits, library, masks, uploads
from core.images.records import IncomingFile
from core.images.regions.records import Region
from core.images.regions.saving import list_regions, save_regions
from core.services import Services
from inference.vision.images.decode import decode_mask
from inference.vision.images.encoding import encode_png
from storage.tables import DefectType, Image, Product
from tests.stored import stored_keys

WIDTH, HEIGHT = 32, 24

Add = Callable[..., Image]


@pytest.fixture
def product(services: Services, engineer: Person) -> Product:
    return products.create_product(services, engineer, name="Plate", code="plate")


@pytest.fixture
def scratch(services: Services, engineer: Person, product: Product) -> DefectType:
    return defect_types.create_defect_type(services, engineer, product_id=product.id, code="scratch", name_ko="긁힘")


@pytest.fixture
def dent(services: Services, engineer: Person, product: Product) -> DefectType:
    return defect_types.create_defect_type(services, engineer, product_id=product.id, code="dent", name_ko="찍힘")


@pytest.fixture
def add(services: Services, engineer: Person, product: Product) -> Add:
    def add_one(defect_type: DefectType | None = None, *, mask: np.ndarray | None = None, seed: int = 1) -> Image:
        pixels = np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        files = [IncomingFile(f"a{seed}.png", lambda: encode_png(pixels))]
        if mask is not None:
            files.append(IncomingFile(f"a{seed}_mask.png", lambda: encode_png(mask.astype(np.uint8) * np.uint8(255))))
        found = list(
            uploads.add_images(
                services,
                engineer,
                product_id=product.id,
                image_type="normal" if defect_type is None else "defect",
                defect_type_id=None if defect_type is None else defect_type.id,
                files=files,
            )
        )
        return library.get_image(services, found[0].image_id or 0)

    return add_one


def _mask_of(services: Services, image_id: int) -> np.ndarray:
    data = library.read_mask_png(services, library.get_image(services, image_id))
    assert data is not None
    return decode_mask(data)


def _spot() -> np.ndarray:
    spot = np.zeros((HEIGHT, WIDTH), np.bool_)
    spot[18:22, 3:6] = True
    spot[19, 4] = False
    return spot


def test_regions_of_several_types_come_back_as_they_were_saved(
    services: Services, engineer: Person, add: Add, scratch: DefectType, dent: DefectType
) -> None:
    image = add(scratch)
    drawn = (
        Region.of_box(2, 3, 4, 5, defect_type_id=scratch.id),
        Region.of_polygon([(20.5, 4), (30, 4), (30, 14.25)], defect_type_id=dent.id),
        Region.of_mask(_spot(), defect_type_id=dent.id, origin="model"),
    )
    saved = save_regions(services, engineer, image.id, drawn, row_version=image.row_version)
    assert saved.regions == list_regions(services, image.id).regions == drawn
    assert not saved.is_whole_mask
    marked = _mask_of(services, image.id)
    assert marked[3:8, 2:6].all()
    assert marked[5, 28]
    assert (marked[16:, :10] == _spot()[16:, :10]).all()


def test_an_image_counts_as_its_largest_region_unless_told_otherwise(
    services: Services, engineer: Person, add: Add, scratch: DefectType, dent: DefectType
) -> None:
    image = add(scratch)
    drawn = [Region.of_box(0, 0, 3, 3, defect_type_id=scratch.id), Region.of_box(5, 5, 9, 9, defect_type_id=dent.id)]
    saved = save_regions(services, engineer, image.id, drawn, row_version=image.row_version, own_type_id=scratch.id)
    assert saved.image.defect_type_id == scratch.id
    saved = save_regions(services, engineer, image.id, drawn, row_version=saved.image.row_version)
    assert saved.image.defect_type_id == dent.id
    assert saved.image.stored_name == "plate_dent_001.png"
    assert [region.defect_type_id for region in saved.regions] == [scratch.id, dent.id]


def test_a_region_without_a_type_shows_what_the_image_shows(
    services: Services, engineer: Person, add: Add, scratch: DefectType
) -> None:
    image = add(scratch)
    saved = save_regions(services, engineer, image.id, [Region.of_box(1, 1, 4, 4)], row_version=image.row_version)
    assert saved.regions[0].defect_type_id == scratch.id


def test_a_mask_alone_is_shown_as_one_region_of_the_images_type(
    services: Services, engineer: Person, add: Add, scratch: DefectType
) -> None:
    image = add(scratch, mask=_spot())
    found = list_regions(services, image.id)
    assert found.is_whole_mask
    assert found.regions == (Region.of_mask(_spot(), defect_type_id=scratch.id, origin="import"),)
    saved = save_regions(services, engineer, image.id, found.regions, row_version=image.row_version)
    assert not saved.is_whole_mask
    assert (_mask_of(services, image.id) == _spot()).all()


def test_saving_leaves_one_mask_object_and_none_without_regions(
    services: Services, engineer: Person, add: Add, scratch: DefectType
) -> None:
    image = add(scratch, mask=_spot())
    before = len(stored_keys(services))
    saved = save_regions(services, engineer, image.id, [Region.of_box(1, 1, 4, 4)], row_version=image.row_version)
    assert len(stored_keys(services)) == before
    saved = save_regions(services, engineer, image.id, [], row_version=saved.image.row_version)
    assert saved.image.mask_key is None
    assert saved.regions == ()
    assert len(stored_keys(services)) == before - 1


def test_a_stale_save_is_refused_and_leaves_nothing(
    services: Services, engineer: Person, add: Add, scratch: DefectType
) -> None:
    image = add(scratch)
    first = save_regions(services, engineer, image.id, [Region.of_box(1, 1, 4, 4)], row_version=image.row_version)
    keys = stored_keys(services)
    with pytest.raises(Conflict, match="since you saw it"):
        save_regions(services, engineer, image.id, [Region.of_box(9, 9, 4, 4)], row_version=image.row_version)
    assert list_regions(services, image.id).regions == first.regions
    assert stored_keys(services) == keys


def test_a_normal_image_becomes_a_defect_only_when_that_is_agreed_to(
    services: Services, engineer: Person, add: Add, scratch: DefectType
) -> None:
    image = add()
    drawn = [Region.of_box(1, 1, 4, 4, defect_type_id=scratch.id)]
    with pytest.raises(Conflict) as refused:
        save_regions(services, engineer, image.id, drawn, row_version=image.row_version)
    assert refused.value.code == "image_is_normal"
    saved = save_regions(services, engineer, image.id, drawn, row_version=image.row_version, make_defect=True)
    assert (saved.image.image_type, saved.image.defect_type_id) == ("defect", scratch.id)
    assert saved.image.stored_name == "plate_scratch_001.png"


@pytest.mark.parametrize(
    ("region", "code"),
    [
        (Region.of_box(28, 1, 5, 4), "region_outside"),
        (Region.of_box(-1, 1, 5, 4), "region_outside"),
        (Region.of_box(1, 1, 0.4, 4), "region_too_small"),
        (Region.of_polygon([(1, 1), (9, 1), (5, 1.0)]), "region_too_small"),
        (Region.of_polygon([(1, 1), (9, 9), (9, 1), (1, 6)]), "region_crosses_itself"),
        (Region.of_polygon([(1 + n % 30, 1 + n / 100) for n in range(501)]), "region_too_detailed"),
        (Region.of_box(float("nan"), 1, 4, 4), "region_unreadable"),
        (Region("mask", 0, 0, 4, 4, counts=(3, 4)), "region_unreadable"),
        (Region.of_box(1, 1, 4, 4, origin="ghost"), "region_unreadable"),
        (Region.of_box(1, 1, 4, 4, defect_type_id=9999), "region_type_wrong"),
    ],
)
def test_a_wrong_region_is_refused_by_its_number(
    services: Services, engineer: Person, add: Add, scratch: DefectType, region: Region, code: str
) -> None:
    image = add(scratch)
    keys = stored_keys(services)
    with pytest.raises(BadInput) as refused:
        save_regions(services, engineer, image.id, [Region.of_box(1, 1, 2, 2), region], row_version=image.row_version)
    assert refused.value.code == code
    assert refused.value.params["number"] == 2
    assert stored_keys(services) == keys


def test_a_type_of_another_product_and_a_kind_of_good_part_are_refused(
    services: Services, engineer: Person, add: Add, scratch: DefectType, product: Product
) -> None:
    image = add(scratch)
    other = products.create_product(services, engineer, name="Other", code="other")
    foreign = defect_types.create_defect_type(services, engineer, product_id=other.id, code="x", name_ko="다른")
    with services.database.unit_of_work() as session:
        kind = DefectType(product_id=product.id, code="cell", name_ko="셀", outcome="good")
        session.add(kind)
        session.commit()
        kind_id = kind.id
    for number in (foreign.id, kind_id):
        with pytest.raises(BadInput, match="needs a defect type"):
            save_regions(
                services,
                engineer,
                image.id,
                [Region.of_box(1, 1, 2, 2, defect_type_id=number)],
                row_version=image.row_version,
            )


def test_too_many_regions_are_refused(services: Services, engineer: Person, add: Add, scratch: DefectType) -> None:
    image = add(scratch)
    with pytest.raises(BadInput, match="more than 200"):
        save_regions(services, engineer, image.id, [Region.of_box(1, 1, 2, 2)] * 201, row_version=image.row_version)


def test_an_image_cannot_count_as_a_type_that_is_not_marked(
    services: Services, engineer: Person, add: Add, scratch: DefectType, dent: DefectType
) -> None:
    image = add(scratch)
    with pytest.raises(BadInput, match="one of its regions shows"):
        save_regions(
            services,
            engineer,
            image.id,
            [Region.of_box(1, 1, 2, 2, defect_type_id=scratch.id)],
            row_version=image.row_version,
            own_type_id=dent.id,
        )


def test_regions_follow_what_becomes_of_their_image(
    services: Services, engineer: Person, add: Add, scratch: DefectType, dent: DefectType
) -> None:
    image = add(scratch)
    drawn = [Region.of_box(0, 0, 9, 9, defect_type_id=scratch.id), Region.of_box(15, 9, 3, 3, defect_type_id=dent.id)]
    save_regions(services, engineer, image.id, drawn, row_version=image.row_version)
    bent = defect_types.create_defect_type(services, engineer, product_id=image.product_id, code="bent", name_ko="휨")
    edits.relabel_images(services, engineer, [image.id], image_type="defect", defect_type_id=bent.id)
    assert [region.defect_type_id for region in list_regions(services, image.id).regions] == [bent.id, dent.id]
    edits.relabel_images(services, engineer, [image.id], split="test")
    assert len(list_regions(services, image.id).regions) == 2
    edits.relabel_images(services, engineer, [image.id], image_type="normal")
    assert list_regions(services, image.id).regions == ()


def test_an_uploaded_mask_takes_the_place_of_regions(
    services: Services, engineer: Person, add: Add, scratch: DefectType
) -> None:
    image = add(scratch)
    save_regions(services, engineer, image.id, [Region.of_box(0, 0, 9, 9)], row_version=image.row_version)
    masks.set_mask(
        services,
        engineer,
        image.id,
        IncomingFile("m.png", lambda: encode_png(_spot().astype(np.uint8) * np.uint8(255))),
    )
    found = list_regions(services, image.id)
    assert found.is_whole_mask
    assert (_mask_of(services, image.id) == _spot()).all()
    masks.set_mask(services, engineer, image.id, None)
    assert list_regions(services, image.id).regions == ()


def test_deleting_an_image_takes_its_regions_along(
    services: Services, engineer: Person, add: Add, scratch: DefectType
) -> None:
    image = add(scratch)
    save_regions(services, engineer, image.id, [Region.of_box(0, 0, 9, 9)], row_version=image.row_version)
    assert edits.delete_images(services, engineer, [image.id]) == 1


def test_a_worker_draws_nothing(services: Services, worker_person: Person, add: Add, scratch: DefectType) -> None:
    image = add(scratch)
    with pytest.raises(NotAllowed):
        save_regions(services, worker_person, image.id, [], row_version=image.row_version)


def test_a_region_that_stays_keeps_who_marked_it(
    services: Services, engineer: Person, admin: Person, add: Add, scratch: DefectType
) -> None:
    from sqlmodel import select

    from storage.tables import ImageBox

    image = add(scratch)
    box = Region.of_box(0, 0, 9, 9)
    first = save_regions(services, engineer, image.id, [box], row_version=image.row_version)
    save_regions(services, admin, image.id, [box, Region.of_box(12, 12, 3, 3)], row_version=first.image.row_version)
    with services.database.reading() as session:
        rows = session.exec(select(ImageBox).order_by(ImageBox.id)).all()  # type: ignore[arg-type]
        assert [row.created_by for row in rows] == [engineer.id, admin.id]
