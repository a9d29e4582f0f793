"""A finished training run as a method: found by its number, and never measured on what it was shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from sqlmodel import select

from core.access import Person
from core.catalog.products import create_product, find_product
from core.comparisons.choices import MethodOffer, list_offers
from core.comparisons.opinion_choice import choose_second_opinion, find_chosen_opinion
from core.comparisons.orders import parse_order
from core.comparisons.overview import read_result, view_comparison
from core.comparisons.second_opinion import ask_second_opinion
from core.comparisons.starting import start_comparison
from core.datasets.freezing import create_dataset
from core.datasets.records import SplitRule
from core.errors import AppError, BadInput, Conflict, NotFound, NotReady
from core.methods.models import open_method
from core.methods.registry import find_method
from core.methods.trained_networks import list_finished_runs
from core.methods.training_sets import read_training_set
from core.services import Services
from storage.tables import Image, Product, TrainingRun
from tests.compared_methods import work_next
from tests.finished_runs import add_finished_run, find_dataset_ids
from tests.inspected_part import add_inspected_part


@pytest.fixture
def services(spots_services: Services) -> Services:
    return spots_services


@pytest.fixture
def product_id(services: Services) -> int:
    return find_product(services, "spots").id


@pytest.fixture
def run(services: Services) -> TrainingRun:
    return list_finished_runs(services)[0]


def _offer(services: Services, engineer: Person, dataset_id: int) -> MethodOffer:
    return next(one for one in list_offers(services, engineer, dataset_id) if one.spec.name == "trained_run")


def _order(run: int, **more: Any) -> str:
    return json.dumps(
        {"product": "spots", "methods": [{"method": "trained_run", "name": "probe", "options": {"run": run}}], **more}
    )


def test_a_run_is_asked_without_being_trained_again(services: Services, run: TrainingRun) -> None:
    training = read_training_set(services, run.dataset_version_id)
    method = open_method(services, training, "trained_run", {"run": run.id})
    for sample in training.of("val", "test"):
        (said,) = method.predict([sample.load()])
        assert max(said.class_probabilities, key=lambda label: said.class_probabilities[label]) == sample.label


@pytest.mark.full
def test_a_run_is_compared_as_every_method(services: Services, engineer: Person, run: TrainingRun) -> None:
    found = start_comparison(services, engineer, parse_order(_order(run.id)))
    assert work_next(services) is None
    result = read_result(services, view_comparison(services, found))
    (entry,) = result.entries
    assert (entry.n, entry.errors) == (8, 0)
    assert entry.figures["auroc"].value == 1.0
    assert entry.figures["macro_f1"].value == 1.0


def test_the_newest_fair_runs_are_offered_by_name(
    services: Services, engineer: Person, product_id: int, run: TrainingRun
) -> None:
    dataset = create_dataset(services, engineer, product_id)
    add_finished_run(services, engineer, product_id, name="unfinished", finished=False)
    second = add_finished_run(services, engineer, product_id, name="two")
    offer = _offer(services, engineer, dataset.id)
    assert offer.obstacle is None
    assert offer.choices == {"run": ((second.id, "two"), (run.id, run.name))}
    with services.database.unit_of_work() as session:
        for row in session.exec(select(TrainingRun)).all():
            row.object_prefix = ""
            session.add(row)
        session.commit()
    empty = _offer(services, engineer, dataset.id)
    assert empty.obstacle is not None
    assert empty.obstacle.code == "trained_run_none"


def _move(services: Services, product_id: int) -> None:
    """Make test images of what was learned from."""
    with services.database.unit_of_work() as session:
        for row in session.exec(select(Image).where(Image.product_id == product_id)).all():
            if row.split in {"train", "test"}:
                row.split = "test" if row.split == "train" and row.id % 2 else "train"
                session.add(row)
        session.commit()


def test_a_run_that_has_seen_test_images_is_refused(
    services: Services, engineer: Person, product_id: int, run: TrainingRun
) -> None:
    _move(services, product_id)
    other = create_dataset(services, engineer, product_id, rule=SplitRule(0.2, 0.2, 1))
    assert len(find_dataset_ids(services, product_id)) == 2
    with pytest.raises(Conflict) as refused:
        start_comparison(services, engineer, parse_order(_order(run.id, dataset=other.number)))
    assert refused.value.code == "trained_run_has_seen"
    assert refused.value.params["count"] > 0
    with pytest.raises(Conflict):
        open_method(services, read_training_set(services, other.id), "trained_run", {"run": run.id})
    offer = _offer(services, engineer, other.id)
    assert offer.obstacle is not None
    assert offer.obstacle.code == "trained_run_has_seen"
    # On the version that it was trained on it is as fair as every other method.
    assert start_comparison(services, engineer, parse_order(_order(run.id, dataset=1)))


def test_another_picture_of_a_part_that_was_learned_is_no_test(
    services: Services, engineer: Person, product_id: int, run: TrainingRun
) -> None:
    with services.database.unit_of_work() as session:
        rows = session.exec(select(Image).where(Image.product_id == product_id)).all()
        learned = next(row for row in rows if row.split == "train")
        tested = next(row for row in rows if row.split == "test")
        # Parts are told apart by name alone: these are now one, in two versions.
        learned.split, tested.part = "test", learned.part
        session.add(learned)
        session.add(tested)
        session.commit()
    other = create_dataset(services, engineer, product_id)
    with pytest.raises(Conflict) as refused:
        open_method(services, read_training_set(services, other.id), "trained_run", {"run": run.id})
    assert refused.value.params["count"] == 2


def test_a_run_of_another_product_is_refused(services: Services, engineer: Person, run: TrainingRun) -> None:
    training = read_training_set(services, run.dataset_version_id)
    other = create_product(services, engineer, name="다른 제품", code="others")
    elsewhere = add_finished_run(services, engineer, other.id, dataset_id=run.dataset_version_id)
    with pytest.raises(BadInput) as refused:
        open_method(services, training, "trained_run", {"run": elsewhere.id})
    assert refused.value.code == "trained_run_elsewhere"


@pytest.mark.parametrize("options", [{}, {"run": None}, {"run": "7"}, {"run": True}, {"run": 0}, {"run": 1.5}])
def test_a_run_has_to_be_named(options: Mapping[str, Any]) -> None:
    with pytest.raises(BadInput) as refused:
        find_method("trained_run").read_config(options)
    assert refused.value.code == "trained_run_not_named"


def test_other_options_are_refused() -> None:
    with pytest.raises(BadInput) as refused:
        find_method("trained_run").read_config({"run": 1, "seed": 2})
    assert refused.value.code == "method_option_unknown"


def test_a_run_that_is_not_there_or_not_done_is_said(services: Services, engineer: Person, product_id: int) -> None:
    run = add_finished_run(services, engineer, product_id, finished=False)
    training = read_training_set(services, run.dataset_version_id)
    kinds: list[tuple[int, type[AppError]]] = [(run.id, NotReady), (999, NotFound)]
    for number, kind in kinds:
        with pytest.raises(kind):
            open_method(services, training, "trained_run", {"run": number})


def test_it_gives_second_opinions(services: Services, engineer: Person, worker_person: Person, product_id: int) -> None:
    inspection_id = add_inspected_part(services, engineer)
    with services.database.unit_of_work() as session:
        plate = session.exec(select(Product).where(Product.id != product_id)).one()
        plate_id, row_version = plate.id, plate.row_version
    run = add_finished_run(
        services, engineer, plate_id, name="probe", dataset_id=_dataset(services, engineer, product_id)
    )
    choose_second_opinion(services, engineer, plate_id, f"run:{run.id}", row_version=row_version)
    chosen = find_chosen_opinion(services, plate_id)
    assert chosen is not None
    assert chosen.run is not None
    assert chosen.run.name == "probe"
    opinion = ask_second_opinion(services, worker_person, inspection_id, language="ko")
    assert opinion.problem is None
    assert opinion.method == "trained_run"
    assert opinion.prediction.model == "probe"
    assert opinion.prediction.verdict in {"ok", "reject"}
    with services.database.unit_of_work() as session:
        row = session.get_one(TrainingRun, run.id)
        row.object_prefix = ""
        session.add(row)
        session.commit()
    # A run that was deleted since is none any more.
    assert find_chosen_opinion(services, plate_id) is None
    with pytest.raises(NotReady):
        ask_second_opinion(services, worker_person, inspection_id, language="ko")


def _dataset(services: Services, engineer: Person, product_id: int) -> int:
    return create_dataset(services, engineer, product_id).id
