"""`watch` and `targets`: a folder watched by a command and by the worker, and where results are sent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.__main__ import main
from core.services import Services
from tests.plates import encode, plate, seed_of
from tests.webhook_receiver import receiving, wait_until

ROOT = Path(__file__).resolve().parents[4]
GOOD = encode(plate(seed_of("test", "good", 50)))
SPOT = encode(plate(seed_of("test", "spot", 50), "spot"))
Run = Callable[..., tuple[int, str, str]]

# Tests that start processes of their own run on one of the two cores, one after the other.
pytestmark = pytest.mark.xdist_group("worker")


def _environment(data_dir: Path) -> dict[str, str]:
    return {
        **os.environ,
        "GEOMSA_DATA_DIR": str(data_dir),
        "GEOMSA_DEVICE": "cpu",
        "GEOMSA_LANGUAGE": "en",
        "GEOMSA_WEBHOOK_SECRET": "secret",
    }


@pytest.fixture
def run(plate_services: Services, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process, on the deployed product: exit status, stdout, stderr."""
    for name, value in _environment(plate_services.settings.data_dir).items():
        monkeypatch.setenv(name, value)

    def run_one(*arguments: str | Path) -> tuple[int, str, str]:
        status = main([str(argument) for argument in arguments])
        return (status, *capsys.readouterr())

    return run_one


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "in"
    path.mkdir()
    return path


def _objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_folder_is_inspected_once_as_inspect_does(run: Run, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "spot.png").write_bytes(SPOT)
    (folder / "A7_0001.png").write_bytes(SPOT)
    (folder / "bad.png").write_bytes(b"no image")
    arguments = ("watch", folder, "--product", "PLATE", "--once", "--settle", "0.1", "--json")
    status, out, _err = run(*arguments, "--name-rule", "{lot}_{serial}")
    assert status == 1
    found = {Path(one["file"]).name: one for one in _objects(out)}
    assert found["bad.png"]["error"]["code"] == "image_not_an_image"
    assert found["bad.png"]["moved_to"] == "rejected/bad.png"
    inspected = found["A7_0001.png"]
    assert inspected["moved_to"].startswith("done/")
    status, out, _err = run("inspect", tmp_path / "spot.png", "--product", "plate", "--json")
    (alone,) = _objects(out)
    for name in ("verdict", "score", "review_at", "reject_at", "regions", "suggested_defect_type", "model_version"):
        assert inspected[name] == alone[name]
    (folder / "A7_0001.png").write_bytes(SPOT)
    status, out, _err = run(*arguments)
    (again,) = _objects(out)
    assert (status, again["again"]) == (0, True)


def test_folders_are_set_up_and_shown(run: Run, folder: Path) -> None:
    assert run("watch", "add", folder)[0] == 1
    status, _out, err = run("watch", "add", folder, "--product", "nothing")
    assert (status, "nothing" in err) == (1, True)
    assert run("watch", "add", folder, "--product", "plate", "--line", "L1")[:2] == (0, f"{folder}\n")
    assert run("watch", "add", folder, "--product", "plate")[2].startswith(f"{folder} is watched already.")
    status, out, _err = run("watch", "list", "--json")
    (view,) = _objects(out)
    assert (view["path"], view["product"], view["line"], view["state"]) == (str(folder), "plate", "L1", "unwatched")
    assert run("watch", "pause", folder)[0] == 0
    assert run("watch", "list")[1].startswith("paused")
    assert run("watch", "resume", folder)[0] == 0
    assert run("watch", "remove", folder)[0] == 0
    assert run("watch", "list") == (0, "", "")
    assert "is not watched" in run("watch", "pause", folder)[2]
    assert "FOLDER" in run("watch", "pause")[2]
    assert "--product" in run("watch", folder)[2]


