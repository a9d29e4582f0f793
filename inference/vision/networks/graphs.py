"""The computation from pixels to patch features, as a torch module and as an OpenVINO graph.

Normalization, patch averaging and the merging of levels are part of the graph, so that every runtime
computes all of it from the same description.
"""

from __future__ import annotations

import hashlib
import tempfile
import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from inference.vision.networks.backbones import BackboneSpec, load_trunk

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class GraphSpec:
    """What a runtime computes.

    `size_px` is (height, width) of the input; `patch_window` the side of the window, in cells of each level,
    over which features are averaged (1: none); `merged` whether all levels are brought to the grid of
    the finest (bilinear) and joined into one map. `pooled` replaces every map by its mean and standard
    deviation over the image (N×2C×1×1), which is what similarity needs.
    """

    backbone: BackboneSpec
    size_px: tuple[int, int]
    patch_window: int = 1
    merged: bool = False
    pooled: bool = False


@dataclass(frozen=True)
class TrainedGraph:
    """A graph that holds all it needs, trained here: `name` says of what, `size_px` is (height, width) of the input."""

    name: str
    size_px: tuple[int, int]


# What every runtime has to know of its graph: the size of the input.
SizedGraph = TypeVar("SizedGraph", bound=GraphSpec | TrainedGraph)


@dataclass(frozen=True)
class PortableGraph:
    """An OpenVINO graph in float32, as the two files that make it up."""

    xml: bytes
    weights: bytes

    @cached_property
    def sha256(self) -> str:
        """Hash of both files."""
        return hashlib.sha256(hashlib.sha256(self.xml).digest() + self.weights).hexdigest()


def build_module(graph: GraphSpec, weights: Path) -> torch.nn.Module:
    """Build a torch module from uint8 N×H×W×3 to the list of float32 N×C×h×w maps of the graph."""
    import torch
    from torch.nn import functional

    trunk = load_trunk(graph.backbone, weights, size_px=graph.size_px)
    window = graph.patch_window

    class PatchGraph(torch.nn.Module):
        scale: torch.Tensor
        shift: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.trunk = trunk
            mean = torch.tensor(graph.backbone.mean).view(1, 3, 1, 1)
            std = torch.tensor(graph.backbone.std).view(1, 3, 1, 1)
            self.register_buffer("scale", 1.0 / (255.0 * std))
            self.register_buffer("shift", -mean / std)

        def forward(self, batch: torch.Tensor) -> list[torch.Tensor]:
            pixels = batch.permute(0, 3, 1, 2).to(torch.float32) * self.scale + self.shift
            levels: list[torch.Tensor] = list(self.trunk(pixels))
            if graph.pooled:
                means = [level.mean(dim=(2, 3), keepdim=True) for level in levels]
                spreads = [
                    ((level - mean) ** 2).mean(dim=(2, 3), keepdim=True).sqrt()
                    for level, mean in zip(levels, means, strict=True)
                ]
                pairs = zip(means, spreads, strict=True)
                levels = [torch.cat((mean, spread), dim=1) for mean, spread in pairs]
            if window > 1:
                levels = [functional.avg_pool2d(level, window, stride=1, padding=window // 2) for level in levels]
            if graph.merged:
                grid = levels[0].shape[-2:]
                levels = [
                    functional.interpolate(level, size=grid, mode="bilinear", align_corners=False)
                    if level.shape[-2:] != grid
                    else level
                    for level in levels
                ]
                levels = [torch.cat(levels, dim=1)]
            return levels

    return PatchGraph().eval().requires_grad_(False)


def convert_graph(graph: GraphSpec, weights: Path) -> PortableGraph:
    """Return the graph for OpenVINO, any batch size, float32. Imports torch, timm and openvino (seconds)."""
    return convert_module(build_module(graph, weights), size_px=graph.size_px)


def convert_module(module: torch.nn.Module, *, size_px: tuple[int, int]) -> PortableGraph:
    """Return a module from uint8 N×H×W×3 of `size_px` (height, width) for OpenVINO, any batch size, float32."""
    import openvino
    import torch

    height, width = size_px
    example = torch.zeros((2, height, width, 3), dtype=torch.uint8)
    with warnings.catch_warnings():
        # The converter traces the module with an interface that torch has marked as deprecated.
        warnings.simplefilter("ignore")
        converted = openvino.convert_model(
            module, example_input=example, input=[openvino.PartialShape([-1, height, width, 3])]
        )
    with tempfile.TemporaryDirectory(prefix="geomsa-graph-") as folder:
        path = Path(folder) / "graph.xml"
        openvino.save_model(converted, path, compress_to_fp16=False)
        return PortableGraph(xml=path.read_bytes(), weights=path.with_suffix(".bin").read_bytes())
