"""Networks on CUDA without a GPU: stand-ins that are told to be on one, and say where and how they were asked."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from inference.errors import ModelError
from inference.language.grounding import detectors
from inference.language.grounding.folder import OWLV2
from inference.vision.learning.dense.training_loop import reproducible
from inference.vision.learning.recipes.epochs.determinism import determined
from inference.vision.networks import runtime
from inference.vision.networks.backbones import find_backbone
from inference.vision.networks.clip import embedder as clip
from inference.vision.networks.graphs import GraphSpec, PortableGraph
from inference.vision.networks.runtime import Device, RuntimeCache, open_runtime
from inference.vision.networks.torch_runtime import FeatureRuntime, SparingRuntime, TorchRuntime, compute_on
from tests.grounding_folders import write_owlv2

GRAPH = GraphSpec(find_backbone("efficientnet_lite0"), (64, 64))
BATCH = np.zeros((1, 64, 64, 3), np.uint8)
FULL, LOST = ModelError("out_of_memory", device="cuda"), ModelError("device_failed", device="cuda", detail="lost")


@pytest.fixture(autouse=True)
def _switches() -> Iterator[None]:
    """Begin with torch's own choice, and leave it behind."""
    torch.backends.cudnn.allow_tf32 = True
    yield
    torch.backends.cudnn.allow_tf32 = True


class OnGpu:
    """A module that says on which thread it was asked, and what torch was allowed then."""

    def __init__(self, error: Exception | None = None) -> None:
        self.threads: set[int] = set()
        self.allowed_tf32: set[bool] = set()
        self._error = error

    def eval(self) -> OnGpu:
        return self

    def to(self, device: str) -> OnGpu:
        assert device == "cuda"
        if self._error is not None:
            raise self._error
        return self

    def __call__(self, batch: torch.Tensor) -> list[torch.Tensor]:
        self.threads.add(threading.get_ident())
        self.allowed_tf32.add(torch.backends.cudnn.allow_tf32)
        return [batch.float()]


class Fixed:
    """A runtime that gives one number everywhere, or an error."""

    def __init__(self, name: str, value: float) -> None:
        self.name, self.graph = name, GRAPH
        self.error: ModelError | None = None
        self.value, self.asked = value, 0

    def features(self, batch: np.ndarray) -> list[np.ndarray]:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return [np.full((len(batch), 1), self.value, np.float32)]


def open_stub(monkeypatch: pytest.MonkeyPatch, module: Any) -> TorchRuntime:
    monkeypatch.setattr(torch.Tensor, "to", lambda self, *_where: self)
    return TorchRuntime(GRAPH, module, device="cuda", threads=1)


def test_whoever_asks_a_network_on_cuda_it_computes_in_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    modules = [OnGpu(), OnGpu()]
    runtimes = [open_stub(monkeypatch, module) for module in modules]
    for place in range(6):
        with ThreadPoolExecutor(1) as fresh:
            fresh.submit(runtimes[place % 2].features, BATCH).result()
    assert len(modules[0].threads | modules[1].threads) == 1
    assert threading.get_ident() not in modules[0].threads
    assert compute_on("cpu", threading.get_ident, threads=1) == threading.get_ident()


def test_float32_stays_float32_while_other_networks_come_and_go(monkeypatch: pytest.MonkeyPatch) -> None:
    module = OnGpu()
    opened = open_stub(monkeypatch, module)
    opened.features(BATCH)
    assert module.allowed_tf32 == {False}
    # One that ends its computing must not turn on for another what it found on.
    assert not torch.backends.cudnn.allow_tf32


def test_a_training_on_cuda_judges_in_float32() -> None:
    with determined(0, device="cuda", threads=1):
        assert not torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = True
    with reproducible(0):
        assert not torch.backends.cudnn.allow_tf32


