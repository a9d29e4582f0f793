"""`python -m core report`: files under their names, figures as JSON, and what it refuses."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.__main__ import main
from core.access import Person
from core.services import Services
from tests.history_rows import add_product, add_rows

DAY = "2026-11-20"
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _data(services: Services, engineer: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEOMSA_DATA_DIR", str(services.settings.data_dir))
    monkeypatch.setenv("GEOMSA_DEVICE", "cpu")
    monkeypatch.setenv("GEOMSA_LANGUAGE", "en")
    product = add_product(services, engineer)
    add_rows(services, engineer, product, 4, created_at=NOON, lot="A7")
    add_rows(services, engineer, product, 1, created_at=NOON, lot="A7", verdict="reject", final_verdict="reject")


def test_a_folder_gets_both_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["report", "--period", "day", "--date", DAY, "--product", "bracket", "--language", "ko"]
    assert main([*arguments, "--to", str(tmp_path)]) == 0
    names = [f"daily-report_{DAY}_bracket_ko.{ending}" for ending in ("pdf", "xlsx")]
    assert capsys.readouterr().out.split() == [str(tmp_path / name) for name in names]
    assert (tmp_path / names[0]).read_bytes().startswith(b"%PDF")
    assert sorted(path.name for path in tmp_path.glob("*report*")) == names


def test_figures_come_as_one_object(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    target = tmp_path / "lot.xlsx"
    assert main(["report", "--period", "lot", "--lot", "A7", "--json", "--to", str(target)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["figures"]["inspections"], found["figures"]["reject"]) == (5, 1)
    assert found["files"] == [str(target)]
    assert target.read_bytes().startswith(b"PK")


def test_json_alone_writes_no_file(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["report", "--period", "day", "--date", "2026-11-19", "--json"]) == 0
    output = capsys.readouterr()
    assert json.loads(output.out)["files"] == []
    assert "Nothing was inspected" in output.err
    assert list(tmp_path.glob("*report*")) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--period", "day", "--date", "20.11.2026"], "Write it as"),
        (["--period", "day", "--shift", "Day"], "--shift belongs to --period shift"),
        (["--period", "lot", "--lot", "A7", "--date", DAY], "leave --date out"),
        (["--period", "lot", "--lot", "none"], 'No part of lot "none"'),
        (["--period", "lot"], "Name the lot"),
        (["--period", "shift"], "The plant has no shifts yet"),
        (["--period", "day", "--product", "none"], "none"),
        (["--period", "day", "--to", "/no/such/folder/a.pdf"], "/no/such/folder"),
        (["--period", "day", "--to", "report.docx"], "neither a folder nor"),
    ],
)
def test_what_it_refuses_is_said(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", *arguments]) == 1
    output = capsys.readouterr()
    assert words in output.err
    assert output.out == ""
