"""Every backbone that can be chosen, with the weights that are carried or with random ones saved and given by path."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inference.errors import ModelError
from inference.vision.detection.detector import ImageSource
from inference.vision.detection.patchcore.config import PatchCoreConfig
from inference.vision.detection.patchcore.patchcore import PatchCore
from inference.vision.networks.backbones import carried_weights_path, find_backbone, list_backbones, load_trunk
from inference.vision.networks.pooling.embedder import open_embedder
from inference.vision.networks.weights import check_weights_file, convert_checkpoint

CARRIED = [spec.name for spec in list_backbones() if spec.carried]
BROUGHT = [spec.name for spec in list_backbones() if not spec.carried]


def save_random_weights(name: str, folder: Path, *, suffix: str = ".safetensors") -> Path:
    """Save the file that a person would bring: all tensors of the architecture under timm's names."""
    import timm
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(5)
    state = timm.create_model(find_backbone(name).architecture, pretrained=False).state_dict()
    path = folder / f"{name}{suffix}"
    if suffix == ".safetensors":
        save_file({key: tensor.contiguous() for key, tensor in state.items()}, path)
    else:
        torch.save(state, path)
    return path


def draw(seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(128, 40, (96, 96, 3))
    return np.asarray(noise.clip(0, 255), dtype=np.uint8)


def fit(name: str, weights: Path | None) -> PatchCore:
    size_px = 112 if name.startswith("dinov2") else 96
    config = PatchCoreConfig(backbone=name, input_size_px=size_px, min_bank_size=60, max_bank_size=60)
    made = [ImageSource(f"image:{seed}", lambda seed=seed: draw(seed)) for seed in range(3)]  # type: ignore[misc]
    return PatchCore.fit(made, config, device="cpu", weights=weights)


def test_the_lite_networks_are_carried_and_the_others_are_not() -> None:
    assert CARRIED == ["efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"]
    assert all(carried_weights_path(name) is not None for name in CARRIED)
    assert all(carried_weights_path(name) is None for name in BROUGHT)


@pytest.mark.parametrize("spec", list_backbones(), ids=lambda spec: spec.name)
def test_levels_normalization_and_strides_are_those_of_timm(spec: object) -> None:
    import timm
    from timm.models import get_pretrained_cfg

    from inference.vision.networks.backbones import BackboneSpec

    assert isinstance(spec, BackboneSpec)
    tag = spec.source.rpartition(".")[2] if spec.source.startswith("timm/") else "in1k"
    known: Any = get_pretrained_cfg(f"{spec.architecture}.{tag}")
    assert (known.mean, known.std) == (spec.mean, spec.std)
    assert known.license.replace("-", "").lower() == spec.licence.replace("-", "").lower()
    if not spec.name.startswith("dinov2"):
        trunk: Any = timm.create_model(spec.architecture, pretrained=False, features_only=True)
        info = trunk.feature_info
        by_name = dict(zip(info.module_name(), zip(info.channels(), info.reduction(), strict=True), strict=True))
        assert [by_name[level] for level in spec.levels] == list(zip(spec.channels, spec.strides, strict=True))


@pytest.mark.parametrize("name", CARRIED)
def test_a_carried_classifier_with_renamed_tensors_takes_a_checkerboard_for_a_crossword(name: str) -> None:
    # The weights are ImageNet's under the right names: of 1,000 classes it finds number 918, crossword puzzle.
    import timm
    import torch

    from inference.vision.networks.backbones import read_state

    spec = find_backbone(name)
    path = carried_weights_path(name)
    assert path is not None
    network = timm.create_model(spec.architecture, pretrained=False).eval()
    network.load_state_dict(read_state(spec, path), strict=True)
    board = np.kron(np.indices((8, 8)).sum(axis=0) % 2, np.ones((32, 32))).astype(np.float32)
    batch = torch.from_numpy(board[None, None].repeat(3, axis=1)) * 2 - 1
    with torch.inference_mode():
        found = int(network(batch).argmax())
    assert found == 918


@pytest.mark.parametrize("name", [CARRIED[1], pytest.param(CARRIED[2], marks=pytest.mark.full)])
def test_patchcore_and_embeddings_work_on_every_carried_backbone(name: str) -> None:
    model = fit(name, None)
    assert np.isfinite(model.inspect(draw(9)).score)
    embedder = open_embedder(name, device="cpu")
    assert embedder.embed([draw(1)]).shape == (1, embedder.dimension)


@pytest.mark.parametrize(
    "name",
    [
        "resnet18",
        pytest.param("dinov2_vits14", marks=pytest.mark.full),
        pytest.param("wide_resnet50_2", marks=pytest.mark.full),
    ],
)
def test_patchcore_and_embeddings_work_on_a_weights_file_that_is_given(name: str, tmp_path: Path) -> None:
    path = save_random_weights(name, tmp_path)
    check_weights_file(name, path)
    model = fit(name, path)
    model.save(tmp_path / "b")
    # On the CPU the bundle carries the graph: the weights file may be gone by then.
    loaded = PatchCore.load(tmp_path / "b", device="cpu")
    assert loaded.inspect(draw(9)).score == pytest.approx(model.inspect(draw(9)).score, rel=1e-4)
    embedder = open_embedder(name, device="cpu", weights=path)
    assert np.isfinite(embedder.embed([draw(1)])).all()


def test_a_trunk_ends_with_its_last_level(tmp_path: Path) -> None:
    spec = find_backbone("resnet18").with_levels(("layer1", "layer2"))
    trunk = load_trunk(spec, save_random_weights("resnet18", tmp_path), size_px=(96, 96))
    assert not any(key.startswith(("layer3", "layer4", "fc")) for key in trunk.state_dict())


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5000])


