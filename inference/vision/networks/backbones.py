"""The feature extractors that detection and similarity stand on, and how their weights are read.

A backbone is created together with what belongs to its weights (normalisation, input size, levels), and cut
off after the last level that is used.
"""

from __future__ import annotations

import hashlib
import importlib.util
import math
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inference.errors import ModelError
from inference.vision.networks.specifications import CARRIED, LEVELS, BackboneSpec, find_backbone, list_backbones

if TYPE_CHECKING:
    import torch

__all__ = [
    "CARRIED",
    "BackboneSpec",
    "carried_weights_path",
    "find_backbone",
    "hash_weights",
    "list_backbones",
    "load_trunk",
    "resolve_weights",
]


def carried_weights_path(name: str) -> Path | None:
    """Return the weights file that an installed package brings, or None. Does not import the package."""
    spec = find_backbone(name)
    if spec.carried_package is None or spec.carried_file is None:
        return None
    found = importlib.util.find_spec(spec.carried_package)
    if found is None or found.origin is None:
        return None
    path = Path(found.origin).parent / spec.carried_file
    return path if path.is_file() else None


def resolve_weights(spec: BackboneSpec, weights: Path | None) -> Path:
    """Return the given weights file, else the carried one; raises ModelError(`backbone_weights_missing`)."""
    path = weights if weights is not None else carried_weights_path(spec.name)
    if path is None or not path.is_file():
        raise ModelError("backbone_weights_missing", name=spec.name)
    return path


def hash_weights(path: Path) -> str:
    """Return the SHA-256 of a weights file, remembered for as long as its size and time stay the same."""
    status = path.stat()
    return _hash_file(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=32)
def _hash_file(path: Path, _byte_size: int, _modified_ns: int) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def load_trunk(spec: BackboneSpec, weights: Path, *, size_px: tuple[int, int]) -> torch.nn.Module:
    """Return the backbone up to its last used level, in evaluation mode, for inputs of `size_px` (height, width).

    The module takes float N×3×H×W, already normalised, and gives the list of its levels. Imports timm and
    torch (seconds). Raises ModelError(`backbone_weights_mismatch`) when a tensor is missing or of another shape.
    """
    import timm

    options: dict[str, Any] = {"img_size": size_px} if spec.strides[-1] == 14 else {}
    names = list(LEVELS[spec.name])
    # timm counts the stem of a ResNet as its first feature map.
    offset = 1 if "layer1" in names else 0
    trunk: Any = timm.create_model(
        spec.architecture,
        pretrained=False,
        features_only=True,
        out_indices=[names.index(level) + offset for level in spec.levels],
        **options,
    )
    if hasattr(trunk, "blocks"):
        # timm's EfficientNet features keep the blocks past the last level and run them for nothing.
        last_block = max(int(level.rpartition(".")[2]) for level in spec.levels)
        trunk.blocks = trunk.blocks[: last_block + 1]
    wanted: Mapping[str, torch.Tensor] = trunk.state_dict()
    state = _read_state(spec, weights)
    chosen: dict[str, torch.Tensor] = {}
    for key, tensor in wanted.items():
        given = state.get(key.removeprefix("model."))
        if given is None:
            raise ModelError("backbone_weights_mismatch", name=spec.name, detail=f"{key} is missing")
        if key.endswith("pos_embed") and given.shape != tensor.shape:
            given = _resample_positions(spec, given, trunk=trunk)
        if given.shape != tensor.shape:
            raise ModelError("backbone_weights_mismatch", name=spec.name, detail=f"{key} has another shape")
        chosen[key] = given
    trunk.load_state_dict(chosen, strict=True)
    module: torch.nn.Module = trunk.eval().requires_grad_(False)
    return module


def _resample_positions(spec: BackboneSpec, positions: torch.Tensor, *, trunk: Any) -> torch.Tensor:
    """Bring the position embeddings of a vision transformer to the grid of this input size."""
    from timm.layers.pos_embed import resample_abs_pos_embed

    if positions.ndim != 3 or math.isqrt(positions.shape[1] - 1) ** 2 != positions.shape[1] - 1:
        raise ModelError("backbone_weights_mismatch", name=spec.name, detail="pos_embed has another shape")
    inner = trunk.model
    resampled: torch.Tensor = resample_abs_pos_embed(
        positions, new_size=list(inner.patch_embed.grid_size), num_prefix_tokens=1
    )
    return resampled


def _read_state(spec: BackboneSpec, weights: Path) -> dict[str, torch.Tensor]:
    import pickle

    import torch

    if weights.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return dict(load_file(weights))
        except SafetensorError as error:
            raise ModelError("backbone_weights_mismatch", name=spec.name, detail=str(error)) from error
    try:
        state: dict[str, torch.Tensor] = torch.load(weights, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise ModelError("backbone_weights_mismatch", name=spec.name, detail="it cannot be read") from error
    return _rename_in_order(spec, state) if spec.carried else state


def _rename_in_order(spec: BackboneSpec, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Give the tensors of a carried package timm's names.

    The package holds the same tensors in the same order under other names; every shape and role (weight, bias,
    running mean …) is checked, so a file in another order cannot slip through.
    """
    import timm

    wanted: dict[str, torch.Tensor] = timm.create_model(spec.architecture, pretrained=False).state_dict()
    if set(wanted) == set(state):
        return state
    if len(wanted) != len(state):
        detail = f"{len(state)} tensors instead of {len(wanted)}"
        raise ModelError("backbone_weights_mismatch", name=spec.name, detail=detail)
    renamed: dict[str, torch.Tensor] = {}
    for (key, tensor), (theirs, given) in zip(wanted.items(), state.items(), strict=True):
        same_role = key.rpartition(".")[2] == theirs.rpartition(".")[2]
        if tensor.shape != given.shape or not same_role:
            raise ModelError("backbone_weights_mismatch", name=spec.name, detail=f"{key} has another shape")
        renamed[key] = given
    return renamed
