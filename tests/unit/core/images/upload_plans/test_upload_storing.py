"""A planned upload is stored as decided: labels, masks and defect types; what is refused is named."""

from __future__ import annotations

import pytest

from core.access import Person
from core.catalog.defect_types import create_defect_type, list_defect_types
from core.catalog.products import create_product, list_products
from core.errors import BadInput
from core.images.records import FileOutcome, IncomingFile
from core.images.upload_plans.plan import DEFECT, GOOD, Use, plan_upload
from core.images.upload_plans.storing import store_upload
from core.services import Services
from tests.plates import encode, mask, plate
from tests.zip_files import make_zip


def _incoming(name: str, data: bytes) -> IncomingFile:
    return IncomingFile(name, lambda: data)


def _store(services: Services, person: Person, product_id: int, *files: IncomingFile, claim: Use) -> list[FileOutcome]:
    return list(store_upload(services, person, product_id, files, plan_upload(files, claim=claim)))


def test_a_zip_with_good_and_defect_folders_is_stored_by_its_folders(services: Services, engineer: Person) -> None:
    product = create_product(services, engineer, name="브래킷")
    packed = make_zip(
        {
            "정상/1.png": encode(plate(1)),
            "정상/2.png": encode(plate(2)),
            "test/good/3.png": encode(plate(3)),
            "불량/긁힘/4.png": encode(plate(4, "scratch")),
            "불량/긁힘/4_mask.png": encode(mask(4, "scratch")),
            "불량/긁힘/note.txt": b"?",
        }
    )
    outcomes = _store(services, engineer, product.id, _incoming("set.zip", packed), claim=Use(GOOD))
    assert [(found.name, found.outcome) for found in outcomes if found.outcome != "added"] == [
        ("set.zip/불량/긁힘/note.txt", "refused")
    ]
    (summary,) = list_products(services)
    assert (summary.n_normal_train, summary.n_normal_test, summary.n_defect_train) == (2, 1, 1)
    assert [row.name_ko for row in list_defect_types(services, product.id)] == ["긁힘"]
    assert any("mask" in found.notes for found in outcomes)


def test_a_type_is_found_by_its_name_and_not_made_twice(services: Services, engineer: Person) -> None:
    product = create_product(services, engineer, name="Plate")
    create_defect_type(services, engineer, product_id=product.id, code="D7", name_ko="긁힘", name_en="Scratch")
    image = _incoming("a.png", encode(plate(1, "scratch")))
    _store(services, engineer, product.id, image, claim=Use(DEFECT, "scratch"))
    assert [row.code for row in list_defect_types(services, product.id)] == ["D7"]


def test_files_that_cannot_be_read_are_refused_and_the_others_go_on(services: Services, engineer: Person) -> None:
    product = create_product(services, engineer, name="Plate")
    files = [
        _incoming("empty.png", b""),
        _incoming("a.png", encode(plate(1))),
        _incoming("again.png", encode(plate(1))),
    ]
    outcomes = {found.name: found.outcome for found in _store(services, engineer, product.id, *files, claim=Use(GOOD))}
    assert outcomes == {"empty.png": "refused", "a.png": "added", "again.png": "duplicate"}


def test_a_mask_beside_a_good_image_is_named(services: Services, engineer: Person) -> None:
    product = create_product(services, engineer, name="Plate")
    files = [_incoming("a.png", encode(plate(1))), _incoming("a_mask.png", encode(mask(1, "spot")))]
    found = {one.name: one for one in _store(services, engineer, product.id, *files, claim=Use(GOOD))}
    error = found["a_mask.png"].error
    assert error is not None
    assert error.code == "mask_of_normal_image"
    assert found["a.png"].outcome == "added"


def test_defects_without_a_name_are_refused(services: Services, engineer: Person) -> None:
    product = create_product(services, engineer, name="Plate")
    (outcome,) = _store(services, engineer, product.id, _incoming("a.png", encode(plate(1))), claim=Use(DEFECT))
    assert outcome.error is not None
    assert outcome.error.code == "defect_name_missing"


def test_nothing_is_stored_while_a_folder_is_undecided(services: Services, engineer: Person) -> None:
    product = create_product(services, engineer, name="Plate")
    packed = make_zip({"a/1.png": encode(plate(1)), "b/2.png": encode(plate(2))})
    with pytest.raises(BadInput, match="Say what these folders hold"):
        _store(services, engineer, product.id, _incoming("set.zip", packed), claim=Use(GOOD))
    assert list_products(services)[0].n_normal_train == 0
