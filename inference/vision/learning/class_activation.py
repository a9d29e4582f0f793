"""A backbone with a linear classifier as one graph: the labels' logits, and where in the image each has its evidence.

With a mean over the image before a linear layer, the same weights applied place by place are the class activation map
(Zhou et al., CVPR 2016). It equals Grad-CAM (Selvaraju et al., ICCV 2017) at that layer, up to Grad-CAM's division by
the number of places.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from inference.vision.learning.probe import Probe
from inference.vision.networks.graphs import GraphSpec, PortableGraph, build_module, convert_module

if TYPE_CHECKING:
    import torch

# A map is drawn so many times as large as its grid.
_DRAWN = 8
# A box holds what is at least this share of the map's highest value; Zhou et al. take .2 for whole objects.
BOX_SHARE = 0.5


def build_classifier(graph: GraphSpec, probe: Probe, weights: Path) -> torch.nn.Module:
    """Return the module from uint8 N×H×W×3 to logits N×K×1×1 and maps N×K×h×w, both float32.

    Its `features` is the layer whose maps are weighed (for Grad-CAM). Imports torch and timm (seconds). Raises
    ModelError(`backbone_weights_mismatch`).
    """
    import torch
    from torch.nn import functional

    trunk = build_module(graph, weights)
    kernel = torch.from_numpy(probe.weights.copy())[:, :, None, None]
    bias = torch.from_numpy(probe.bias.copy())

    class Classifier(torch.nn.Module):
        kernel: torch.Tensor
        bias: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.trunk = trunk
            self.features = torch.nn.Identity()
            self.register_buffer("kernel", kernel)
            self.register_buffer("bias", bias)

        def forward(self, batch: torch.Tensor) -> list[torch.Tensor]:
            levels = self.features(self.trunk(batch)[-1])
            maps = functional.conv2d(levels, self.kernel)
            logits = maps.mean(dim=(2, 3), keepdim=True) + self.bias[None, :, None, None]
            return [logits, maps]

    return Classifier().eval()


def convert_classifier(graph: GraphSpec, probe: Probe, weights: Path) -> PortableGraph:
    """Return the same for OpenVINO. Imports torch, timm and openvino (seconds)."""
    return convert_module(build_classifier(graph, probe, weights).requires_grad_(False), size_px=graph.size_px)


def draw_activation(activation: np.ndarray) -> np.ndarray:
    """Return what speaks for a label, drawn smoothly: float32 (h, w) to float32 (8·h, 8·w), 0 where nothing does."""
    rows, columns = activation.shape
    positive = np.maximum(activation, np.float32(0.0))
    drawn = cv2.resize(positive, (columns * _DRAWN, rows * _DRAWN), interpolation=cv2.INTER_LINEAR)
    return np.asarray(drawn, np.float32)
