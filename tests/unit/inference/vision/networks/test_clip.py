"""CLIP with a tiny model of random weights: kept and read as safetensors, images and words in one space, no network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inference.errors import ModelError
from inference.vision.networks.clip import networks as clip_networks
from inference.vision.networks.clip.embedder import open_clip_embedder
from inference.vision.networks.clip.model import build_clip
from inference.vision.networks.clip.networks import ClipSpec, find_clip
from inference.vision.networks.weights import check_weights_file, convert_checkpoint

NAME = "clip_vit_b_32"


def tiny(spec: ClipSpec) -> ClipSpec:
    return replace(
        spec,
        dimension=16,
        input_size_px=32,
        layers=1,
        width=64,
        patch_px=16,
        text_layers=1,
        text_width=32,
        text_heads=2,
    )


@pytest.fixture(autouse=True)
def _tiny_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(clip_networks.CLIP_SPECS, NAME, tiny(find_clip(NAME)))


def save_weights(path: Path, **changes: Any) -> Path:
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    state = {key: tensor.clone().contiguous() for key, tensor in build_clip(find_clip(NAME), None).state_dict().items()}
    state |= changes
    save_file({key: tensor for key, tensor in state.items() if tensor is not None}, path)
    return path


def test_images_and_words_become_unit_vectors_that_compare(tmp_path: Path) -> None:
    embedder = open_clip_embedder(NAME, weights=save_weights(tmp_path / "w.safetensors"), device="cpu", threads=1)
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 255, (40 + place, 60, 3), dtype=np.uint8) for place in range(10)]
    vectors = embedder.embed(images)
    assert vectors.shape == (10, 16)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(10), abs=1e-5)
    # In batches as one by one, and the same again.
    assert vectors[9] == pytest.approx(embedder.embed([images[9]])[0], abs=1e-5)
    words = embedder.embed_texts(["a scratch near the edge", "a scratch near the edge", "a hole"])
    assert words.shape == (3, 16)
    assert words[0] == pytest.approx(words[1], abs=1e-6)
    assert abs(float(words[0] @ words[2])) < 0.9999
    assert embedder.embed_texts(["scratch " * 500]).shape == (1, 16)


def test_other_weights_have_another_key(tmp_path: Path) -> None:
    import torch

    first = open_clip_embedder(NAME, weights=save_weights(tmp_path / "a.safetensors"), device="cpu")
    other = save_weights(tmp_path / "b.safetensors", logit_scale=torch.tensor(1.5))
    assert open_clip_embedder(NAME, weights=other, device="cpu").key != first.key
    assert first.preparation["size_px"] == [32, 32]


@pytest.mark.parametrize("fault", ["missing", "shape", "garbage", "absent", "pickle"])
def test_weights_that_do_not_belong_are_refused_by_name(fault: str, tmp_path: Path) -> None:
    import torch

    path = tmp_path / "w.safetensors"
    if fault == "missing":
        save_weights(path, text_projection=None)
    elif fault == "shape":
        save_weights(path, text_projection=torch.zeros(3, 3))
    elif fault == "garbage":
        path.write_bytes(b"no weights at all")
    elif fault == "pickle":
        path = tmp_path / "w.pt"
        path.write_bytes(b"\x80\x04.")

    def take() -> None:
        if fault in {"pickle", "garbage"}:
            check_weights_file(NAME, path)
        else:
            open_clip_embedder(NAME, weights=path, device="cpu")

    with pytest.raises(ModelError) as caught:
        take()
    codes = {"absent": "missing", "pickle": "format", "garbage": "format"}
    assert caught.value.code == f"backbone_weights_{codes.get(fault, 'mismatch')}"


def test_a_training_checkpoint_is_rewritten_as_weights(tmp_path: Path) -> None:
    import torch

    torch.manual_seed(0)
    state = build_clip(find_clip(NAME), None).state_dict()
    checkpoint = tmp_path / "epoch.pt"
    torch.save({"epoch": 32, "state_dict": {f"module.{key}": value for key, value in state.items()}}, checkpoint)
    target = tmp_path / "w.safetensors"
    convert_checkpoint(NAME, checkpoint, target)
    check_weights_file(NAME, target)
    assert open_clip_embedder(NAME, weights=target, device="cpu").dimension == 16
