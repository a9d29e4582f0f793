"""Mean and maximum of a frozen network's levels as the numbers of an image, and the one graph that classifies by them.

For a linear layer on such numbers every logit is a sum over places: the mean of a level spreads a weight over all of
its places, the maximum puts it where the maximum is. So the evidence of a label can be drawn without approximation, in
the way of class activation maps (Zhou et al., CVPR 2016), also where maxima and several levels are used.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from inference.vision.learning.recipes.inputs import SIDE_STEP_PX, round_sides
from inference.vision.networks.graphs import GraphSpec, build_module
from inference.vision.networks.specifications import LEVELS, BackboneSpec, find_backbone

if TYPE_CHECKING:
    import torch

    from inference.vision.learning.recipes.settings import InputSettings

# What the cache of features is told: raise it when the same image gives other numbers.
POOLING = "mean-max-1"
_STRIDES = (8, 16, 32)
# What lies below a maximum by such a share of it has no part in its evidence, and less the nearer it is to that. A
# hundred times what two runtimes differ by: they must draw the same.
_HAIR = 1e-2
_SMALLEST = 1e-6


def pooled_graph(backbone: str, given: InputSettings) -> GraphSpec:
    """Return the graph from an input to the levels that are pooled: of strides 8, 16 and 32 where there are such.

    Raises ModelError(`backbone_unknown`).
    """
    spec = find_backbone(backbone)
    levels = tuple(name for name, (_, stride) in LEVELS[backbone].items() if stride in _STRIDES) or spec.levels
    chosen = spec.with_levels(levels)
    coarsest = chosen.strides[-1]
    # A vision transformer divides the image into patches of 14 px.
    step = SIDE_STEP_PX if SIDE_STEP_PX % coarsest == 0 else coarsest
    return GraphSpec(chosen, round_sides(given, step_px=step))


def pool_levels(levels: Sequence[np.ndarray]) -> NDArray[np.float32]:
    """Return mean and maximum over the places of each level, float32 C×h×w: float32 (2·ΣC,)."""
    parts = [part for level in levels for part in (level.mean(axis=(1, 2)), level.max(axis=(1, 2)))]
    return np.asarray(np.concatenate(parts), np.float32)


def count_features(backbone: BackboneSpec) -> int:
    """Return how many numbers an image has."""
    return 2 * backbone.dimension


def build_pooled_classifier(
    graph: GraphSpec, weights: Path, head: NDArray[np.float32], bias: NDArray[np.float32]
) -> torch.nn.Module:
    """Return the module from uint8 N×H×W×3 to probabilities N×K and activation N×K×h×w, float32 both.

    `head` float32 (K, D) and `bias` float32 (K,) are a linear layer on `pool_levels`. The mean of a label's activation
    over all places, plus its bias, is its logit. `trunk` gives the levels of the input, `logits` takes levels. Imports
    torch and timm (seconds). Raises ModelError(`backbone_weights_mismatch`).
    """
    return join_classifier(build_module(graph, weights), graph.backbone.channels, head, bias)


def join_classifier(
    trunk: torch.nn.Module, channels: Sequence[int], head: NDArray[np.float32], bias: NDArray[np.float32]
) -> torch.nn.Module:
    """Return the same on a module from uint8 N×H×W×3 to a list of levels with so many channels each."""
    import torch
    from torch.nn import functional

    class PooledClassifier(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.trunk = trunk
            self.head = torch.nn.Linear(head.shape[1], head.shape[0])
            with torch.no_grad():
                self.head.weight.copy_(torch.from_numpy(head.copy()))
                self.head.bias.copy_(torch.from_numpy(bias.copy()))

        def logits(self, levels: Sequence[torch.Tensor]) -> torch.Tensor:
            parts = [part for level in levels for part in (level.mean(dim=(2, 3)), level.amax(dim=(2, 3)))]
            found: torch.Tensor = self.head(torch.cat(parts, dim=1))
            return found

        def activation(self, levels: Sequence[torch.Tensor]) -> torch.Tensor:
            grid, start = _sides(levels[-1]), 0
            total: Any = 0
            for level, count in zip(levels, channels, strict=True):
                of_mean = self.head.weight[:, start : start + count]
                of_maximum = self.head.weight[:, start + count : start + 2 * count]
                start += 2 * count
                height, width = _sides(level)
                # Where a maximum is reached at several places, they share it. Two runtimes round differently: of
                # places that are equal, each would take another one, so all within a hair of it count. By how much
                # falls off steadily: at an edge a place would count for one runtime and not for the other.
                highest = level.amax(dim=(2, 3), keepdim=True)
                hair = (_HAIR * highest.abs()).clamp(min=_SMALLEST)
                reached = (1.0 - (highest - level) / hair).clamp(min=0.0)
                reached = reached / reached.sum(dim=(2, 3), keepdim=True)
                maps = functional.conv2d(level, of_mean[:, :, None, None])
                maps = maps + functional.conv2d(highest * reached, of_maximum[:, :, None, None]) * (height * width)
                factors = (height // grid[0], width // grid[1])
                total = total + (maps if factors == (1, 1) else functional.avg_pool2d(maps, factors))
            found: torch.Tensor = total
            return found

        def forward(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            levels = self.trunk(batch)
            return torch.softmax(self.logits(levels), dim=1), self.activation(levels)

    return PooledClassifier().eval()


def _sides(level: torch.Tensor) -> tuple[int, int]:
    """Return height and width of maps as numbers: an exporter that records would make them part of the graph."""
    return int(level.shape[-2]), int(level.shape[-1])
