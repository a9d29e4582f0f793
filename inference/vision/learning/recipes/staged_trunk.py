"""A network whose last stages are trained: what lies before them stays, and is computed once where images stay, too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from inference.vision.learning.recipes.heads.pooled_trunk import join_classifier
from inference.vision.networks.graphs import GraphSpec, build_module

if TYPE_CHECKING:
    import torch

Stage = tuple[str, Sequence[Callable[["torch.Tensor"], "torch.Tensor"]]]


def list_stages(trunk: Any) -> list[Stage] | None:
    """Return a trunk's stages by the name of their level, the stem as the first without one; None for a transformer.

    One after another they give what the trunk gives.
    """
    if hasattr(trunk, "conv_stem"):
        return [
            ("", [trunk.conv_stem, trunk.bn1]),
            *((f"blocks.{place}", [block]) for place, block in enumerate(trunk.blocks)),
        ]
    children = list(trunk.named_children())
    if any(name == "layer1" for name, _ in children):
        stem = [child for name, child in children if not name.startswith("layer")]
        return [("", stem), *((name, [child]) for name, child in children if name.startswith("layer"))]
    return None


def build_staged_classifier(
    graph: GraphSpec, weights: Path, head: NDArray[np.float32], bias: NDArray[np.float32], *, stages: int
) -> torch.nn.Module:
    """Return the network of a head with its last `stages` free to be trained: pixels uint8 N×H×W×3 to logits N×K.

    It also takes what its `before` makes of pixels: the output of the part that stays, N×C×h×w, and the pooled numbers
    of the levels there, N×D. `whole` is the network that is exported, with the same weights; `can_freeze` says whether
    there is a part that stays. Batch normalization keeps the means that the weights came with: the few images of a step
    have none to speak of. Imports torch and timm (seconds). Raises ModelError(`backbone_weights_mismatch`).
    """
    import torch

    trunk: Any = build_module(graph, weights)
    whole: Any = join_classifier(trunk, graph.backbone.channels, head, bias)
    whole.requires_grad_(False)
    whole.head.requires_grad_(True)
    found = list_stages(trunk.trunk)
    if found is None:
        blocks = list(getattr(trunk.trunk, "model", trunk.trunk).blocks)
        for block in blocks[max(0, len(blocks) - stages) :]:
            block.requires_grad_(True)
        split = 0
    else:
        split = max(1, len(found) - stages)
        for _, layers in found[split:]:
            for layer in layers:
                layer.requires_grad_(True)  # type: ignore[attr-defined]
    before, after = (found[:split], found[split:]) if found is not None else ([], [])
    wanted = set(graph.backbone.levels)

    class StagedClassifier(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.whole = whole
            self.can_freeze = found is not None

        def before(self, pixels: torch.Tensor) -> list[torch.Tensor]:
            x = pixels.permute(0, 3, 1, 2).to(torch.float32) * trunk.scale + trunk.shift
            x, levels = _go_through(x, before, wanted)
            return [x, _pool(levels, x)]

        def forward(self, given: torch.Tensor, pooled: torch.Tensor | None = None) -> torch.Tensor:
            if not self.can_freeze:
                seen: torch.Tensor = whole.logits(trunk(given))
                return seen
            if pooled is None:
                with torch.no_grad():
                    given, pooled = self.before(given)
            x, levels = _go_through(given, after, wanted)
            logits: torch.Tensor = whole.head(torch.cat([pooled, _pool(levels, x)], dim=1))
            return logits

    return StagedClassifier().eval()


def _pool(levels: Sequence[torch.Tensor], like: torch.Tensor) -> torch.Tensor:
    """Return mean and maximum of the levels, N×D; D may be 0."""
    import torch

    parts = [part for level in levels for part in (level.mean(dim=(2, 3)), level.amax(dim=(2, 3)))]
    return torch.cat(parts, dim=1) if parts else like.new_zeros((len(like), 0))


def _go_through(x: torch.Tensor, stages: Sequence[Stage], wanted: set[str]) -> tuple[torch.Tensor, list[torch.Tensor]]:
    levels = []
    for name, layers in stages:
        for layer in layers:
            x = layer(x)
        if name in wanted:
            levels.append(x)
    return x, levels