def test_targets_are_set_up_and_results_sent(run: Run, folder: Path) -> None:
    with receiving() as receiver:
        assert run("targets", "add", "mes", "--webhook", receiver.url, "--verdicts", "reject")[0] == 0
        assert run("targets", "add", "broker", "--mqtt", "127.0.0.1:1", "--tls", "--topic", "a/{verdict}")[0] == 0
        assert run("targets", "pause", "broker")[0] == 0
        (folder / "spot.png").write_bytes(SPOT)
        (folder / "good.png").write_bytes(GOOD)
        receiver.script = [500]
        assert run("watch", folder, "--product", "plate", "--once", "--settle", "0")[0] == 0
        status, out, _err = run("watch", "deliveries", "--json")
        found = {one["name"]: one for one in _objects(out)}
        assert status == 0
        assert (found["mes"]["waiting"], found["broker"]["waiting"]) == (1, 2)
        assert (found["broker"]["place"], found["broker"]["active"]) == ("mqtts://127.0.0.1:1", False)
        assert "status 500" in found["mes"]["problem"]
        assert run("watch", "deliveries", "--retry")[0] == 0
        assert [message["verdict"] for message in receiver.accepted] == ["reject"]
    assert "mes" in run("targets", "list")[1]
    assert run("targets", "remove", "broker")[2].endswith(": 2\n")
    assert run("targets", "remove", "mes")[2] == ""
    assert "no target" in run("targets", "resume", "mes")[2]
    assert "port" in run("targets", "add", "x", "--mqtt", "broker:port")[2]


def _count(out: Path) -> int:
    return len(out.read_text().splitlines()) if out.exists() else 0


def test_a_command_watches_until_it_is_told_to_stop(plate_services: Services, folder: Path, tmp_path: Path) -> None:
    data_dir, out = plate_services.settings.data_dir, tmp_path / "out"
    command = [sys.executable, "-m", "core", "watch", str(folder), "--product", "plate", "--settle", "0.2", "--json"]
    with (
        out.open("wb") as log,
        subprocess.Popen(command, cwd=ROOT, env=_environment(data_dir), stdout=log, stderr=subprocess.PIPE) as watching,
    ):
        (folder / "one.png").write_bytes(SPOT)
        wait_until(lambda: _count(out) == 1, within_s=120)
        away = folder.with_name("away")
        folder.rename(away)
        time.sleep(2.5)
        away.rename(folder)
        (folder / "two.png").write_bytes(GOOD)
        wait_until(lambda: _count(out) == 2, within_s=120)
        watching.send_signal(signal.SIGTERM)
        assert watching.wait(30) == 0
        assert watching.stderr is not None
        said = watching.stderr.read().decode()
    assert said.count("cannot be reached") == 1
    assert said.rstrip().endswith(f"{folder}: works again")


@pytest.mark.full
def test_the_worker_watches_what_is_set_up_and_starts_its_watcher_again(
    run: Run, plate_services: Services, folder: Path
) -> None:
    run("watch", "add", folder, "--product", "plate", "--settle", "0")
    data_dir = plate_services.settings.data_dir
    with (
        receiving() as receiver,
        (data_dir / "log").open("wb") as log,
    ):
        run("targets", "add", "mes", "--webhook", receiver.url)
        command = [sys.executable, "-m", "core", "worker"]
        with subprocess.Popen(command, cwd=ROOT, env=_environment(data_dir), stdout=log, stderr=log) as worker:
            (folder / "one.png").write_bytes(SPOT)
            wait_until(lambda: not (folder / "one.png").exists(), within_s=120)
            (child,) = _children(worker.pid)
            os.kill(child, signal.SIGKILL)
            (folder / "two.png").write_bytes(GOOD)
            # The lease of the one that was killed runs out first.
            wait_until(lambda: not (folder / "two.png").exists(), within_s=180)
            wait_until(lambda: receiver.sequences == [1, 2], within_s=60)
            (other,) = _children(worker.pid)
            assert other != child
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(30) == 0
            wait_until(lambda: not Path(f"/proc/{other}").exists())
    assert "run-watch ended (-9)" in (data_dir / "log").read_text()


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(word) for word in (task / "children").read_text().split()]
    return found