def _text(path: Path) -> None:
    path.write_text("these are no weights")


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _not_finite(path: Path) -> None:
    from safetensors.torch import load_file, save_file

    state = load_file(path)
    state["conv1.weight"][0, 0, 0, 0] = float("nan")
    save_file(state, path)


def _other_shape(path: Path) -> None:
    from safetensors.torch import load_file, save_file

    state = load_file(path)
    state["conv1.weight"] = state["conv1.weight"][:32].clone()
    save_file(state, path)


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (_cut, "backbone_weights_mismatch"),
        (_text, "backbone_weights_format"),
        (_empty, "backbone_weights_format"),
        (_not_finite, "backbone_weights_mismatch"),
        (_other_shape, "backbone_weights_mismatch"),
    ],
)
def test_a_wrong_or_damaged_weights_file_is_refused(damage: object, code: str, tmp_path: Path) -> None:
    path = save_random_weights("resnet18", tmp_path)
    assert callable(damage)
    damage(path)
    with pytest.raises(ModelError) as caught:
        check_weights_file("resnet18", path)
    assert caught.value.code == code


def test_the_weights_of_another_backbone_are_refused(tmp_path: Path) -> None:
    path = save_random_weights("resnet18", tmp_path)
    with pytest.raises(ModelError) as caught:
        check_weights_file("dinov2_vits14", path)
    assert caught.value.code == "backbone_weights_mismatch"


def test_a_checkpoint_is_rewritten_as_safetensors_and_one_that_runs_code_is_refused(tmp_path: Path) -> None:
    import os
    import pickle

    checkpoint = save_random_weights("resnet18", tmp_path, suffix=".pth")
    with pytest.raises(ModelError) as refused:
        check_weights_file("resnet18", checkpoint)
    assert refused.value.code == "backbone_weights_format"
    convert_checkpoint("resnet18", checkpoint, tmp_path / "resnet18.safetensors")
    check_weights_file("resnet18", tmp_path / "resnet18.safetensors")

    class Attack:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "ran"),)

    (tmp_path / "attack.pth").write_bytes(pickle.dumps({"conv1.weight": Attack()}, protocol=2))
    with pytest.raises(ModelError):
        convert_checkpoint("resnet18", tmp_path / "attack.pth", tmp_path / "attack.safetensors")
    assert not (tmp_path / "ran").exists()
