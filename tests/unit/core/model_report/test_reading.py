"""The report of a memory bank, from what was stored when it was measured."""

from __future__ import annotations

import pytest
from sqlalchemy import delete
from sqlmodel import col, select

from core.access import Person
from core.errors import NotFound, NotReady
from core.model_report.reading import list_reports, read_report
from core.models.detection_figures import BankFigures
from core.models.kinds import MEMORY_BANK, SIMILARITY_INDEX
from core.registry.thresholds import save_thresholds
from core.registry.versions import list_versions
from core.services import Services
from core.transactions import reading, writing
from storage.tables import Image, ModelVersion, Product, TestMeasurement, TestScore
from tests.history_rows import add_product
from tests.scored_images import add_version, image, images, measure_as


@pytest.fixture
def product(services: Services, engineer: Person) -> Product:
    return add_product(services, engineer)


def _active(services: Services, product: Product) -> ModelVersion:
    return next(row for row in list_versions(services, MEMORY_BANK, product.id) if row.active_key is not None)


def test_a_build_leaves_a_report_of_its_test_images(plate_services: Services, plate_product: Product) -> None:
    version = _active(plate_services, plate_product)
    found = read_report(plate_services, version.id)
    with reading(plate_services) as session:
        test = session.exec(select(Image).where(Image.split == "test")).all()
    assert {one.image_id for one in found.images} == {row.id for row in test}
    assert found.n_defect == sum(row.image_type == "defect" for row in test)
    assert [one.score for one in found.images] == sorted(one.score for one in found.images)
    by_id = {row.id: row for row in test}
    for one in found.images:
        assert one.image_id is not None
        row = by_id[one.image_id]
        assert (one.name, one.thumbnail_key, one.object_key) == (row.stored_name, row.thumbnail_key, row.object_key)
        assert one.has_mask == (row.mask_key is not None)
        assert (one.pixel_auroc is not None) == one.has_mask
    assert found.freshness.is_current
    assert found.freshness.images_now == len(test)
    # The figures of the report are those of the build, counted anew from the scores.
    figures = BankFigures.from_json(version.metrics).detection
    assert figures is not None
    assert found.figures.pixel_auroc == figures.pixel_auroc
    assert found.auroc is not None
    assert found.auroc.value == pytest.approx(figures.image_auroc)
    assert figures.confusion is not None
    assert (found.confusion.good, found.confusion.defect) == (figures.confusion.normal, figures.confusion.defect)
    assert {one.code: one.n for one in found.types} == {code: one.n for code, one in figures.per_defect.items()}
    assert all(one.name is not None for one in found.types)
    assert found.in_force.method in {"percentile", "f1_max"}


def test_the_table_follows_the_thresholds_in_force(services: Services, engineer: Person, product: Product) -> None:
    version = _active(services, product)
    measure_as(services, version.id, images([5, 10, 22], [21, 30]))
    before = read_report(services, version.id)
    assert (before.confusion.good.review, before.confusion.escape.count) == (1, 0)
    assert before.thresholds[0].saved_by == ""
    save_thresholds(services, engineer, version.id, 21.5, 26.0, reason="too many looks", seen_id=before.in_force.id)
    after = read_report(services, version.id)
    assert (after.confusion.good.review, after.confusion.escape.count) == (1, 1)
    assert [one.reason for one in after.thresholds] == ["too many looks", ""]
    assert after.in_force.saved_by == engineer.display_name


def test_an_image_that_was_deleted_keeps_its_score(plate_services: Services, plate_product: Product) -> None:
    version = _active(plate_services, plate_product)
    before = read_report(plate_services, version.id)
    gone = before.images[0]
    with writing(plate_services) as session:
        session.execute(delete(Image).where(col(Image.id) == gone.image_id))
        session.commit()
    after = read_report(plate_services, version.id)
    assert (after.images[0].name, after.images[0].score) == (gone.name, gone.score)
    assert (after.images[0].image_id, after.images[0].object_key, after.images[0].thumbnail_key) == (None, "", "")
    assert not after.freshness.is_current
    assert after.freshness.images_now == len(before.images) - 1


def test_what_is_missing_for_a_report_is_said(services: Services, engineer: Person, product: Product) -> None:
    version = _active(services, product)
    with pytest.raises(NotReady) as caught:
        read_report(services, version.id)
    assert caught.value.code == "report_without_test_images"
    with pytest.raises(NotFound):
        read_report(services, 10_000)


def test_a_version_of_an_older_release_has_to_be_measured(plate_services: Services, plate_product: Product) -> None:
    version = _active(plate_services, plate_product)
    with writing(plate_services) as session:
        session.execute(delete(TestScore))
        session.execute(delete(TestMeasurement))
        session.commit()
    with pytest.raises(NotReady) as caught:
        read_report(plate_services, version.id)
    assert caught.value.code == "report_not_measured"
    assert str(version.number) in caught.value.sentence("en")


def test_an_index_has_no_such_report(plate_services: Services, plate_product: Product) -> None:
    with pytest.raises(NotFound):
        read_report(plate_services, list_versions(plate_services, SIMILARITY_INDEX, plate_product.id)[0].id)


@pytest.mark.parametrize(
    ("good", "defect", "warnings"),
    [
        (30, 12, ("no_masks",)),
        (30, 3, ("few_defects", "no_masks")),
        (5, 12, ("few_good", "no_masks")),
        (30, 0, ("no_defects",)),
        (0, 12, ("no_good", "no_masks")),
    ],
)
def test_few_images_are_warned_of(
    services: Services, product: Product, good: int, defect: int, warnings: tuple[str, ...]
) -> None:
    version = _active(services, product)
    measure_as(services, version.id, images(range(1, good + 1), range(10, defect + 10)))
    found = read_report(services, version.id)
    assert set(found.warnings) == set(warnings)
    assert (found.auroc is None) == (found.roc is None) == (not good or not defect)


def test_few_parts_with_many_images_are_few(services: Services, product: Product) -> None:
    version = _active(services, product)
    many = [image(30 + number, "scratch", part="one piece", number=number, has_mask=True) for number in range(15)]
    measure_as(services, version.id, images(range(1, 31), []) + many)
    assert read_report(services, version.id).warnings == ("few_defects",)


def test_the_version_in_use_is_listed_first_then_the_newest(services: Services, product: Product) -> None:
    first = _active(services, product)
    second, third = add_version(services, product), add_version(services, product)
    measure_as(services, second, images([1], [2]))
    found = list_reports(services, product.id)
    assert [one.head.version_id for one in found] == [first.id, third, second]
    assert [one.measured_at is not None for one in found] == [False, False, True]
    with pytest.raises(NotFound):
        list_reports(services, 10_000)


def test_a_new_measurement_takes_the_place_of_the_last(services: Services, product: Product) -> None:
    version = _active(services, product)
    measure_as(services, version.id, images([1, 2], [3]))
    measure_as(services, version.id, images([5], [6]))
    assert [one.score for one in read_report(services, version.id).images] == [5, 6]
    with reading(services) as session:
        assert len(session.exec(select(TestScore)).all()) == 2
        assert len(session.exec(select(TestMeasurement)).all()) == 1
