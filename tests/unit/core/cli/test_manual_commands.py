"""The commands `manual` and `guidance`, and the route beside them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.__main__ import main
from core.access import Person
from core.manuals.library import list_manuals
from core.services import Services
from tests.inspected_part import add_inspected_part, use_passages
from tests.unit.inference.language.findings import PASSAGES


@pytest.fixture
def bracket(services: Services, engineer: Person, monkeypatch: pytest.MonkeyPatch) -> Services:
    """Return services of an installation with the bracket, which the commands open by themselves."""
    add_inspected_part(services, engineer)
    monkeypatch.setenv("GEOMSA_DATA_DIR", str(services.settings.data_dir))
    monkeypatch.setenv("GEOMSA_LANGUAGE", "en")
    return services


def test_guidance_is_one_json_object_by_code_or_name(
    bracket: Services, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use_passages(monkeypatch, PASSAGES)
    for product, named in (("bracket", "scratch"), ("브래킷 *A*", "스크래치")):
        assert main(["guidance", "--product", product, "--type", named, "--language", "ko", "--json"]) == 0
        answer = json.loads(capsys.readouterr().out)
        assert list(answer) == ["product", "defect_type", "found", "steps"]
        assert (answer["product"], answer["defect_type"], answer["found"]) == ("bracket", "scratch", True)
        assert answer["steps"]
        assert all(list(step) == ["section", "text", "manual", "page"] for step in answer["steps"])
    assert main(["guidance", "--product", "bracket", "--question", "what to do with a scratch"]) == 0
    assert "Likely cause" in capsys.readouterr().out
    # It stands in the section of the scratch: what is not a type of its own has no steps there.
    assert main(["guidance", "--product", "bracket", "--question", "burr"]) == 0
    assert capsys.readouterr().out == ""


def test_nothing_found_is_an_answer_and_a_type_that_is_not_there_an_error(
    bracket: Services, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    use_passages(monkeypatch, ())
    assert main(["guidance", "--product", "bracket", "--type", "scratch", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "product": "bracket", "defect_type": "scratch", "found": False, "steps": [],
    }  # fmt: skip
    assert main(["guidance", "--product", "bracket", "--type", "rust", "--json"]) == 1
    assert '"rust"' in capsys.readouterr().err
    assert main(["guidance", "--product", "nothing", "--type", "scratch"]) == 1
    assert main(["guidance", "--product", "bracket"]) == 1


def test_manuals_are_listed_and_removed(bracket: Services, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["manual", "list", "--product", "bracket", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["id"], line["product"]) for line in lines] == [(2, "bracket"), (1, "bracket")]
    assert main(["manual", "remove", "1"]) == 0
    assert [view.manual.id for view in list_manuals(bracket)] == [2]
    capsys.readouterr()
    assert main(["manual", "remove", "1"]) == 1
    assert "1" in capsys.readouterr().err
    assert main(["manual", "list"]) == 0


def test_a_file_that_is_no_pdf_is_refused_with_the_reason(
    bracket: Services, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "note.pdf"
    file.write_bytes(b"not a PDF")
    assert main(["manual", "add", str(file), "--product", "bracket", "--title", "x", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["outcome"], found["id"], found["error"]["code"]) == ("refused", None, "pdf_not_a_pdf")
    assert main(["manual", "add", str(tmp_path / "gone.pdf"), "--product", "bracket"]) == 1
    assert "cannot be read" in capsys.readouterr().err
