"""The first experiment: queued once, and its first model put into use by itself where nothing speaks against it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from core.access import Person
from core.models.kinds import TRAINED_MODEL
from core.registry.versions import active_version
from core.services import Services
from core.training.first_runs import SIZES_PX, first_configurations, put_first_run_into_use, start_first_runs
from core.training.runs.overview import list_runs, read_run
from tests.compared_methods import build_product
from tests.trained_runs import tiny_configuration, tiny_recipe, work_next


@pytest.fixture(autouse=True)
def _recipe() -> Iterator[None]:
    with tiny_recipe():
        yield


def _begin(services: Services, engineer: Person, *options: Mapping[str, Any]) -> tuple[int, list[int]]:
    product_id = build_product(services, engineer)
    wanted = [tiny_configuration(seed=seed, options=one) for seed, one in enumerate(options)]
    found = start_first_runs(services, engineer, product_id, wanted)
    for _ in found:
        assert work_next(services) is None
    return product_id, [read_run(services, engineer, run).head.job_id or 0 for run in found]


def _in_use(services: Services, product_id: int) -> int | None:
    with services.database.reading() as session:
        version = active_version(session, TRAINED_MODEL, product_id, "", "")
    return None if version is None else version.sources["run_id"]


def test_the_first_model_goes_into_use_and_no_other(services: Services, engineer: Person) -> None:
    product_id, jobs = _begin(services, engineer, {}, {})
    assert not put_first_run_into_use(services, jobs[1])
    assert _in_use(services, product_id) is None
    assert put_first_run_into_use(services, jobs[0])
    assert _in_use(services, product_id) == list_runs(services, engineer)[-1].id
    assert not put_first_run_into_use(services, jobs[0])  # once
    assert start_first_runs(services, engineer, product_id) == []


def test_a_model_that_learned_nothing_waits_for_a_person(services: Services, engineer: Person) -> None:
    product_id, jobs = _begin(services, engineer, {"shuffled": True})
    assert read_run(services, engineer, 1).reasons
    assert not put_first_run_into_use(services, jobs[0])
    assert _in_use(services, product_id) is None


def test_the_experiment_is_one_recipe_at_three_sizes() -> None:
    found = first_configurations("pills")
    assert [one.input.width_px for one in found] == [one.input.height_px for one in found] == list(SIZES_PX)
    assert {(one.product, one.experiment, one.model.recipe) for one in found} == {("pills", "pills", "probe")}
