"""An adapter trains by files and lines; what hangs, forks, lies or reaches outside ends as a clear error."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.adapters.checking import draw_examples
from inference.errors import ModelError
from inference.vision.learning.adapters.launch import choose_launch, make_start
from inference.vision.learning.adapters.manifest import read_manifest
from inference.vision.learning.adapters.recipe import AdapterRecipe
from inference.vision.learning.recipes.contract import EpochFigures, RecipeContext, TrainedNetwork
from inference.vision.learning.recipes.settings import InputSettings, RecipeSettings, TrainingSettings
from inference.vision.learning.trained_network.description import Task
from inference.vision.learning.trained_network.input import prepare_input
from inference.vision.learning.trained_network.runtime import NetworkRuntime
from tests.toy_adapter import make_adapter


class Heard:
    """A listener that notes what it hears, and raises when it is told to."""

    def __init__(self, *, stop_at: str = "") -> None:
        self.stages: list[str] = []
        self.epochs: list[EpochFigures] = []
        self._stop_at = stop_at

    def progress(self, stage: str, done: int, total: int) -> None:
        self.stages.append(stage)
        if self._stop_at == stage and done >= 0 and stage != "extract":
            raise KeyboardInterrupt

    def epoch(self, figures: EpochFigures) -> None:
        self.epochs.append(figures)


def train(
    folder: Path, scratch: Path, *, task: Task = "classification", listener: Heard | None = None,
    options: Mapping[str, Any] | None = None, longest_s: float = 60.0,
) -> TrainedNetwork:  # fmt: skip
    launch = choose_launch(folder, read_manifest(folder), "subprocess")
    settings = RecipeSettings(
        input=InputSettings(64, 64), training=TrainingSettings(epochs=3), options=dict(options or {})
    )
    return AdapterRecipe(launch, task, longest_s=longest_s).train(
        draw_examples(), settings, RecipeContext(None), scratch=scratch, listener=listener or Heard()
    )


@pytest.mark.parametrize("task", ["classification", "detection"])
def test_its_network_takes_pixels_and_gives_what_all_networks_give(tmp_path: Path, task: Task) -> None:
    heard = Heard()
    network = train(make_adapter(tmp_path / "toy"), tmp_path / "scratch", task=task, listener=heard)
    assert [one.epoch for one in heard.epochs] == [1, 2, 3]
    assert network.description.licenses == {"toy": "MIT"}
    runtime = NetworkRuntime(network.graph, network.description)
    found = runtime.compute([prepare_input(one.load(), network.description) for one in draw_examples().of("val")])
    if task == "classification":
        assert found["probabilities"].shape == (6, 3)
        assert np.allclose(found["probabilities"].sum(axis=1), 1.0, atol=1e-5)
    else:
        assert found["boxes"].shape == (6, 8, 4)
        assert found["scores"].shape == (6, 8, 2)


def test_it_is_not_handed_the_test_images(tmp_path: Path) -> None:
    examples = draw_examples()
    assert {one.split for one in examples.examples} == {"train", "val"}  # the set itself has none: see the manifest
    heard = Heard()
    train(make_adapter(tmp_path / "toy"), tmp_path / "scratch", listener=heard)
    assert heard.epochs[0].images_seen == len(examples.examples)


def test_figures_of_its_own_are_kept_apart_from_ours(tmp_path: Path) -> None:
    network = train(make_adapter(tmp_path / "toy"), tmp_path / "scratch")
    assert network.val == {}
    assert network.figures["reported"] == {"macro_f1": 1.0}


def test_it_reaches_neither_the_network_nor_files_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-secret")
    secret = tmp_path / "secret.txt"
    secret.write_text("secret", encoding="utf-8")
    folder, scratch = tmp_path / "toy", tmp_path / "scratch"
    with socket.create_server(("127.0.0.1", 0)) as server:
        behavior = {
            "what": "outside",
            "port": server.getsockname()[1],
            "secret": str(secret),
            "paths": {"beside": str(tmp_path), "own": str(folder), "given": str(scratch / "given")},
        }
        network = train(make_adapter(folder, behavior=behavior), scratch)
    held = network.figures["held_apart"]
    if not all(held.values()):
        pytest.skip(f"this machine does not hold everything apart: {held}")
    tried = json.loads(network.figures["log"][0])
    assert tried == {
        "beside": "refused", "own": "refused", "given": "refused", "read": "refused", "network": "refused",
        "environment": [],
    }  # fmt: skip


def test_what_it_started_is_ended_with_it(tmp_path: Path) -> None:
    mark = f"mark-{tmp_path.name}-{time.time_ns()}"
    folder = make_adapter(tmp_path / "toy", behavior={"what": "fork", "mark": mark, "stay": True})
    with pytest.raises(ModelError) as caught:
        train(folder, tmp_path / "scratch", longest_s=3.0)
    assert caught.value.code == "adapter_timeout"
    deadline = time.monotonic() + 5.0
    while (left := _running(mark)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left == []


def _running(mark: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
        except OSError:
            continue
        if mark.encode() in words:
            found.append(path.parent.name)
    return found


@pytest.mark.parametrize(
    ("behavior", "changed", "code"),
    [
        ({"what": "hang"}, {"silent_s": 1.0}, "adapter_silent"),
        ({"what": "memory"}, {"memory_gib": 0.25}, "adapter_memory"),
        ({"what": "fail"}, {}, "adapter_failed"),
        ({"what": "nothing"}, {}, "adapter_result_invalid"),
        ({"what": "labels"}, {}, "adapter_result_invalid"),
        ({"what": "link", "secret": "/etc/hostname"}, {}, "adapter_result_invalid"),
        ({"what": "operators"}, {}, "adapter_graph_invalid"),
        ({"what": "nan"}, {}, "adapter_graph_invalid"),
        ({}, {"command": ["{python}", "missing.py"]}, "adapter_failed"),
        ({}, {"command": ["/nowhere/at/all"]}, "adapter_failed"),
    ],
    ids=lambda value: value.get("what", "") if isinstance(value, dict) else None,
)
def test_what_goes_wrong_in_it_has_an_error_of_its_own(
    tmp_path: Path, behavior: dict[str, Any], changed: dict[str, Any], code: str
) -> None:
    with pytest.raises(ModelError) as caught:
        train(make_adapter(tmp_path / "toy", behavior=behavior, **changed), tmp_path / "scratch")
    assert caught.value.code == code
    assert caught.value.params["name"] == "toy"


def test_the_reason_of_a_failure_is_its_own_last_words(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="the trainer has no idea"):
        train(make_adapter(tmp_path / "toy", behavior={"what": "fail"}), tmp_path / "scratch")


def test_chatter_and_lies_about_epochs_are_not_heard(tmp_path: Path) -> None:
    heard = Heard()
    network = train(make_adapter(tmp_path / "toy", behavior={"what": "chatter"}), tmp_path / "scratch", listener=heard)
    assert [one.epoch for one in heard.epochs] == [1, 2, 3]
    assert network.epochs_done == 99  # as it says of itself: no figure of ours stands on it


def test_who_stops_listening_ends_it(tmp_path: Path) -> None:
    folder = make_adapter(tmp_path / "toy", behavior={"what": "hang"})
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        train(folder, tmp_path / "scratch", listener=Heard(stop_at="start"))
    assert time.monotonic() - begun < 30.0


def test_an_option_that_it_does_not_know_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        train(make_adapter(tmp_path / "toy"), tmp_path / "scratch", options={"stepps": 3})
    assert caught.value.code == "config_invalid"


def test_a_task_that_it_does_not_know_is_refused(tmp_path: Path) -> None:
    folder = make_adapter(tmp_path / "toy")
    launch = choose_launch(folder, read_manifest(folder), "subprocess")
    with pytest.raises(ModelError) as caught:
        AdapterRecipe(launch, "segmentation")
    assert caught.value.code == "adapter_task"


def test_a_container_gets_no_network_and_read_only_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = tmp_path / "bin" / "docker"
    engine.parent.mkdir()
    engine.write_text("#!/bin/sh\nexit 0\n", encoding="utf-8")
    engine.chmod(0o755)
    monkeypatch.setenv("PATH", f"{engine.parent}:/usr/bin:/bin")
    folder = make_adapter(tmp_path / "toy", image="toy:1", python=None)
    launch = choose_launch(folder, read_manifest(folder), "auto")
    start = make_start(launch, ["train"], given=tmp_path / "g", made=tmp_path / "m", state=tmp_path / "s")
    words = " ".join(start.command)
    assert launch.mode == "container"
    assert "--network none --read-only --cap-drop ALL" in words
    assert f"{tmp_path / 'g'}:/given:ro" in words
    assert f"{folder}:/adapter:ro" in words
    assert words.endswith("toy:1 python3 train.py train /given /made /state")
    assert start.ending[1] == "kill"


def test_without_an_engine_a_container_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    folder = make_adapter(tmp_path / "toy", image="toy:1")
    with pytest.raises(ModelError) as caught:
        choose_launch(folder, read_manifest(folder), "container")
    assert caught.value.code == "adapter_no_engine"
    assert choose_launch(folder, read_manifest(folder), "auto").mode == "subprocess"


@pytest.mark.parametrize(
    "changed",
    [
        {"format": 2}, {"name": "Bad Name"}, {"tasks": ["pose"]}, {"command": []}, {"python": None}, {"surprise": 1},
        {"license": {"name": ""}}, {"license": None}, {"memory_gib": "much"}, {"memory_gib": 1e9},
        {"options": [{"name": "a", "kind": "int", "default": "x"}]}, {"license": {"name": "MIT", "file": "nothing"}},
    ],
    ids=str,
)  # fmt: skip
def test_a_manifest_that_is_not_understood_is_refused(tmp_path: Path, changed: dict[str, Any]) -> None:
    folder = make_adapter(tmp_path / "toy", **changed)
    with pytest.raises(ModelError) as caught:
        read_manifest(folder)
    assert caught.value.code == "adapter_manifest_invalid"


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff\xfe", b"[" * 5000, b"x" * 70_000])
def test_a_file_that_is_no_manifest_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "adapter.json").write_bytes(content)
    with pytest.raises(ModelError) as caught:
        read_manifest(tmp_path)
    assert caught.value.code == "adapter_manifest_invalid"


def test_a_folder_without_a_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        read_manifest(tmp_path)
    assert caught.value.code == "adapter_manifest_missing"
