"""anomalib's models in a child process: what it does is bounded, what it says is checked, nothing outlives it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from inference.errors import ModelError
from inference.vision.learning.anomalib_models.models import MODELS
from inference.vision.learning.anomalib_models.process import AnomalibConfig, AnomalibTraining, Limits, train_anomalib
from inference.vision.learning.anomalib_models.teacher import SHAPES
from inference.vision.networks.graphs import TrainedGraph
from inference.vision.networks.runtime import open_trained

TINY = AnomalibConfig("ganomaly", 64, 2)
ROOT = Path(__file__).resolve().parents[5]


def draw(seed: int, size_px: int = 64) -> np.ndarray:
    rng = np.random.default_rng(seed)
    wave = np.repeat((120 + 40 * np.sin(np.arange(size_px) / 6.0))[None, :, None], size_px, axis=0).repeat(3, axis=2)
    return np.asarray((wave + rng.normal(0, 4, wave.shape)).clip(0, 255), np.uint8)


GOOD = [draw(seed) for seed in range(6)]


@pytest.fixture
def write_child(tmp_path: Path) -> Callable[[str], Path]:
    def write(body: str) -> Path:
        path = tmp_path / "toy.py"
        path.write_text(
            f"import json, os, signal, subprocess, sys, time, pathlib\nhere = pathlib.Path(sys.argv[1])\n{body}\n"
        )
        return path

    return write


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(600):
        if condition():
            return
        threading.Event().wait(0.05)
    raise AssertionError("it did not come")


def refusal(child: Path, folder: Path, **limits: float) -> ModelError:
    bounds = Limits(**limits)  # type: ignore[arg-type]
    with pytest.raises(ModelError) as caught:
        train_anomalib(GOOD, TINY, folder=folder, limits=bounds, child=child)
    return caught.value


def test_a_child_that_crashes_is_told_with_its_reason(write_child: Callable[[str], Path], tmp_path: Path) -> None:
    child = write_child(
        "(here / 'error.json').write_text(json.dumps({'error': 'failed', 'detail': 'no such layer'})); sys.exit(1)"
    )
    error = refusal(child, tmp_path / "work")
    assert (error.code, error.params["detail"], error.params["model"]) == (
        "anomalib_failed",
        "no such layer",
        "GANomaly",
    )


def test_a_child_without_memory_says_so(write_child: Callable[[str], Path], tmp_path: Path) -> None:
    child = write_child("(here / 'error.json').write_text('{\"error\": \"out_of_memory\"}'); sys.exit(1)")
    assert refusal(child, tmp_path / "work").code == "anomalib_memory"


def test_a_child_that_takes_too_much_memory_is_ended(write_child: Callable[[str], Path], tmp_path: Path) -> None:
    child = write_child("held = bytearray(os.urandom(1)) * (300 * 1024**2)\nwhile True: time.sleep(0.1)")
    assert refusal(child, tmp_path / "work", memory_bytes=200 * 1024**2).code == "anomalib_memory"


def test_a_child_that_hangs_is_ended_with_what_it_started(write_child: Callable[[str], Path], tmp_path: Path) -> None:
    child = write_child(
        "other = subprocess.Popen([sys.executable, '-c', 'import time\\nwhile True: time.sleep(1)'])\n"
        "(here / 'pids').write_text(f'{os.getpid()} {other.pid}')\nsignal.pause()"
    )
    assert refusal(child, tmp_path / "work", silent_s=2.0).code == "anomalib_silent"
    pids = [int(word) for word in (tmp_path / "work" / "pids").read_text().split()]
    wait_for(lambda: not any(is_running(pid) for pid in pids))


def test_a_child_that_talks_forever_is_ended(write_child: Callable[[str], Path], tmp_path: Path) -> None:
    child = write_child("while True: print('x' * 5000, flush=True)")
    assert refusal(child, tmp_path / "work", longest_s=1.0).code == "anomalib_timeout"


@pytest.mark.parametrize(
    "result",
    ["", "[]", '{"losses": "none"}', '{"losses": [1.0, NaN]}', '{"losses": [1.0]}', "[" * 100_000],
    ids=["empty", "list", "text", "nan", "no graph", "deep"],
)
def test_a_child_that_lies_about_its_result_is_refused(
    write_child: Callable[[str], Path], tmp_path: Path, result: str
) -> None:
    (tmp_path / "said").write_text(result)
    child = write_child(f"(here / 'result.json').write_text(pathlib.Path({str(tmp_path / 'said')!r}).read_text())")
    assert refusal(child, tmp_path / "work").code == "anomalib_failed"


def test_lines_that_are_no_progress_are_passed_over(write_child: Callable[[str], Path], tmp_path: Path) -> None:
    child = write_child(
        'for line in (\'hello\', \'[]\', \'{"stage": "win", "done": 1, "total": 1}\',\n'
        '             \'{"stage": "train", "done": 9, "total": 1}\', \'{"stage": "train", "done": 1, "total": 2}\'):\n'
        "    print(line, flush=True)\n"
        "while not (here / 'heard').exists(): time.sleep(0.02)\nsys.exit(1)"
    )
    told: set[tuple[str, int, int]] = set()

    def progress(stage: str, done: int, total: int) -> None:
        told.add((stage, done, total))
        if stage == "train":
            (tmp_path / "work" / "heard").touch()

    with pytest.raises(ModelError):
        train_anomalib(GOOD, TINY, folder=tmp_path / "work", child=child, progress=progress)
    assert told == {("import", 0, 1), ("train", 1, 2)}


def test_what_progress_raises_ends_the_child(write_child: Callable[[str], Path], tmp_path: Path) -> None:
    child = write_child("(here / 'pid').write_text(str(os.getpid()))\nwhile True: time.sleep(0.1)")
    place = tmp_path / "work" / "pid"

    class Canceled(Exception):
        pass

    def cancel(_stage: str, _done: int, _total: int) -> None:
        if place.exists() and place.read_text():
            raise Canceled

    with pytest.raises(Canceled):
        train_anomalib(GOOD, TINY, folder=tmp_path / "work", child=child, progress=cancel)
    wait_for(lambda: not is_running(int(place.read_text())))


def test_the_child_has_none_of_our_environment(
    write_child: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "secret")
    child = write_child("(here / 'env.json').write_text(json.dumps(dict(os.environ))); sys.exit(1)")
    refusal(child, tmp_path / "work")
    written = (tmp_path / "work" / "env.json").read_text()
    assert "secret" not in written
    assert '"HF_HUB_OFFLINE": "1"' in written


def test_a_checkpoint_of_other_images_or_settings_is_removed(
    write_child: Callable[[str], Path], tmp_path: Path
) -> None:
    kept = tmp_path / "work" / "checkpoints" / "last.ckpt"
    quitting = write_child("sys.exit(1)").rename(tmp_path / "quitting.py")
    child = write_child(
        "(here / 'checkpoints').mkdir(exist_ok=True)\n(here / 'checkpoints' / 'last.ckpt').touch()\nsys.exit(1)"
    )
    refusal(child, tmp_path / "work")
    refusal(quitting, tmp_path / "work")
    assert kept.exists()
    with pytest.raises(ModelError):
        train_anomalib(GOOD[:5], TINY, folder=tmp_path / "work", child=quitting)
    assert not kept.exists()


def test_a_training_that_failed_begins_anew(write_child: Callable[[str], Path], tmp_path: Path) -> None:
    kept = tmp_path / "work" / "checkpoints"
    child = write_child(
        "(here / 'checkpoints').mkdir()\n(here / 'error.json').write_text('{\"error\": \"failed\"}')\nsys.exit(1)"
    )
    assert refusal(child, tmp_path / "work").code == "anomalib_failed"
    assert not kept.exists()


def test_a_size_that_the_model_does_not_take_is_refused(tmp_path: Path) -> None:
    for config in (AnomalibConfig("ganomaly", 100, 1), AnomalibConfig("patchcore", 64, 1)):
        with pytest.raises(ModelError) as caught:
            train_anomalib(GOOD, config, folder=tmp_path / "work")
        assert caught.value.code == "config_invalid"


def test_models_offer_their_default_size() -> None:
    assert all(model.default_size_px in model.sizes_px for model in MODELS.values())


_PARENT = """
import sys
from pathlib import Path
import numpy as np
from inference.vision.learning.anomalib_models.process import AnomalibConfig, train_anomalib
images = list(np.load(sys.argv[1]))
train_anomalib(images, AnomalibConfig("ganomaly", 64, 2), folder=Path(sys.argv[2]))
"""


@pytest.mark.full
def test_a_training_whose_parent_is_killed_ends_and_goes_on_to_the_same_model(tmp_path: Path) -> None:
    whole = train_anomalib(GOOD, TINY, folder=tmp_path / "whole")
    again = train_anomalib(GOOD, TINY, folder=tmp_path / "again")
    assert again.portable.weights == whole.portable.weights
    assert again.losses == whole.losses
    assert len(whole.losses) == TINY.epochs

    np.save(tmp_path / "images.npy", np.stack(GOOD))
    folder = tmp_path / "killed"
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(tmp_path / "images.npy"), str(folder)],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
    )
    checkpoint = folder / "checkpoints" / "last.ckpt"
    wait_for(lambda: checkpoint.exists() or parent.poll() is not None)
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    wait_for(lambda: not any(is_running(int(pid)) for pid in children))
    assert not (folder / "result.json").exists()

    stages: list[tuple[str, int, int]] = []
    resumed = train_anomalib(GOOD, TINY, folder=folder, progress=lambda *step: stages.append(step))
    assert resumed.portable.weights == whole.portable.weights
    assert resumed.losses == whole.losses
    assert ("train", 0, TINY.epochs) not in stages


def make_teacher(path: Path) -> Path:
    rng = np.random.default_rng(0)
    save_file({name: (rng.normal(size=shape) * 0.02).astype(np.float32) for name, shape in SHAPES.items()}, path)
    return path


@pytest.mark.full
def test_efficientad_trains_from_files_alone_sees_a_defect_and_goes_on_to_the_same_model(tmp_path: Path) -> None:
    config = AnomalibConfig("efficientad", 256, 2)
    teacher = make_teacher(tmp_path / "teacher.safetensors")
    noise = [np.random.default_rng(seed).integers(0, 255, (256, 256, 3), np.uint8) for seed in range(2)]

    def train(folder: Path, progress: Callable[[str, int, int], None] | None = None) -> AnomalibTraining:
        return train_anomalib(
            [draw(seed, 256) for seed in range(2)],
            config,
            folder=folder,
            weights=teacher,
            validation=[draw(10, 256)],
            outside=noise,
            progress=progress,
        )

    whole = train(tmp_path / "whole")
    runtime = open_trained(TrainedGraph("anomalib", (256, 256)), whole.portable)
    damaged = draw(99, 256)
    damaged[60:120, 60:120] = (250, 20, 20)
    good_score, good_map = runtime.features(draw(99, 256)[None])
    score, found = runtime.features(damaged[None])
    assert good_map.min() >= 0
    assert score.item() > good_score.item() > 0
    assert found[0, 0, 60:120, 60:120].mean() > 2 * found[0, 0, 150:].mean()

    class Stopped(Exception):
        pass

    def stop(stage: str, done: int, _total: int) -> None:
        if (stage, done) == ("train", 1):
            raise Stopped

    with pytest.raises(Stopped):
        train(tmp_path / "stopped", stop)
    stages: list[tuple[str, int, int]] = []
    resumed = train(tmp_path / "stopped", lambda *step: stages.append(step))
    assert ("train", 0, config.epochs) not in stages
    assert resumed.losses == whole.losses
    assert resumed.portable.weights == whole.portable.weights
