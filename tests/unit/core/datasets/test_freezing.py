"""Freezing images: whole parts in one split, the same again for the same images, broken when one of them changes."""

from __future__ import annotations

import pytest

from core.access import Person
from core.datasets.freezing import create_dataset
from core.datasets.reading import list_datasets, load_dataset, read_head, require_intact
from core.datasets.records import SplitRule
from core.errors import BadInput, Conflict, NotAllowed, NotFound
from core.images.edits import delete_images, relabel_images
from core.images.trash.restoring import restore_images
from core.services import Services
from storage.tables import TrashedImage
from tests.curated_images import add_image, add_product, type_ids


@pytest.fixture
def product_id(services: Services) -> int:
    product = add_product(services)
    types = type_ids(services, product)
    for number in range(20):
        add_image(services, product, number, part=f"good {number // 2}")
    for number in range(20, 32):
        add_image(
            services, product, number, part=f"bad {number // 2}",
            defect_type_id=types["hole" if number % 4 < 2 else "burr"], with_mask=number % 2 == 0,
        )  # fmt: skip
    return product


def test_a_part_is_in_one_split_and_each_split_has_every_label(
    services: Services, engineer: Person, product_id: int
) -> None:
    dataset = load_dataset(services, create_dataset(services, engineer, product_id, name=" first  try ").id)
    assert dataset.head.name == "first try"
    assert len(dataset.images) == 32
    splits: dict[str, set[str]] = {}
    for image in dataset.images:
        splits.setdefault(image.part, set()).add(image.split)
    assert all(len(own) == 1 for own in splits.values())
    for split in ("train", "val", "test"):
        assert {image.label for image in dataset.of(split)} == {"good", "hole", "burr"}
    report = dataset.head.report
    assert report.n_images == 32
    assert report.labels == ("good", "burr", "hole")
    assert report.unmarked == 6
    assert report.count("test", defect=True) == len([one for one in dataset.of("test") if one.is_defect])


def test_unchanged_images_give_the_version_that_there_is(services: Services, engineer: Person, product_id: int) -> None:
    first = create_dataset(services, engineer, product_id)
    assert create_dataset(services, engineer, product_id).id == first.id
    other = create_dataset(services, engineer, product_id, rule=SplitRule(seed=7))
    assert (other.number, other.content_hash != first.content_hash) == (2, True)
    assert [head.number for head in list_datasets(services, product_id)] == [2, 1]


def test_the_images_own_test_and_validation_splits_stay(services: Services, engineer: Person, product_id: int) -> None:
    kept = {}
    for number, split in ((100, "test"), (101, "test"), (102, "val")):
        kept[add_image(services, product_id, number, part=f"own {number}", split=split)] = split
    dataset = load_dataset(services, create_dataset(services, engineer, product_id).id)
    assert {one.image_id: one.split for one in dataset.of("val", "test")} == kept


def test_a_part_in_two_splits_is_kept_together_and_told(services: Services, engineer: Person, product_id: int) -> None:
    add_image(services, product_id, 200, part="twice", split="train")
    add_image(services, product_id, 201, part="twice", split="test")
    dataset = load_dataset(services, create_dataset(services, engineer, product_id).id)
    assert {one.split for one in dataset.images if one.part == "twice"} == {"test"}
    assert dataset.head.report.leaking_parts == ("twice",)
    assert "dataset_warns_leaks" in dataset.head.report.warnings


def test_a_version_is_broken_while_an_image_is_gone(services: Services, engineer: Person, product_id: int) -> None:
    head = create_dataset(services, engineer, product_id)
    image_id = load_dataset(services, head.id).images[0].image_id
    delete_images(services, engineer, [image_id])
    assert read_head(services, head.id).broken_reason == "dataset_image_gone"
    assert list_datasets(services, product_id)[0].broken_reason == "dataset_image_gone"
    with pytest.raises(Conflict, match="has been deleted"):
        require_intact(read_head(services, head.id))
    with services.database.reading() as session:
        trashed = session.get(TrashedImage, 1)
    assert trashed is not None
    restore_images(services, engineer, [trashed.id])
    require_intact(read_head(services, head.id))


def test_a_version_is_broken_by_another_label_and_not_by_another_split(
    services: Services, engineer: Person, product_id: int
) -> None:
    head = create_dataset(services, engineer, product_id)
    defect = next(one for one in load_dataset(services, head.id).images if one.label == "hole")
    relabel_images(services, engineer, [defect.image_id], split="test")
    assert not read_head(services, head.id).broken_reason
    relabel_images(
        services, engineer, [defect.image_id], image_type="defect",
        defect_type_id=type_ids(services, product_id)["burr"],
    )  # fmt: skip
    assert read_head(services, head.id).broken_reason == "dataset_image_relabeled"


def test_who_may_and_what_is_missing_is_said(
    services: Services, engineer: Person, worker_person: Person, product_id: int
) -> None:
    with pytest.raises(NotAllowed):
        create_dataset(services, worker_person, product_id)
    with pytest.raises(NotFound):
        load_dataset(services, 99)
    empty = add_product(services, code="empty")
    with pytest.raises(BadInput, match="no images yet"):
        create_dataset(services, engineer, empty)
    with pytest.raises(BadInput, match="taken there"):
        create_dataset(services, engineer, product_id, rule=SplitRule(domains=("field",)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"least_images": 0},
        {"domains": ("moon",)},
        {"val_share": 0.6},
        {"test_share": -0.1},
        {"val_share": float("nan")},
        {"seed": -1},
    ],
)
def test_a_rule_out_of_range_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        SplitRule(**wrong)  # type: ignore[arg-type]
