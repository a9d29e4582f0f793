"""A backbone in two parts: the stages that stay as they are, and the last ones, which may be trained with the head.

What the frozen part gives is the same in every epoch; so it is computed once, and kept (`features`). Imports torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from inference.errors import ModelError
from inference.vision.networks.backbones import load_trunk, resolve_weights
from inference.vision.networks.specifications import LEVELS, BackboneSpec, find_backbone

# Levels finer than this are large, and hold little that the next one lacks.
FINEST_STRIDE = 4
# More stages than any backbone has.
ALL_STAGES = 99
_SIDE_PX = 32


@dataclass(frozen=True)
class Trunk:
    """`frozen` takes uint8 N×H×W×3 and gives a list of maps; `trained` takes that list and gives all levels.

    `channels` and `strides` are those of the levels, finest first; `trained_stages` how many stages `trained` holds.
    """

    frozen: torch.nn.Module
    trained: torch.nn.Module
    channels: tuple[int, ...]
    strides: tuple[int, ...]
    trained_stages: int
    spec: BackboneSpec


class FrozenStages(torch.nn.Module):
    """Normalization and the first stages: uint8 N×H×W×3 to the maps of the stages in `given` (the last one is)."""

    scale: torch.Tensor
    shift: torch.Tensor

    def __init__(self, spec: BackboneSpec, stages: Sequence[torch.nn.Module], given: frozenset[int]) -> None:
        super().__init__()
        self.stages = torch.nn.ModuleList(stages)
        self.given = given
        mean = torch.tensor(spec.mean).view(1, 3, 1, 1)
        std = torch.tensor(spec.std).view(1, 3, 1, 1)
        self.register_buffer("scale", 1.0 / (255.0 * std))
        self.register_buffer("shift", -mean / std)

    def forward(self, batch: torch.Tensor) -> list[torch.Tensor]:
        """Return the maps of a batch."""
        values = batch.permute(0, 3, 1, 2).to(torch.float32) * self.scale + self.shift
        found = []
        for number, stage in enumerate(self.stages):
            values = stage(values)
            if number in self.given:
                found.append(values)
        return found


class TrainedStages(torch.nn.Module):
    """The last stages: the maps of the frozen ones to all levels. `passed` says how many of those maps are levels."""

    def __init__(self, stages: Sequence[torch.nn.Module], given: frozenset[int], passed: int) -> None:
        super().__init__()
        self.stages = torch.nn.ModuleList(stages)
        self.given = given
        self.passed = passed

    def forward(self, maps: list[torch.Tensor]) -> list[torch.Tensor]:
        """Return the levels, finest first."""
        found, values = list(maps[: self.passed]), maps[-1]
        for number, stage in enumerate(self.stages):
            values = stage(values)
            if number in self.given:
                found.append(values)
        return found


def input_size(height_px: int, width_px: int) -> tuple[int, int]:
    """Return (height, width) of a network's input: the sides rounded down to multiples of 32."""
    return max(_SIDE_PX, height_px // _SIDE_PX * _SIDE_PX), max(_SIDE_PX, width_px // _SIDE_PX * _SIDE_PX)


def find_dense_backbone(name: str) -> BackboneSpec:
    """Return the backbone with all its levels from stride 4 on.

    Raises ModelError: `backbone_unknown`, `dense_backbone_unsuited` for one whose levels are all equally coarse.
    """
    spec = find_backbone(name)
    levels = [level for level, (_, stride) in LEVELS[name].items() if stride >= FINEST_STRIDE]
    if len({LEVELS[name][level][1] for level in levels}) < 4:
        raise ModelError("dense_backbone_unsuited", name=spec.title)
    return spec.with_levels(tuple(levels))


def open_trunk(
    spec: BackboneSpec,
    weights: Path | None,
    *,
    size_px: tuple[int, int],
    trained_stages: int = 0,
    scratch: bool = False,
    seed: int = 0,
) -> Trunk:
    """Return the backbone in two parts, of which the last `trained_stages` are to be trained.

    With `scratch` its weights are random, drawn from the seed. The stem is never trained. Batch normalization keeps its
    figures: batches are small. Raises ModelError: `backbone_weights_missing`, `backbone_weights_mismatch`.
    """
    if scratch:
        torch.manual_seed(seed)
        trunk: Any = _create(spec)
    else:
        trunk = load_trunk(spec, resolve_weights(spec, weights), size_px=size_px)
    stages = _stages(trunk)
    names = [name for name, _ in stages]
    count = min(trained_stages, len(names) - 1)
    split = len(names) - count
    taken = frozenset(names.index(level) for level in spec.levels)
    passed = sum(1 for place in taken if place < split)
    frozen = FrozenStages(spec, [stage for _, stage in stages[:split]], taken & set(range(split)) | {split - 1})
    later = frozenset(place - split for place in taken if place >= split)
    trained = TrainedStages([stage for _, stage in stages[split:]], later, passed)
    frozen.eval().requires_grad_(False)
    trained.eval().requires_grad_(True)
    return Trunk(frozen, trained, spec.channels, spec.strides, count, spec)


def _create(spec: BackboneSpec) -> torch.nn.Module:
    import timm

    names = list(LEVELS[spec.name])
    offset = 1 if "layer1" in names else 0
    made: torch.nn.Module = timm.create_model(
        spec.architecture,
        pretrained=False,
        features_only=True,
        out_indices=[names.index(level) + offset for level in spec.levels],
    )
    return made.eval()


def _stages(trunk: Any) -> list[tuple[str, torch.nn.Module]]:
    """Return the stages of a network of timm by the names of their levels, the stem first."""
    if hasattr(trunk, "blocks"):
        stem = torch.nn.Sequential(trunk.conv_stem, trunk.bn1)
        return [("stem", stem), *((f"blocks.{place}", block) for place, block in enumerate(trunk.blocks))]
    parts = dict(trunk.named_children())
    stem = torch.nn.Sequential(*(part for name, part in parts.items() if not name.startswith("layer")))
    return [("stem", stem), *((name, part) for name, part in parts.items() if name.startswith("layer"))]
