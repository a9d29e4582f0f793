"""`python -m core view`: the views of a product in the terminal, and the commands that ask for one of them."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from core.__main__ import main
from core.accounts.people import open_person
from core.catalog.products import create_product
from core.services import Services

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(services: Services, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process, on a data folder with the product "cell": status, stdout, stderr."""
    monkeypatch.setenv("GEOMSA_DATA_DIR", str(services.settings.data_dir))
    monkeypatch.setenv("GEOMSA_DEVICE", "cpu")
    monkeypatch.setenv("GEOMSA_LANGUAGE", "en")
    create_product(services, open_person(services, "engineer"), name="셀", name_en="Cell", code="cell")

    def run_one(*arguments: str) -> tuple[int, str, str]:
        status = main([*arguments, "--product", "cell"])
        return (status, *capsys.readouterr())

    return run_one


def _codes(out: str) -> list[str]:
    return [json.loads(line)["code"] for line in out.splitlines()]


def test_views_are_added_changed_ordered_and_taken_out_of_use(run: Run) -> None:
    run("view", "add", "ct", "--name", "단면", "--name-en", "Slice", "--modality", "ct", "--optional")
    run("view", "add", "rgb")
    status, out, _err = run("view", "order", "rgb", "ct", "--json")
    assert (status, _codes(out)) == (0, ["rgb", "ct"])
    _status, out, _err = run("view", "edit", "ct", "--required", "--json")
    changed = json.loads(out.splitlines()[1])
    assert (changed["name_en"], changed["is_required"], changed["found_as"]) == ("Slice", True, "internal")
    run("view", "remove", "rgb")
    assert _codes(run("view", "list", "--json")[1]) == ["ct"]
    assert run("view", "list", "--all")[1].splitlines()[0].endswith("out of use")
    run("view", "edit", "rgb", "--active")
    assert _codes(run("view", "list", "--json")[1]) == ["rgb", "ct"]


def test_what_cannot_be_done_is_said_in_a_sentence(run: Run) -> None:
    status, _out, err = run("evaluate", "--view", "ct")
    assert (status, "has no views" in err) == (1, True)
    run("view", "add", "ct")
    run("view", "add", "rgb")
    status, _out, err = run("view", "add", "CT")
    assert (status, "already has a view" in err) == (1, True)
    status, _out, err = run("thresholds")
    assert (status, "Say which one is meant: ct, rgb" in err) == (1, True)
    status, _out, err = run("view", "edit", "side")
    assert (status, "Its views: ct, rgb" in err) == (1, True)
