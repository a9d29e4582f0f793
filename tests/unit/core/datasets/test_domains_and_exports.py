"""Dataset versions by domain, their hash, their files, and what may be deleted while something stands on them."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest
from sqlmodel import func, select

from core.access import Person
from core.datasets.browsing import list_images
from core.datasets.deleting import count_uses, delete_dataset
from core.datasets.exporting import choose_images, make_manifest
from core.datasets.freezing import create_dataset, has_preprocessing_changed, hash_images
from core.datasets.reading import list_datasets, load_dataset, read_head
from core.datasets.records import FrozenImage, SplitRule
from core.datasets.wording import describe_warnings
from core.errors import BadInput, Conflict, NotAllowed, NotFound
from core.images.edits import delete_images, relabel_images
from core.images.exports.records import ExportChoice
from core.images.exports.selection import count_images, list_types, read_images
from core.images.trash.dataset_versions import list_versions_with
from core.methods.training_sets import read_training_set
from core.preprocessing.stored_options import parse_options, save_preprocessing
from core.services import Services
from inference.vision.images.preprocessing import Preprocessing
from storage.tables import DatasetVersionImage, Job, TrainingRun
from tests.curated_images import add_image, add_product, type_ids


@pytest.fixture
def product_id(services: Services) -> int:
    product = add_product(services)
    types = type_ids(services, product)
    for number in range(24):
        add_image(services, product, number, part=f"good {number}", domain="studio" if number < 16 else "field")
    for number in range(24, 40):
        add_image(
            services, product, number, part=f"bad {number}", defect_type_id=types["hole" if number % 2 else "burr"],
            domain="studio" if number < 32 else "",
        )  # fmt: skip
    return product


def _train_on(services: Services, product_id: int, dataset_id: int, state: str) -> None:
    with services.database.unit_of_work() as session:
        job = Job(kind="training", state=state)
        session.add(job)
        session.flush()
        session.add(
            TrainingRun(
                product_id=product_id,
                dataset_version_id=dataset_id,
                job_id=job.id,
                task="classification",
                recipe="probe",
                config_hash="0" * 64,
            )
        )
        session.commit()


def test_the_hash_of_a_version_of_before_is_still_that_of_the_same_images() -> None:
    # As release 0024 hashed it: no domain, no preprocessing.
    images = [
        FrozenImage(1, "aa", "normal", "good", "p1", "", "train"),
        FrozenImage(2, "bb", "defect", "hole", "p2", "top", "test", "mm"),
    ]
    before = "2c6c7bca076a008c9dcad3b03fcbf236e1ffb2d2458166cd30e2195ec142642f"
    assert hash_images(images) == hash_images(images, {"": {"grayscale": False}}) == before
    assert hash_images([replace(images[0], domain="line"), images[1]]) != before
    assert hash_images(images, {"": {"grayscale": True}}) != before


def test_each_split_has_every_domain_and_the_report_counts_them(
    services: Services, engineer: Person, product_id: int
) -> None:
    head = create_dataset(services, engineer, product_id)
    dataset = load_dataset(services, head.id)
    for split in ("train", "val", "test"):
        assert {image.domain for image in dataset.of(split)} == {"studio", "field", ""}
    assert head.report.count_domains() == {"studio": 24, "field": 8, "": 8}
    assert [(one.width_px, one.height_px, one.count) for one in head.report.sizes] == [(32, 24, 40)]


def test_only_the_domains_of_the_rule_are_taken_in(services: Services, engineer: Person, product_id: int) -> None:
    head = create_dataset(services, engineer, product_id, rule=SplitRule(domains=("field", "")))
    assert head.report.count_domains() == {"field": 8, "": 8}
    assert read_head(services, head.id).rule.domains == ("field", "")


def test_a_label_with_too_few_images_is_named(services: Services, engineer: Person, product_id: int) -> None:
    head = create_dataset(services, engineer, product_id, rule=SplitRule(least_images=10))
    assert head.report.few == ("burr", "hole")
    assert any("burr, hole" in text for text in describe_warnings(head.report, "en"))


def test_images_of_defects_alone_can_be_frozen(services: Services, engineer: Person) -> None:
    product = add_product(services, code="steel")
    types = type_ids(services, product)
    for number in range(20):
        add_image(services, product, 100 + number, defect_type_id=types["hole" if number % 2 else "burr"])
    head = create_dataset(services, engineer, product)
    assert head.report.good_labels == ()
    assert "dataset_warns_no_good" in head.report.warnings
    assert "dataset_warns_no_test" not in head.report.warnings


def test_preprocessing_belongs_to_the_version(services: Services, engineer: Person, product_id: int) -> None:
    first = create_dataset(services, engineer, product_id)
    assert not has_preprocessing_changed(services, first)
    options = parse_options({"grayscale": True})
    save_preprocessing(services, engineer, product_id, row_version=0, options=options)
    assert has_preprocessing_changed(services, first)
    second = create_dataset(services, engineer, product_id)
    assert (second.number, second.preprocessing[""]["grayscale"]) == (2, True)
    assert second.content_hash != first.content_hash
    assert first.preprocessing[""]["grayscale"] is False
    # What is learned from a version is read as it was when the version was frozen.
    assert read_training_set(services, first.id).preprocessing == Preprocessing()
    assert read_training_set(services, second.id).preprocessing == options


def test_the_manifest_has_every_row_with_its_hashes(services: Services, engineer: Person, product_id: int) -> None:
    head = create_dataset(services, engineer, product_id)
    found = json.loads(make_manifest(services, engineer, head.id, "json"))
    assert (found["product"], found["number"], found["hash"]) == ("casting", 1, head.content_hash)
    rebuilt = [
        FrozenImage(
            row["image_id"], row["sha256"], row["image_type"], row["label"], row["part"], row["view"], row["split"],
            row["mask_sha256"], row["domain"],
        )
        for row in found["images"]
    ]  # fmt: skip
    assert hash_images(rebuilt, found["preprocessing"]) == head.content_hash
    rows = list(csv.DictReader(io.StringIO(make_manifest(services, engineer, head.id, "csv").decode("utf-8-sig"))))
    assert [row["sha256"] for row in rows] == [row["sha256"] for row in found["images"]]


def test_a_part_that_a_spreadsheet_would_run_is_written_as_text(services: Services, engineer: Person) -> None:
    product = add_product(services, code="plate")
    add_image(services, product, 1, part="=1+1")
    head = create_dataset(services, engineer, product)
    assert b"'=1+1" in make_manifest(services, engineer, head.id, "csv")


def test_an_export_has_exactly_its_images_in_its_splits(services: Services, engineer: Person, product_id: int) -> None:
    head = create_dataset(services, engineer, product_id, rule=SplitRule(domains=("studio",)))
    choice = choose_images(services, engineer, head.id, ExportChoice("coco"))
    assert count_images(services, product_id, choice)[0] == 24
    types = list_types(services, product_id)
    written = {image.id: image.split for image in read_images(services, product_id, choice, types)}
    assert written == {one.image_id: one.split for one in load_dataset(services, head.id).images}
    only = choose_images(services, engineer, head.id, ExportChoice("coco", ("test",)))
    assert set(only.image_ids or ()) == {one.image_id for one in load_dataset(services, head.id).of("test")}
    with pytest.raises(BadInput):
        choose_images(services, engineer, head.id, ExportChoice("coco", ("moon",)))
    delete_images(services, engineer, [load_dataset(services, head.id).images[0].image_id])
    with pytest.raises(Conflict, match="broken"):
        choose_images(services, engineer, head.id, ExportChoice("coco"))


def test_its_images_are_listed_by_page_also_where_they_are_gone(
    services: Services, engineer: Person, product_id: int
) -> None:
    head = create_dataset(services, engineer, product_id)
    images = load_dataset(services, head.id).images
    delete_images(services, engineer, [images[0].image_id])
    shown, total = list_images(services, head.id, limit=5)
    assert total == 40
    assert [one.frozen for one in shown] == list(images[:5])
    assert [bool(one.stored_name) for one in shown] == [False, True, True, True, True]
    rest, _total = list_images(services, head.id, offset=38, limit=5)
    assert [one.frozen for one in rest] == list(images[38:])
    holes, n_holes = list_images(services, head.id, split="test", label="hole")
    assert n_holes == len(holes) == head.report.counts["test"]["hole"]
    with pytest.raises(BadInput, match="moon"):
        list_images(services, head.id, split="moon")


def test_an_image_is_not_deleted_while_a_training_learns_from_its_version(
    services: Services, engineer: Person, product_id: int
) -> None:
    head = create_dataset(services, engineer, product_id, rule=SplitRule(domains=("studio",)))
    inside = load_dataset(services, head.id).images[0].image_id
    outside = add_image(services, product_id, 500)
    _train_on(services, product_id, head.id, "running")
    assert [one.in_training for one in list_versions_with(services, [inside])] == [True]
    with pytest.raises(Conflict, match="learning from now"):
        delete_images(services, engineer, [outside, inside])
    assert delete_images(services, engineer, [outside]) == 1
    with services.database.unit_of_work() as session:
        job = session.get(Job, 1)
        assert job is not None
        job.state = "succeeded"
        session.commit()
    held = list_versions_with(services, [inside, outside])
    assert [(one.number, one.n_images, one.in_training) for one in held] == [(1, 1, False)]
    assert delete_images(services, engineer, [inside]) == 1
    assert read_head(services, head.id).broken_reason == "dataset_image_gone"
    assert list_versions_with(services, [inside]) == []


def test_a_version_is_deleted_only_where_nothing_stands_on_it(
    services: Services, engineer: Person, admin: Person, product_id: int
) -> None:
    head = create_dataset(services, engineer, product_id)
    other = create_dataset(services, engineer, product_id, rule=SplitRule(seed=3))
    with pytest.raises(NotAllowed):
        delete_dataset(services, engineer, head.id)
    _train_on(services, product_id, head.id, "failed")
    assert (count_uses(services, head.id), count_uses(services, other.id)) == (1, 0)
    with pytest.raises(Conflict, match="cannot be deleted"):
        delete_dataset(services, admin, head.id)
    delete_dataset(services, admin, other.id)
    assert [one.number for one in list_datasets(services, product_id)] == [1]
    with services.database.reading() as session:
        rows = session.exec(select(func.count()).where(DatasetVersionImage.dataset_version_id == other.id)).one()
    assert rows == 0
    with pytest.raises(NotFound):
        delete_dataset(services, admin, other.id)


def test_where_an_image_was_taken_can_be_said_later(services: Services, engineer: Person, product_id: int) -> None:
    head = create_dataset(services, engineer, product_id)
    ids = [one.image_id for one in load_dataset(services, head.id).images if not one.domain]
    assert relabel_images(services, engineer, ids, domain="line") == 8
    assert not read_head(services, head.id).broken_reason
    assert create_dataset(services, engineer, product_id).report.count_domains() == {
        "studio": 24,
        "field": 8,
        "line": 8,
    }
    with pytest.raises(BadInput, match="moon"):
        relabel_images(services, engineer, ids, domain="moon")
