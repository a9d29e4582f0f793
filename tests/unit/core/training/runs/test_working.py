"""Working a run off: epochs as rows, the test images once, a candidate that waits, and the same network every time."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from core.access import Person
from core.services import Services
from core.training.runs.overview import read_epochs, read_run
from core.training.runs.results import read_results
from tests.compared_methods import build_product
from tests.trained_runs import tiny_recipe, train


@pytest.fixture(autouse=True)
def _recipe() -> Iterator[None]:
    with tiny_recipe():
        yield


def test_a_run_ends_with_figures_and_a_candidate(services: Services, engineer: Person) -> None:
    build_product(services, engineer)
    run_id = train(services, engineer, report={"goals": {"top1": 0.9, "macro_f1": 0.99}})
    run = read_run(services, engineer, run_id)
    print(json.dumps({"val": run.val, "test": run.test, "figures": run.figures}, indent=1))
    print(run)
    print(read_epochs(services, engineer, run_id))
    print(read_results(services, engineer, run_id))
    assert 0
