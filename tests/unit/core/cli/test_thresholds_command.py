"""`python -m core thresholds`: shown, set, computed and undone, with a sentence for what cannot be."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from core.__main__ import main
from core.access import Person
from core.catalog.products import create_product
from core.model_report.costs import DEFAULT_COSTS, save_costs
from core.models.kinds import MEMORY_BANK
from core.registry.thresholds import find_threshold, list_thresholds
from core.registry.versions import list_versions
from core.services import Services
from storage.tables import Product
from tests.history_rows import add_product
from tests.scored_images import images, measure_as

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def product(services: Services, engineer: Person) -> Product:
    """Return a product whose version in use (Review from 20, NG from 25) was measured."""
    found = add_product(services, engineer)
    measure_as(services, list_versions(services, MEMORY_BANK, found.id)[0].id, images([5, 10, 22], [18, 40]))
    return found


@pytest.fixture
def version_id(services: Services, product: Product) -> int:
    return list_versions(services, MEMORY_BANK, product.id)[0].id


@pytest.fixture
def run(
    services: Services, product: Product, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Run the command in this process: status, stdout, stderr."""
    monkeypatch.setenv("GEOMSA_DATA_DIR", str(services.settings.data_dir))
    monkeypatch.setenv("GEOMSA_LANGUAGE", "en")

    def run_one(*arguments: str) -> tuple[int, str, str]:
        status = main(["thresholds", "--product", product.code, *arguments])
        return (status, *capsys.readouterr())

    return run_one


def _json(out: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(out)
    return found


def test_what_is_in_force_is_shown_with_what_it_makes_of_the_test_images(run: Run) -> None:
    status, out, _err = run("--json")
    found = _json(out)
    assert status == 0
    assert set(found) == {"product", "model_version", "thresholds", "test", "history"}
    assert (found["thresholds"]["review_at"], found["thresholds"]["reject_at"]) == (20.0, 25.0)
    assert (found["test"]["overkill"], found["test"]["escape"]) == (0, 1)
    assert found["test"]["confusion"]["normal"] == {"ok": 2, "review": 1, "reject": 0}
    status, out, _err = run()
    assert status == 0
    assert "Review from 20.0000, NG from 25.0000" in out
    assert "1 of 2 defective ones OK" in out


def test_thresholds_are_set_and_undone_with_who_and_why(run: Run, services: Services, version_id: int) -> None:
    status, out, _err = run("--review", "17", "--reject", "30", "--reason", "scratches pass", "--json")
    found = _json(out)
    assert (status, found["thresholds"]["review_at"], found["test"]["escape"]) == (0, 17.0, 0)
    assert (found["thresholds"]["method"], found["thresholds"]["reason"]) == ("manual", "scratches pass")
    assert [one["review_at"] for one in found["history"]] == [20.0]
    status, out, _err = run("--undo", "--reason", "too strict")
    assert status == 0
    assert find_threshold(services, version_id).review_at == 20.0
    assert [row.reason for row in list_thresholds(services, version_id)] == ["too strict", "scratches pass", ""]


def test_the_cheapest_pair_is_tried_first_and_then_saved(
    run: Run, services: Services, engineer: Person, product: Product, version_id: int
) -> None:
    status, _out, err = run("--method", "cheapest", "--try")
    assert status == 1
    assert "share of defective parts" in err
    save_costs(services, engineer, product.id, replace(DEFAULT_COSTS, defect_rate=0.02))
    status, out, err = run("--method", "cheapest", "--try", "--json")
    found = _json(out)
    assert (status, found["tried"]["method"], found["tried"]["figures"]["defect_rate"]) == (0, "cheapest", 0.02)
    assert "few_defects" in found["warnings"]
    assert "Fewer than 10 defective parts" in err
    assert find_threshold(services, version_id).method == "manual"
    status, out, _err = run("--method", "cheapest", "--reason", "costs", "--json")
    assert (status, _json(out)["thresholds"]["review_at"]) == (0, found["tried"]["review_at"])
    row = find_threshold(services, version_id)
    assert (row.method, row.figures["costs"]["escape"]) == ("cheapest", DEFAULT_COSTS.escape)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--review", "3", "--reason", "x"), "Give both thresholds"),
        (("--reject", "3", "--reason", "x"), "Give both thresholds"),
        (("--review", "4", "--reject", "3", "--reason", "x"), "NG must not begin before Review"),
        (("--review", "nan", "--reject", "3", "--reason", "x"), "numbers above 0"),
        (("--review", "3", "--reject", "4"), "Say why"),
        (("--review", "3", "--reject", "4", "--reason", " "), "Say why"),
        (("--undo", "--reason", "x"), "nothing to undo"),
        (("--percent", "95"), "--percent goes with --method percentile only"),
        (("--method", "mean_std", "--percent", "95", "--reason", "x"), "--percent goes with"),
        (("--method", "cheapest", "--k", "3", "--try"), "--k goes with --method mean_std only"),
        (("--reason", "x"), "--reason goes with"),
        (("--method", "percentile", "--try"), "no method can compute others"),
        (("--measure",), "no test images"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    run: Run, services: Services, version_id: int, arguments: tuple[str, ...], said: str
) -> None:
    status, out, err = run(*arguments)
    assert (status, out) == (1, "")
    assert said in err
    assert len(list_thresholds(services, version_id)) == 1


def test_two_actions_at_once_are_wrong_usage(run: Run) -> None:
    with pytest.raises(SystemExit) as caught:
        run("--undo", "--method", "f1_max")
    assert caught.value.code == 2


def test_a_product_without_a_model_in_use_says_so(
    run: Run, services: Services, engineer: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    create_product(services, engineer, name="Bolt", code="bolt")
    assert main(["thresholds", "--product", "bolt"]) == 1
    assert "Bolt" in capsys.readouterr().err
    assert main(["thresholds", "--product", "nothing"]) == 1
