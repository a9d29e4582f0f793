"""What is set per product: saved under a row version, compared with the active bank, previewed by the one chain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sqlmodel import select

from core.access import Person
from core.catalog.products import create_product, set_product_active
from core.errors import BadInput, Conflict, NotAllowed, NotFound
from core.images.library import list_images
from core.images.records import IncomingFile
from core.images.uploads import add_images
from core.preprocessing.stored_options import (
    PREVIEW_SIDE_PX,
    get_preprocessing,
    list_preprocessing,
    parse_options,
    preview,
    save_preprocessing,
)
from core.registry.fingerprints import fingerprints
from core.services import Services
from core.transactions import reading
from inference.vision.images.decode import decode
from inference.vision.images.preprocessing import Preprocessing
from storage.tables import AuditLog, ImagePreprocessing, Product
from tests.plates import deploy, encode, plate

CLAHE = Preprocessing(clahe=True, clahe_clip_limit=3.0)


@pytest.fixture
def product(services: Services, engineer: Person) -> Product:
    return create_product(services, engineer, name="Plate", code="plate")


def test_nothing_is_set_at_first(services: Services, product: Product) -> None:
    found = get_preprocessing(services, product.id)
    assert (found.options, found.row_version, found.state) == (Preprocessing(), 0, "no_model")


def test_saved_options_come_back_with_their_author(services: Services, engineer: Person, product: Product) -> None:
    save_preprocessing(services, engineer, product.id, row_version=0, options=CLAHE)
    found = get_preprocessing(services, product.id)
    assert found.options == CLAHE
    assert found.row_version == 1
    assert found.updated_by == engineer.display_name
    assert [row.product.code for row in list_preprocessing(services)] == ["plate"]


def test_save_is_audited_with_what_changed(services: Services, engineer: Person, product: Product) -> None:
    save_preprocessing(services, engineer, product.id, row_version=0, options=CLAHE)
    with reading(services) as session:
        row = session.exec(select(AuditLog).where(AuditLog.action == "preprocessing.changed")).one()
    assert row.details["changes"] == {"clahe": [False, True], "clahe_clip_limit": [2.0, 3.0]}
    assert row.details["product_id"] == product.id


@pytest.mark.parametrize("first", [0, 1])
def test_stale_save_is_refused_and_names_who_was_faster(
    services: Services, engineer: Person, admin: Person, product: Product, first: int
) -> None:
    product_id = product.id
    if first:
        save_preprocessing(services, engineer, product_id, row_version=0, options=Preprocessing(grayscale=True))
    save_preprocessing(services, admin, product_id, row_version=first, options=CLAHE)
    with pytest.raises(Conflict) as caught:
        save_preprocessing(services, engineer, product_id, row_version=first, options=Preprocessing(equalize=True))
    assert caught.value.code == "preprocessing_changed"
    assert admin.display_name in caught.value.sentence("en")
    assert "관리자" in caught.value.sentence("ko")
    assert get_preprocessing(services, product_id).options == CLAHE


def test_line_worker_cannot_save(services: Services, worker_person: Person, product: Product) -> None:
    with pytest.raises(NotAllowed):
        save_preprocessing(services, worker_person, product.id, row_version=0, options=CLAHE)


def test_unknown_product_and_inactive_product(services: Services, engineer: Person, product: Product) -> None:
    with pytest.raises(NotFound):
        get_preprocessing(services, 999)
    with pytest.raises(NotFound):
        save_preprocessing(services, engineer, 999, row_version=0, options=CLAHE)
    set_product_active(services, engineer, product.id, False)
    assert list_preprocessing(services) == []


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"clahe_clip_limit": 0}, "preprocessing_invalid"),
        ({"sharpen": True}, "preprocessing_unknown"),
        ({"region_of_interest": [0.2, 0.2, 0.0, 0.5]}, "preprocessing_no_area"),
        ({"ignore": [[0.2, 0.2, 0.1, 0.0]]}, "preprocessing_no_area"),
        ({"region_of_interest": [0.2, 0.2, 0.5, 0.5], "ignore": [[0, 0, 1, 1]]}, "preprocessing_nothing_left"),
        ({"ignore": [[0.01 * n, 0, 0.01, 0.1] for n in range(21)]}, "preprocessing_too_many_areas"),
    ],
)
def test_values_that_cannot_be_are_refused_with_their_reason(values: dict[str, object], code: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_options(values)
    assert caught.value.code == code


def test_values_without_an_effect_make_no_difference() -> None:
    assert parse_options({"clahe_clip_limit": 9.0, "clahe_tile_grid": 4, "smoothing_size_px": 7}) == Preprocessing()
    assert parse_options({"region_of_interest": [0.0, 0.0, 1.0, 1.0]}) == Preprocessing()


def test_change_waits_until_it_is_deployed_and_a_reset_needs_no_deployment(
    plate_services: Services, plate_product: Product
) -> None:
    from core.accounts.people import open_person

    person, product_id = open_person(plate_services, "engineer"), plate_product.id
    key = ("memory_bank", product_id, "")
    assert get_preprocessing(plate_services, product_id).state == "deployed"
    with reading(plate_services) as session:
        untouched = fingerprints(session, [product_id])[key]

    saved = save_preprocessing(plate_services, person, product_id, row_version=0, options=CLAHE)
    assert (saved.state, saved.deployed) == ("waiting", Preprocessing())
    with reading(plate_services) as session:
        assert fingerprints(session, [product_id])[key] != untouched

    reset = save_preprocessing(plate_services, person, product_id, row_version=1, options=Preprocessing())
    assert (reset.state, reset.row_version) == ("deployed", 2)
    with reading(plate_services) as session:
        assert fingerprints(session, [product_id])[key] == untouched

    save_preprocessing(plate_services, person, product_id, row_version=2, options=CLAHE)
    deploy(plate_services, product_id, kinds=("memory_bank",))
    found = get_preprocessing(plate_services, product_id)
    assert (found.state, found.deployed) == ("deployed", CLAHE)


def test_options_of_a_newer_version_do_not_break_the_screen(
    services: Services, engineer: Person, product: Product
) -> None:
    with services.database.unit_of_work() as session:
        session.add(ImagePreprocessing(product_id=product.id, options={"sharpen": 3}))
        session.commit()
    found = get_preprocessing(services, product.id)
    assert found.options == Preprocessing()
    save_preprocessing(services, engineer, product.id, row_version=found.row_version, options=CLAHE)
    assert get_preprocessing(services, product.id).options == CLAHE


def _ingest(services: Services, person: Person, product: Product, content: bytes) -> int:
    outcomes = list(
        add_images(
            services,
            person,
            product_id=product.id,
            image_type="normal",
            files=[IncomingFile("a.png", lambda: content)],
        )
    )
    assert outcomes[0].outcome == "added"
    return list_images(services, product.id).rows[0].id


def test_preview_shows_what_the_chain_gives(services: Services, engineer: Person, product: Product) -> None:
    content = encode(plate(3))
    image_id = _ingest(services, engineer, product, content)
    found = preview(services, image_id, CLAHE)
    pixels = decode(content).pixels
    assert np.array_equal(found.before, pixels)
    assert np.array_equal(found.after, CLAHE.apply(pixels))


def test_preview_grays_out_what_does_not_count(services: Services, engineer: Person, product: Product) -> None:
    image_id = _ingest(services, engineer, product, encode(plate(3)))
    options = replace(Preprocessing(), region_of_interest=(0.0, 0.0, 0.5, 1.0), ignore=((0.0, 0.0, 0.25, 0.5),))
    after = preview(services, image_id, options).after
    height, width = after.shape[:2]
    assert np.ptp(after[:, width // 2 :]) == 0
    assert np.ptp(after[: height // 2, : width // 4]) == 0
    assert np.ptp(after[height // 2 :, : width // 4]) > 0


def test_preview_of_a_large_image_is_small(services: Services, engineer: Person, product: Product) -> None:
    image_id = _ingest(services, engineer, product, encode(plate(3, width_px=2000, height_px=500)))
    found = preview(services, image_id, CLAHE)
    assert found.before.shape == found.after.shape == (PREVIEW_SIDE_PX // 4, PREVIEW_SIDE_PX, 3)
    assert (found.width_px, found.height_px) == (2000, 500)
