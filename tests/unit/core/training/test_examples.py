"""From a dataset version to examples: labels, those left out, domains and weights, parts, marks and boxes."""

from __future__ import annotations

import numpy as np
import pytest
from sqlmodel import select

from core.access import Person
from core.catalog.products import find_product
from core.datasets.freezing import create_dataset
from core.errors import AppError
from core.services import Services
from core.training.configuration.records import DataSection
from core.training.examples import TrainingExamples, read_examples
from storage.tables import DatasetVersionImage, DefectType, Image, ImageBox


@pytest.fixture
def dataset(bench: Services, trainer: Person) -> int:
    return create_dataset(bench, trainer, find_product(bench, "spots").id).id


def _read(services: Services, dataset: int, task: str = "classification", **data: object) -> TrainingExamples:
    return read_examples(services, dataset, DataSection(**data), task=task)  # type: ignore[arg-type]


def _set_domains(services: Services, dataset: int) -> None:
    """Let every second image of the version be from the studio, the others from the line."""
    with services.database.unit_of_work() as session:
        query = select(DatasetVersionImage).where(DatasetVersionImage.dataset_version_id == dataset)
        for row in session.exec(query).all():
            row.domain = "studio" if row.image_id % 2 else "line"
            session.add(row)
        session.commit()


def test_examples_have_the_labels_in_stable_order_and_keep_their_parts(bench: Services, dataset: int) -> None:
    found = _read(bench, dataset)
    assert found.examples.labels == ("good", "scratch", "spot")
    assert found.examples.good_labels == {"good"}
    assert found.examples.defect_labels == ("scratch", "spot")
    assert found.count() == {"train": 16, "val": 8, "test": 8}
    assert found.chosen.left_out == ()
    one = found.examples.of("train")[0]
    assert one.part.startswith("part ")
    assert one.load().shape == (40, 48, 3)
    assert one.weight == 1.0
    by_part: dict[str, set[str]] = {}
    for example in found.examples.examples:
        by_part.setdefault(example.part, set()).add(example.split)
    assert all(len(splits) == 1 for splits in by_part.values())


def test_labels_that_are_not_asked_for_or_too_few_are_left_out_and_named(bench: Services, dataset: int) -> None:
    found = _read(bench, dataset, labels=("good", "spot"))
    assert found.examples.labels == ("good", "spot")
    assert [(one.label, one.images, one.reason) for one in found.chosen.left_out] == [
        ("scratch", 4, "run_label_not_asked")
    ]
    assert {one.label for one in found.examples.examples} == {"good", "spot"}
    with pytest.raises(AppError) as few:
        _read(bench, dataset, least_images=5)
    assert few.value.code == "config_one_class"
    by_place = _read(bench, dataset, "segmentation", labels=("spot",), least_images=4)
    assert by_place.examples.labels == ("good", "spot")
    assert by_place.examples.defect_labels == ("spot",)


def test_domains_weigh_training_images_alone(bench: Services, dataset: int) -> None:
    _set_domains(bench, dataset)
    found = _read(bench, dataset, domains={"line": 3.0, "field": 2.0})
    weights = {(one.domain, one.split, one.weight) for one in found.examples.examples}
    assert weights == {
        ("studio", "train", 1.0), ("studio", "val", 1.0), ("studio", "test", 1.0),
        ("line", "train", 3.0), ("line", "val", 1.0), ("line", "test", 1.0),
    }  # fmt: skip
    assert found.chosen.absent_domains == ("field",)
    without = _read(bench, dataset, domains={"line": 0.0})
    assert {one.domain for one in without.examples.of("train")} == {"studio"}
    assert {one.domain for one in without.examples.of("val", "test")} == {"studio", "line"}


def test_a_domain_that_is_left_out_counts_for_the_least_number_of_images(bench: Services, dataset: int) -> None:
    _set_domains(bench, dataset)
    with pytest.raises(AppError) as few:
        _read(bench, dataset, domains={"line": 0.0}, least_images=4)
    assert few.value.code == "config_one_class"


def test_marks_are_those_of_the_labels_and_good_images_have_none(bench: Services, dataset: int) -> None:
    found = _read(bench, dataset, "segmentation")
    for example in found.examples.of("train"):
        marks = example.load_marks()
        if not example.is_defect:
            assert marks == {}
            assert example.load_boxes() == ()
        else:
            assert list(marks) == [example.label]
            assert marks[example.label].sum() == 120
    assert found.examples.modality == "rgb"


def test_boxes_are_those_that_were_drawn_else_those_of_the_mask(bench: Services, dataset: int) -> None:
    found = _read(bench, dataset, "detection")
    spot = next(one for one in found.examples.of("train") if one.label == "spot")
    box = spot.load_boxes()[0]
    rows, columns = np.nonzero(spot.load_marks()["spot"])
    assert (box.x, box.y, box.width, box.height, box.label) == (columns.min(), rows.min(), 12.0, 10.0, "spot")
    image_id = int(spot.key.removeprefix("image:"))
    with bench.database.unit_of_work() as session:
        scratch = session.exec(select(DefectType).where(DefectType.code == "scratch")).one()
        image = session.get_one(Image, image_id)
        for type_id, x in ((scratch.id, 1.0), (image.defect_type_id, 20.5)):
            session.add(
                ImageBox(image_id=image_id, defect_type_id=type_id, shape="box", x=x, y=2.0, width=5.0, height=6.0)
            )
        session.commit()
    again = {one.key: one for one in _read(bench, dataset, "detection").examples.examples}[spot.key]
    assert [(one.x, one.width, one.label) for one in again.load_boxes()] == [(1.0, 5.0, "scratch"), (20.5, 5.0, "spot")]
    only = {one.key: one for one in _read(bench, dataset, "detection", labels=("spot",)).examples.examples}[spot.key]
    assert [one.label for one in only.load_boxes()] == ["spot"]
    assert list(only.load_marks()) == ["spot"]


def test_places_cannot_be_learned_without_marks_or_defects(bench: Services, dataset: int) -> None:
    with pytest.raises(AppError) as without:
        _read(bench, dataset, "detection", labels=("good",))
    assert without.value.code == "config_without_marks"
    with bench.database.unit_of_work() as session:
        for row in session.exec(select(DatasetVersionImage)).all():
            row.mask_sha256 = ""
            session.add(row)
        session.commit()
    with pytest.raises(AppError) as unmarked:
        _read(bench, dataset, "segmentation")
    assert unmarked.value.code == "config_without_marks"


@pytest.mark.parametrize(("split", "code"), [("train", "config_one_class"), ("val", "config_without_val")])
def test_a_version_without_a_split_is_refused(bench: Services, dataset: int, split: str, code: str) -> None:
    with bench.database.unit_of_work() as session:
        for row in session.exec(select(DatasetVersionImage)).all():
            row.split = "test" if row.split == split else row.split
            session.add(row)
        session.commit()
    with pytest.raises(AppError) as refused:
        _read(bench, dataset)
    assert refused.value.code == code