def test_the_cpu_stands_in_while_the_gpu_is_full(caplog: pytest.LogCaptureFixture) -> None:
    gpu, cpu = Fixed("torch-cuda", 1.0), Fixed("openvino-cpu", 2.0)
    spared = SparingRuntime(gpu, lambda: cpu)
    assert spared.features(BATCH)[0][0, 0] == 1.0
    gpu.error = FULL
    with caplog.at_level(logging.WARNING):
        assert spared.features(BATCH)[0][0, 0] == 2.0
    assert "the GPU is left out" in caplog.text
    gpu.error = None
    assert spared.features(BATCH)[0][0, 0] == 1.0
    assert (spared.name, cpu.asked) == ("torch-cuda", 1)


def test_a_gpu_that_failed_is_not_asked_again() -> None:
    gpu, cpu = Fixed("torch-cuda", 1.0), Fixed("openvino-cpu", 2.0)
    gpu.error = LOST
    spared = SparingRuntime(gpu, lambda: cpu)
    assert [spared.features(BATCH)[0][0, 0] for _ in range(2)] == [2.0, 2.0]
    assert (gpu.asked, spared.name) == (1, "openvino-cpu")


def test_what_is_wrong_with_the_image_is_not_the_gpus_fault() -> None:
    gpu, cpu = Fixed("torch-cuda", 1.0), Fixed("openvino-cpu", 2.0)
    gpu.error = ModelError("image_wrong_shape", shape=(1,), dtype="uint8")
    with pytest.raises(ModelError, match="image"):
        SparingRuntime(gpu, lambda: cpu).features(BATCH)
    assert cpu.asked == 0


@pytest.mark.parametrize("error", [FULL, LOST], ids=lambda error: error.code)
def test_a_gpu_without_room_for_the_network_is_left_out_where_none_was_asked_for(
    error: ModelError, monkeypatch: pytest.MonkeyPatch
) -> None:
    cpu = Fixed("openvino-cpu", 2.0)

    def refuse(*_given: object, **_options: object) -> FeatureRuntime:
        raise error

    def choose(device: Device) -> str:
        return "cpu" if device == "cpu" else "cuda"

    monkeypatch.setattr(runtime, "choose_device", choose)
    monkeypatch.setattr(runtime, "RUNTIMES", RuntimeCache())
    monkeypatch.setattr(runtime, "build_module", lambda *_given: None)
    monkeypatch.setattr(runtime, "TorchRuntime", refuse)
    monkeypatch.setattr(runtime, "OpenVinoRuntime", lambda *_given, **_options: cpu)
    # Of a size that nobody else asks for: what a graph was converted to is remembered.
    graph, portable = GraphSpec(GRAPH.backbone, (32, 96)), PortableGraph(b"", b"")
    assert open_runtime(graph, portable=portable, device="auto") is cpu
    with pytest.raises(ModelError) as caught:
        open_runtime(graph, portable=portable, device="cuda")
    assert caught.value is error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (torch.OutOfMemoryError("CUDA out of memory."), "out_of_memory"),
        (RuntimeError("CUDA error: unknown error"), "device_failed"),
    ],
)
def test_a_network_that_the_gpu_does_not_take_is_said(
    error: Exception, code: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    weights = tmp_path / "weights.safetensors"
    weights.touch()
    monkeypatch.setattr(clip, "choose_device", lambda _device: "cuda")
    monkeypatch.setattr(clip, "build_clip", lambda *_given: OnGpu(error))
    with pytest.raises(ModelError) as caught:
        clip.open_clip_embedder("clip_vit_b_32", weights=weights)
    assert caught.value.code == code
    from transformers import Owlv2ForObjectDetection

    monkeypatch.setattr(detectors, "choose_device", lambda _device: "cuda")
    monkeypatch.setattr(Owlv2ForObjectDetection, "to", lambda _self, _where: OnGpu(error).to("cuda"))
    folder = write_owlv2(tmp_path / "owl")
    with pytest.raises(ModelError) as caught:
        detectors.open_grounder(OWLV2, folder, device="auto")
    assert caught.value.code == code
