"""`export-model`, as typed in a terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.__main__ import main
from core.access import Person
from core.catalog.products import find_product
from core.methods.trained_networks import list_finished_runs
from core.services import Services
from storage.tables import TrainingRun
from tests.finished_runs import add_finished_run


@pytest.fixture
def services(spots_services: Services) -> Services:
    return spots_services


@pytest.fixture
def product_id(services: Services, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("GEOMSA_DATA_DIR", str(services.settings.data_dir))
    monkeypatch.setenv("GEOMSA_DEVICE", "cpu")
    monkeypatch.setenv("GEOMSA_LANGUAGE", "en")
    return find_product(services, "spots").id


@pytest.fixture
def run(services: Services, product_id: int) -> TrainingRun:
    return list_finished_runs(services, product_id=product_id)[0]


def test_a_version_is_written_into_a_new_folder(
    run: TrainingRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "deep" / "out"
    status = main(["export-model", str(run.model_version_id), "--format", "openvino", "--to", str(target), "--json"])
    told = json.loads(capsys.readouterr().out)
    assert status == 0
    assert (told["model"], told["format"], told["path"]) == (f"run:{run.id}", "openvino", str(target))
    assert {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()} == set(told["files"])
    assert all(one["max_difference"] <= 1e-3 for one in told["parity"]["runtimes"])


@pytest.mark.full
def test_figures_are_told_to_people(run: TrainingRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export-model", f"run:{run.id}", "--to", str(tmp_path / "out")]) == 0
    out = capsys.readouterr().out
    assert "onnxruntime  32 images  max difference" in out
    assert (tmp_path / "out" / "model.onnx").is_file()


def test_nothing_is_written_where_it_is_refused(
    services: Services, engineer: Person, product_id: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    noisy = add_finished_run(services, engineer, product_id, noise=True)
    target = tmp_path / "out"
    assert main(["export-model", f"run:{noisy.id}", "--to", str(target)]) == 1
    assert "differs from the network" in capsys.readouterr().err
    assert main(["export-model", "7777", "--to", str(target)]) == 1
    assert "run:12" in capsys.readouterr().err
    assert not target.exists()
    assert list(tmp_path.iterdir()) == [] or all(not path.name.endswith(".part") for path in tmp_path.iterdir())


def test_a_folder_that_is_taken_is_said_at_once(
    run: TrainingRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").write_text("mine")
    assert main(["export-model", f"run:{run.id}", "--to", str(tmp_path)]) == 1
    assert str(tmp_path) in capsys.readouterr().err
    assert (tmp_path / "mine").read_text() == "mine"
