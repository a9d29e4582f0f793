"""What the engine is given and what it loses: odd images, a device that goes away, memory that runs out for real."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from inference.artifact import MANIFEST_NAME
from inference.errors import ArtifactError, ModelError
from inference.vision.detection.detector import ImageSource
from inference.vision.detection.features.patch_extraction import extract_patches
from inference.vision.detection.patchcore.config import PatchCoreConfig
from inference.vision.detection.patchcore.cross_fit import cross_fit
from inference.vision.detection.patchcore.patchcore import PatchCore
from inference.vision.networks.runtime import OpenVinoRuntime

ROOT = Path(__file__).resolve().parent.parent.parent
CONFIG = PatchCoreConfig(input_size_px=64, min_bank_size=50, max_bank_size=100)
ODD = {
    "constant": np.full((64, 64, 3), 127, np.uint8),
    "1x1": np.zeros((1, 1, 3), np.uint8),
    "64x20000": np.tile(np.arange(200, dtype=np.uint8)[None, :, None], (64, 100, 3)),
}


def _noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(60, 190, (64, 64, 3)).astype(np.uint8)


def _sources(images: list[np.ndarray]) -> list[ImageSource]:
    return [ImageSource(str(place), lambda place=place: images[place]) for place in range(len(images))]  # type: ignore[misc]


@pytest.fixture(scope="module")
def model() -> PatchCore:
    return PatchCore.fit(_sources([_noise(seed) for seed in range(4)]), CONFIG, device="cpu")


@pytest.mark.parametrize("name", [pytest.param(name, marks=() if name == "1x1" else pytest.mark.full) for name in ODD])
def test_a_product_of_odd_images_is_built_and_inspected_with_finite_scores(name: str, model: PatchCore) -> None:
    for count in (1, 3):
        features = extract_patches(_sources([ODD[name]] * count), CONFIG, device="cpu")
        scores = cross_fit(features).scores
        assert len(scores) == count
        assert np.isfinite(list(scores.values())).all()
        assert np.isfinite(PatchCore.from_patches(features).inspect(_noise(9)).score)
    found = model.inspect(ODD[name])
    assert np.isfinite(found.score)
    assert np.isfinite(found.anomaly_map).all()


@pytest.mark.parametrize(
    "image",
    [
        np.full((8, 8, 3), np.nan, np.float32),
        np.zeros((8, 8, 3), np.uint16),
        np.zeros((8, 8, 4), np.uint8),
    ],
    ids=["NaN", "16-bit", "4 channels"],
)
def test_what_the_decoder_never_gives_is_skipped_by_name_in_a_build(image: np.ndarray) -> None:
    features = extract_patches(_sources([_noise(0), image, _noise(1)]), CONFIG, device="cpu")
    assert features.keys == ("0", "2")
    assert features.skipped["1"].code == "image_wrong_shape"


def test_features_that_are_no_numbers_never_make_a_part_ok(model: PatchCore) -> None:
    from inference.vision.detection.calibration import verdict

    assert verdict(float("nan"), 1.0, 2.0) == "review"


def test_a_device_that_goes_away_is_named(model: PatchCore, monkeypatch: pytest.MonkeyPatch) -> None:
    import openvino

    assert isinstance(model.runtime, OpenVinoRuntime)

    def infer(*_args: object, **_options: object) -> None:
        raise RuntimeError("the device was lost\nand more that nobody reads")

    with monkeypatch.context() as patch:
        patch.setattr(openvino.InferRequest, "infer", infer)
        with pytest.raises(ModelError) as caught:
            model.inspect(_noise(5))
    assert caught.value.code == "device_failed"
    assert caught.value.params["detail"] == "the device was lost"
    assert np.isfinite(model.inspect(_noise(5)).score)


def test_a_bundle_of_a_newer_format_is_not_called_damaged(model: PatchCore, tmp_path: Path) -> None:
    model.save(tmp_path / "b")
    manifest = tmp_path / "b" / MANIFEST_NAME
    document = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**document, "format_version": 99}))
    with pytest.raises(ArtifactError) as caught:
        PatchCore.load(tmp_path / "b", device="cpu")
    assert caught.value.code == "artifact_newer_format"
    assert caught.value.params["found"] == 99


_CHILD = """
import resource, sys
from benchmarks.bench_memory import DrawnRuntime, draw
from inference.errors import ModelError
from inference.vision.detection.features.feature_extraction import extract_features
from inference.vision.detection.detector import ImageSource
from inference.vision.detection.patchcore.config import PatchCoreConfig
from inference.vision.detection.patchcore.patchcore import PatchCore
config = PatchCoreConfig(even_light=False)
image = draw(0)
few = [ImageSource(str(place), lambda: image) for place in range(2)]
PatchCore.from_patches(extract_features(few, config, open_graph=DrawnRuntime))
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
limit = used + 200 * 1024 * 1024
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
many = [ImageSource(str(place), lambda: image) for place in range(1000)]
try:
    PatchCore.from_patches(extract_features(many, config, open_graph=DrawnRuntime))
except ModelError as error:
    print(error.code)
"""


def test_memory_that_really_runs_out_is_told_as_such() -> None:
    ended = subprocess.run([sys.executable, "-c", _CHILD], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == "out_of_memory"
