"""`train` and `runs`: checked, trained, shown, put into use; one JSON object at the end, and an exit status."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from core.__main__ import main
from core.access import Person
from core.cli.training import tracking, training
from core.errors import Unavailable
from core.jobs import views
from core.jobs.heartbeats import beat
from core.services import Services
from core.tracking.sending import SendReport
from core.tracking.status import read_status
from core.training.runs.overview import read_run
from tests.trained_runs import RECIPE, work_next


@pytest.fixture
def file(bench: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a configuration; the command line works in the same data folder, and jobs are worked off in between."""
    monkeypatch.setenv("GEOMSA_DATA_DIR", str(bench.settings.data_dir))
    monkeypatch.setenv("GEOMSA_DEVICE", "cpu")
    monkeypatch.setenv("GEOMSA_LANGUAGE", "en")
    monkeypatch.setenv("GEOMSA_MLFLOW", "off")

    def follow(services: Services, job_ids: list[int], **_: Any) -> list[views.JobView]:
        # A worker's child would not know the recipe of the tests.
        work_next(services)
        return [views.view(services, job_id) for job_id in job_ids]

    monkeypatch.setattr(training, "follow", follow)
    path = tmp_path / "run.yaml"
    path.write_text(
        f"product: spots\nmodel: {{recipe: {RECIPE}, scratch: true}}\ninput: {{width_px: 64, height_px: 64}}\n"
        "training: {epochs: 3, learning_rate: 1.0}\nreport: {goals: {top1: 0.9}}\n",
        encoding="utf-8",
    )
    return path


def _run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    capsys.readouterr()
    status = main(list(words))
    told = capsys.readouterr()
    return status, told.out, told.err


def test_a_training_ends_with_one_object(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = _run(capsys, "train", str(file), "--json", "--set", "seed=5", "--set", "training.epochs=2")
    assert status == 0
    found = json.loads(out)
    assert {"run", "product", "recipe", "dataset_version", "model_version", "seconds", "val", "test", "goals"} <= set(
        found
    )
    assert (found["product"], found["recipe"], found["epochs_done"]) == ("spots", RECIPE, 2)
    assert {"top1", "top5", "macro_f1", "per_class"} <= set(found["test"])
    assert found["goals"] == [{"name": "top1", "wanted": 0.9, "found": 1.0, "met": True, "split": "test"}]
    number = str(found["run"])
    status, out, _ = _run(capsys, "runs", "show", number, "--json")
    shown = json.loads(out)
    assert (status, shown["seed"], len(shown["epochs"]), shown["state"]) == (0, 5, 2, "succeeded")
    status, out, _ = _run(capsys, "runs", "activate", number, "--json")
    assert (status, json.loads(out)["model_state"]) == (0, "active")
    status, out, _ = _run(capsys, "runs", "list", "--product", "spots", "--json")
    assert [json.loads(line)["run"] for line in out.splitlines()] == [found["run"]]
    status, _, err = _run(capsys, "runs", "delete", number)
    assert (status, "is in use" in err) == (1, True)


@pytest.mark.parametrize("has_worker", [False, True])
def test_without_a_worker_the_tracking_store_is_told_at_the_end(
    bench: Services,
    file: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    *,
    has_worker: bool,
) -> None:
    asked: list[int] = []

    def send(services: Services) -> SendReport:
        asked.append(read_status(services, services.settings).outbox.waiting)
        return SendReport(0, Unavailable("tracking_store_away", store="here", reason="gone"))

    monkeypatch.setenv("GEOMSA_MLFLOW", "on")
    monkeypatch.setattr(tracking, "send_waiting", send)
    if has_worker:
        beat(bench, "worker", host="here", pid=1, job_id=None)
    status, _, err = _run(capsys, "train", str(file), "--json", "--set", "training.epochs=1")
    assert status in (0, 3)
    assert bool(asked) != has_worker
    assert ("gone" in err) != has_worker
    assert not asked or asked[0] > 0


def test_goals_that_are_missed_and_reasons_to_wait_are_said(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = _run(capsys, "train", str(file), "--set", "model.options={shuffled: true}")
    assert status == 3
    assert "not met  top1 0.500 (wanted 0.9)" in out
    assert "Goals that were not met: top1." in err
    assert "hardly better than guessing" in err
    status, _, err = _run(capsys, "runs", "activate", "1")
    assert (status, "hardly better than guessing" in err) == (1, True)
    status, out, _ = _run(capsys, "runs", "activate", "1", "--activate", "--reason", "a try")
    assert (status, "(active)" in out) == (0, True)
    status, out, _ = _run(capsys, "runs", "show", "1")
    assert "epoch 3  train loss" in out


def test_a_check_says_what_it_would_take_and_starts_nothing(
    file: Path, capsys: pytest.CaptureFixture[str], bench: Services
) -> None:
    status, out, err = _run(capsys, "train", str(file), "--check", "--json")
    found = json.loads(out)
    assert (status, found["epochs"], found["images"]) == (0, 3, {"train": 16, "val": 8, "test": 8})
    assert "only 8 test parts" in err
    status, out, _ = _run(capsys, "runs", "list")
    assert (status, out) == (0, "")


def test_a_run_is_queued_canceled_and_goes_on(
    file: Path, capsys: pytest.CaptureFixture[str], bench: Services, trainer: Person
) -> None:
    status, out, _ = _run(capsys, "train", str(file), "--no-wait", "--json")
    number = json.loads(out)["run"]
    assert (status, read_run(bench, trainer, number).head.state) == (0, "queued")
    status, out, _ = _run(capsys, "runs", "cancel", str(number), "--json")
    assert (status, json.loads(out)["state"]) == (0, "cancelled")
    status, out, _ = _run(capsys, "runs", "resume", str(number), "--json")
    assert (status, json.loads(out)["state"]) == (0, "succeeded")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("train", "absent.yaml"), "cannot be read as text"),
        (("train", "FILE", "--set", "epochs"), "is not a change"),
        (("train", "FILE", "--set", "seed.more=1"), "must be a whole number"),
        (("train", "FILE", "--set", "training.epoch=1"), "epochs"),
        (("train", "FILE", "--set", "training.epochs=-1"), "training.epochs"),
        (("train", "FILE", "--set", "model.recipe=magic"), "magic"),
        (("runs", "show", "77"), "There is no training run 77"),
        (("runs", "roll-back", "77"), "There is no training run 77"),
    ],
)
def test_wrong_input_is_said_in_a_sentence(
    file: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    status, out, err = _run(capsys, *(str(file) if word == "FILE" else word for word in words))
    assert (status, out) == (1, "")
    assert said in err
    assert "Traceback" not in err
