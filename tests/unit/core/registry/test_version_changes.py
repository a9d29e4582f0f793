"""What changed between two versions: by name, also of images that are gone since."""

from __future__ import annotations

import pytest
from sqlmodel import col, select

from core.access import Person
from core.accounts.people import open_person
from core.errors import Conflict, NotFound
from core.images import edits, uploads
from core.images.records import IncomingFile
from core.models.kinds import MEMORY_BANK, SIMILARITY_INDEX
from core.registry.comparison import compare_versions
from core.registry.versions import list_versions
from core.services import Services
from storage.tables import Image, ImagePreprocessing, ModelVersion, Product
from tests.plates import deploy, encode, plate

BANK = MEMORY_BANK


@pytest.fixture
def person(plate_services: Services) -> Person:
    return open_person(plate_services, "engineer")


def _second_version(services: Services, product: Product) -> tuple[ModelVersion, ModelVersion]:
    deploy(services, product.id, kinds=(BANK,))
    newer, older = list_versions(services, BANK, product.id)
    return older, newer


def _images(services: Services, image_type: str) -> list[Image]:
    with services.database.reading() as session:
        query = select(Image).where(Image.image_type == image_type, Image.split == "train").order_by(col(Image.id))
        return list(session.exec(query).all())


def test_images_are_named_whether_they_are_there_or_deleted(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    data = encode(plate(8800))
    (added,) = uploads.add_images(
        plate_services,
        person,
        product_id=plate_product.id,
        image_type="normal",
        files=[IncomingFile("new.png", lambda: data)],
    )
    deleted, *_rest = _images(plate_services, "normal")
    edits.delete_images(plate_services, person, [deleted.id])
    spot = _images(plate_services, "defect")[-1]
    scratch = _images(plate_services, "defect")[0]
    edits.relabel_images(
        plate_services,
        person,
        [spot.id],
        image_type="defect",
        defect_type_id=scratch.defect_type_id,
    )
    older, newer = _second_version(plate_services, plate_product)
    changes = compare_versions(plate_services, newer.id, older.id)
    assert (changes.older.number, changes.newer.number) == (1, 2)
    assert [(found.image_id, found.name) for found in changes.added] == [(added.image_id, added.stored_name)]
    assert changes.added[0].image is not None
    assert [(found.name, found.image) for found in changes.removed] == [(deleted.stored_name, None)]
    assert [found.image_id for found in changes.relabeled] == [spot.id]
    assert not changes.nothing_else


def test_the_same_build_twice_changed_nothing(plate_services: Services, plate_product: Product) -> None:
    older, newer = _second_version(plate_services, plate_product)
    changes = compare_versions(plate_services, older.id, newer.id)
    assert changes.nothing_else
    assert changes.same_test_images
    assert changes.thresholds is not None
    assert changes.thresholds[0].review_at == pytest.approx(changes.thresholds[1].review_at)
    auroc = next(figure for figure in changes.figures if figure.name == "image_auroc")
    assert auroc.before == auroc.after


def test_preprocessing_and_options_are_told_apart(plate_services: Services, plate_product: Product) -> None:
    with plate_services.database.unit_of_work() as session:
        session.add(ImagePreprocessing(product_id=plate_product.id, options={"grayscale": True}))
        session.commit()
    older, newer = _second_version(plate_services, plate_product)
    with plate_services.database.unit_of_work() as session:
        row = session.get(ModelVersion, newer.id)
        assert row is not None
        row.model_name, row.sources = "padim-resnet18", {**row.sources, "options": {"input_size_px": 320}}
        session.add(row)
        session.commit()
    changes = compare_versions(plate_services, older.id, newer.id)
    assert changes.preprocessing is not None
    assert [options.grayscale for options in changes.preprocessing] == [False, True]
    assert [(value.name, value.before, value.after) for value in changes.model] == [
        ("model", "patchcore-efficientnet_lite0", "padim-resnet18"),
        ("input_size_px", None, 320),
    ]


def test_what_cannot_be_compared_is_refused(plate_services: Services, plate_product: Product) -> None:
    (bank,) = list_versions(plate_services, BANK, plate_product.id)
    index = list_versions(plate_services, SIMILARITY_INDEX, plate_product.id)[0]
    for other in (bank.id, index.id):
        with pytest.raises(Conflict):
            compare_versions(plate_services, bank.id, other or 0)
    with pytest.raises(NotFound):
        compare_versions(plate_services, bank.id, 999_999)


def test_a_version_says_which_one_it_extends_and_by_how_much(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    data = encode(plate(8801))
    (_added,) = uploads.add_images(
        plate_services,
        person,
        product_id=plate_product.id,
        image_type="normal",
        files=[IncomingFile("new.png", lambda: data)],
    )
    first, second = _second_version(plate_services, plate_product)
    assert compare_versions(plate_services, first.id, second.id).extended_by == 1
    deploy(plate_services, plate_product.id, kinds=(BANK,))
    third = list_versions(plate_services, BANK, plate_product.id)[0]
    for other in (first, second):  # asked for once more, it was built whole
        assert compare_versions(plate_services, other.id, third.id).extended_by is None
