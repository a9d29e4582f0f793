"""`python -m core ask`: the table, the draft as YAML, and what is asked back."""

from __future__ import annotations

import json

import pytest

from core.__main__ import main
from core.access import Person
from core.catalog.products import create_product
from core.cli.training import asking
from core.services import Services
from core.training.configuration.yaml_text import parse_configuration


@pytest.fixture
def _here(services: Services, engineer: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    for code in ("bracket", "lid"):
        create_product(services, engineer, name=code.title(), code=code)
    monkeypatch.setattr(asking, "build_services", lambda: services)
    monkeypatch.setenv("GEOMSA_LANGUAGE", "en")


@pytest.mark.usefixtures("_here")
def test_a_question_is_told_with_its_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", "how many inspections today?"]) == 0
    out = capsys.readouterr()
    assert "no part was inspected" in out.out
    assert "Go on with: --conversation 1" in out.err


@pytest.mark.usefixtures("_here")
def test_a_training_is_printed_as_yaml_and_not_started(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", "train a classifier on bracket, 7 epochs"]) == 0
    told = capsys.readouterr().out
    made = parse_configuration(told[told.index("product:") :])
    assert (made.product, made.training.epochs) == ("bracket", 7)


@pytest.mark.usefixtures("_here")
def test_what_is_unclear_is_asked_back(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", "train something", "--json"]) == 3
    found = json.loads(capsys.readouterr().out)
    assert found["choices"] == ["bracket", "lid"]
    assert main(["ask", "lid", "--conversation", str(found["conversation"]), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["draft"]["configuration"]["product"] == "lid"


@pytest.mark.usefixtures("_here")
def test_nonsense_is_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", "hmm"]) == 3
    assert main(["ask", "hm", "--conversation", "77"]) == 1
    assert "not there" in capsys.readouterr().err
