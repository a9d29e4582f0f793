"""The reference image is scored by every runtime of the machine, and one that differs is named."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from inference.artifact import Bundle, read_bundle
from inference.errors import ModelError
from inference.vision.detection import runtime_check
from inference.vision.detection.detector import ImageSource
from inference.vision.detection.patchcore.config import PatchCoreConfig
from inference.vision.detection.patchcore.patchcore import PatchCore
from inference.vision.detection.runtime_check import OPENVINO, TORCH_CPU, TORCH_CUDA, list_runtimes, verify_runtimes
from inference.vision.networks.graphs import GraphSpec
from inference.vision.networks.runtime import FeatureRuntime

CONFIG = PatchCoreConfig(input_size_px=64, min_bank_size=50, max_bank_size=100)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[PatchCore, Bundle]:
    folder = tmp_path_factory.mktemp("runtimes") / "bundle"
    rng = np.random.default_rng(3)
    images = [rng.integers(60, 180, (64, 64, 3)).astype(np.uint8) for _ in range(3)]
    sources = [ImageSource(str(place), lambda place=place: images[place]) for place in range(3)]  # type: ignore[misc]
    PatchCore.fit(sources, CONFIG, device="cpu").save(folder)
    return PatchCore.load(folder, device="cpu"), read_bundle(folder, kind="memory_bank")


class Bent:
    """A runtime whose features are a little larger than they should be."""

    name = TORCH_CPU

    def __init__(self, real: FeatureRuntime, factor: float) -> None:
        self.graph: GraphSpec = real.graph
        self._real, self._factor = real, np.float32(factor)

    def features(self, batch: np.ndarray) -> list[np.ndarray]:
        return [item * self._factor for item in self._real.features(batch)]


def test_openvino_and_torch_both_score_the_reference_image(built: tuple[PatchCore, Bundle]) -> None:
    model, bundle = built
    assert list_runtimes("cpu") == [OPENVINO, TORCH_CPU]
    assert verify_runtimes(model, bundle, extent="all", device="cpu") == (OPENVINO, TORCH_CPU)
    assert verify_runtimes(model, bundle, extent="own", device="cpu") == (OPENVINO,)


def test_a_runtime_that_differs_by_more_than_a_thousandth_is_refused_by_name(
    built: tuple[PatchCore, Bundle], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    model, bundle = built

    def bend(factor: float) -> None:
        monkeypatch.setattr(runtime_check, "open_named", lambda *_args, **_options: Bent(model.runtime, factor))

    bend(1.05)
    for _ in range(2):  # what was refused is not remembered as proven
        with pytest.raises(ModelError) as caught:
            verify_runtimes(model, bundle, device="cpu", memory=tmp_path)
        assert caught.value.code == "golden_mismatch"
        assert caught.value.params["runtime"] == TORCH_CPU
    bend(1.00001)
    assert TORCH_CPU in verify_runtimes(model, bundle, device="cpu", memory=tmp_path)


def test_a_runtime_that_agreed_on_a_graph_is_not_loaded_for_it_again(
    built: tuple[PatchCore, Bundle], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    model, bundle = built
    monkeypatch.setattr(runtime_check, "is_loaded", lambda _name: False)
    assert TORCH_CPU in verify_runtimes(model, bundle, device="cpu", memory=tmp_path)
    assert verify_runtimes(model, bundle, device="cpu", memory=tmp_path) == (OPENVINO,)
    assert TORCH_CPU in verify_runtimes(model, bundle, device="cpu", memory=tmp_path, extent="all")
    assert TORCH_CPU in verify_runtimes(model, bundle, device="cpu", memory=tmp_path / "another machine")


def test_a_runtime_whose_weights_are_not_here_is_not_available(built: tuple[PatchCore, Bundle], tmp_path: Path) -> None:
    model, bundle = built
    nowhere = tmp_path / "weights.safetensors"
    assert verify_runtimes(model, bundle, extent="all", device="cpu", find_weights=lambda _name: nowhere) == (OPENVINO,)


def test_a_machine_that_cannot_remember_asks_again(built: tuple[PatchCore, Bundle], tmp_path: Path) -> None:
    model, bundle = built
    file = tmp_path / "file"
    file.write_bytes(b"")
    assert TORCH_CPU in verify_runtimes(model, bundle, device="cpu", memory=file / "below")


def test_nothing_is_reported_to_the_maker_of_a_runtime() -> None:
    code = (
        "import sys, inference.vision.networks.runtime, openvino, openvino.tools.ovc.convert_impl as ovc\n"
        "assert sys.modules['openvino_telemetry'] is None\n"
        "assert ovc.tm.__name__ == 'openvino.tools.ovc.telemetry_stub', ovc.tm\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("code", ["out_of_memory", "device_failed"])
def test_a_gpu_that_is_full_or_fails_is_not_available_where_none_was_asked_for(
    code: str, built: tuple[PatchCore, Bundle], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, bundle = built

    def refuse(name: str, *_args: object, **_options: object) -> FeatureRuntime:
        raise ModelError(code, device="cuda", detail=name)

    monkeypatch.setattr(runtime_check, "list_runtimes", lambda _device: [OPENVINO, TORCH_CUDA])
    monkeypatch.setattr(runtime_check, "open_named", refuse)
    assert verify_runtimes(model, bundle, extent="all", device="auto") == (OPENVINO,)
    with pytest.raises(ModelError) as caught:
        verify_runtimes(model, bundle, extent="all", device="cuda")
    assert caught.value.code == code
