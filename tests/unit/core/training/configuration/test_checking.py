"""A configuration against what is here: what is missing is said before anything is started."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import select

from core.access import Person
from core.accounts.people import open_person
from core.datasets.freezing import create_dataset
from core.errors import AppError, BadInput, Conflict, NotAllowed, NotFound, NotReady
from core.images.edits import delete_images
from core.services import Services
from core.training.configuration.checking import CheckedConfiguration, check_configuration
from core.training.configuration.reading import read_configuration
from storage.tables import DatasetVersionImage
from tests.compared_methods import build_product


def _check(services: Services, person: Person, **values: Any) -> CheckedConfiguration:
    return check_configuration(services, person, read_configuration({"product": "spots", **values}))


def test_it_stands_on_the_newest_whole_version(services: Services, engineer: Person) -> None:
    product_id = build_product(services, engineer)
    assert _check(services, engineer).dataset is None
    create_dataset(services, engineer, product_id)
    found = _check(services, engineer)
    assert found.dataset is not None
    assert found.dataset.number == 1
    assert found.counts == {"good": 8, "scratch": 4, "spot": 4}
    assert [one.code for one in found.notices] == ["config_warns_few", "config_warns_small_test"]
    assert "scratch (4)" in found.notices[0].sentence("en")
    assert _check(services, engineer, data={"labels": ["good", "spot"]}).counts == {"good": 8, "spot": 4}


def test_classes_that_are_too_small_are_left_out_and_named(services: Services, engineer: Person) -> None:
    product_id = build_product(services, engineer)
    create_dataset(services, engineer, product_id)
    with services.database.unit_of_work() as session:
        rows = session.exec(select(DatasetVersionImage).where(DatasetVersionImage.label == "spot")).all()
        for row in rows[1:]:
            session.delete(row)
        session.commit()
    found = _check(services, engineer)
    assert set(found.counts) == {"good", "scratch"}
    assert "spot (1)" in found.notices[0].sentence("en")
    assert found.notices[0].code == "config_warns_left_out"


def test_a_task_on_marks_counts_the_marked(services: Services, engineer: Person) -> None:
    product_id = build_product(services, engineer)
    create_dataset(services, engineer, product_id)
    assert _check(services, engineer, task="segmentation").counts == {"scratch": 4, "spot": 4}
    with services.database.unit_of_work() as session:
        for row in session.exec(select(DatasetVersionImage).where(DatasetVersionImage.label == "spot")):
            row.mask_sha256 = ""
            session.add(row)
        session.commit()
    found = _check(services, engineer, task="detection")
    assert found.counts == {"scratch": 4}
    assert "4 of 8 defect images" in " ".join(one.sentence("en") for one in found.notices)
    with services.database.unit_of_work() as session:
        for row in session.exec(select(DatasetVersionImage)):
            row.mask_sha256 = ""
            session.add(row)
        session.commit()
    with pytest.raises(NotReady, match="drawn masks"):
        _check(services, engineer, task="segmentation")


MISSING: list[tuple[dict[str, Any], type[AppError], str]] = [
    ({"model": {"recipe": "prob"}}, BadInput, "config_recipe_unknown"),
    ({"task": "detection", "model": {"recipe": "probe"}}, BadInput, "config_recipe_of_other_task"),
    ({"model": {"recipe": "probe", "adapter": "yolo"}}, BadInput, "config_adapter_missing"),
    ({"model": {"recipe": "adapter"}}, BadInput, "config_adapter_missing"),
    ({"model": {"backbone": "efficientnet_lite9"}}, BadInput, "config_backbone_unknown"),
    ({"model": {"recipe": "full", "backbone": "../etc/passwd"}}, BadInput, "config_backbone_unknown"),
    ({"model": {"recipe": "full", "backbone": "tf_efficientnetv2_s"}}, NotReady, "backbone_weights_missing"),
    ({"model": {"backbone": "dinov2_vits14"}}, NotReady, "backbone_weights_missing"),
    ({"data": {"view": "top"}}, NotFound, "view_unknown"),
    ({"data": {"dataset": 7}}, NotFound, "dataset_unknown"),
    ({"data": {"labels": ["good", "dent"]}}, BadInput, "config_label_unknown"),
    ({"data": {"labels": ["good"]}}, NotReady, "config_one_class"),
    ({"data": {"least_images": 100}}, NotReady, "config_one_class"),
]


def test_what_is_missing_is_said(services: Services, engineer: Person) -> None:
    create_dataset(services, engineer, build_product(services, engineer))
    for values, kind, code in MISSING:
        with pytest.raises(kind) as caught:
            _check(services, engineer, **values)
        assert caught.value.code == code, values
        assert "{" not in str(caught.value) + caught.value.sentence("ko")
    # From random weights any architecture goes.
    model = {"recipe": "full", "backbone": "tf_efficientnetv2_s", "scratch": True}
    assert _check(services, engineer, model=model).counts


def test_views_versions_products_and_roles_are_checked(services: Services, engineer: Person) -> None:
    with pytest.raises(NotFound, match="nothing-here"):
        _check(services, engineer, product="nothing-here")
    product_id = build_product(services, engineer, views=("ct", "rgb"))
    create_dataset(services, engineer, product_id)
    with pytest.raises(NotAllowed):
        _check(services, open_person(services, "worker"))
    with pytest.raises(NotFound) as caught:
        _check(services, engineer)
    assert caught.value.code == "view_not_said"
    assert _check(services, engineer, data={"view": "CT"}).view == "ct"
    delete_images(services, engineer, [1])
    with pytest.raises(Conflict):
        _check(services, engineer, data={"view": "ct", "dataset": 1})
    assert _check(services, engineer, data={"view": "ct"}).dataset is None
