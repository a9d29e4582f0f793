"""The network, its loss, and the graph from pixels to errors that inspection computes.

The error of a reconstruction is that of Bergmann et al., "Improving unsupervised defect segmentation by applying
structural similarity to autoencoders" (VISIGRAPP 2019), mixed with L1 as in Zhao et al., "Loss functions for image
restoration with neural networks" (IEEE TCI 3, 2017). Imports torch (seconds).
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from inference.vision.detection.autoencoder.config import CELL_PX, AutoencoderConfig
from inference.vision.networks.graphs import PortableGraph, convert_module

_SSIM_WINDOW, _SSIM_SIGMA = 11, 1.5  # as in Wang et al., IEEE TIP 13, 2004, with their two constants
_SSIM_C1, _SSIM_C2 = 0.01**2, 0.03**2


class Autoencoder(nn.Module):
    """Four halvings to a code and back: float N×3×H×W from 0 to 1 to the same, H and W multiples of 16."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        widths = [config.width, config.width * 2, config.width * 4, config.width * 4]
        down: list[nn.Module] = []
        before = 3
        for width in widths:
            down += [nn.Conv2d(before, width, 4, stride=2, padding=1), nn.BatchNorm2d(width), nn.LeakyReLU(0.1)]
            before = width
        self.encoder = nn.Sequential(*down, nn.Conv2d(before, config.code_channels, 1))
        up: list[nn.Module] = [nn.Conv2d(config.code_channels, before, 1), nn.LeakyReLU(0.1)]
        for width in [*reversed(widths[:-1]), config.width]:
            up += [
                nn.Upsample(scale_factor=2, mode="nearest"),
                nn.Conv2d(before, width, 3, padding=1),
                nn.BatchNorm2d(width),
                nn.LeakyReLU(0.1),
            ]
            before = width
        self.decoder = nn.Sequential(*up, nn.Conv2d(before, 3, 3, padding=1), nn.Sigmoid())

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return the reconstruction."""
        rebuilt: torch.Tensor = self.decoder(self.encoder(pixels))
        return rebuilt


def measure_errors(pixels: torch.Tensor, rebuilt: torch.Tensor, *, ssim_weight: float) -> torch.Tensor:
    """Return the error of each pixel: float N×3×H×W of two images from 0 to 1 to float N×1×H×W, 0 where equal."""
    window = _ssim_window(pixels)

    def average(values: torch.Tensor) -> torch.Tensor:
        padded = functional.pad(values, (_SSIM_WINDOW // 2,) * 4, mode="reflect")
        return functional.conv2d(padded, window, groups=3)

    mean, other = average(pixels), average(rebuilt)
    spread = average(pixels * pixels) - mean * mean
    spread_other = average(rebuilt * rebuilt) - other * other
    together = average(pixels * rebuilt) - mean * other
    ssim = (2.0 * mean * other + _SSIM_C1) * (2.0 * together + _SSIM_C2)
    ssim = ssim / ((mean * mean + other * other + _SSIM_C1) * (spread + spread_other + _SSIM_C2))
    errors = ssim_weight * (1.0 - ssim) + (1.0 - ssim_weight) * (pixels - rebuilt).abs()
    return errors.mean(dim=1, keepdim=True)


def _ssim_window(like: torch.Tensor) -> torch.Tensor:
    places = torch.arange(_SSIM_WINDOW, dtype=like.dtype) - _SSIM_WINDOW // 2
    weights = torch.exp(-(places**2) / (2.0 * _SSIM_SIGMA**2))
    weights = weights / weights.sum()
    return torch.outer(weights, weights).expand(3, 1, _SSIM_WINDOW, _SSIM_WINDOW).contiguous()


class ErrorGraph(nn.Module):
    """From uint8 N×H×W×3 to the mean error of each cell: float32 N×1×H/4×W/4."""

    def __init__(self, network: Autoencoder, *, ssim_weight: float) -> None:
        super().__init__()
        self.network = network
        self.ssim_weight = ssim_weight

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """Return the errors."""
        pixels = batch.permute(0, 3, 1, 2).to(torch.float32) / 255.0
        errors = measure_errors(pixels, self.network(pixels), ssim_weight=self.ssim_weight)
        return functional.avg_pool2d(errors, CELL_PX).clamp(min=0.0)


def export_graph(network: Autoencoder, config: AutoencoderConfig, size_px: tuple[int, int]) -> PortableGraph:
    """Return the graph for OpenVINO, any batch size, float32."""
    module = ErrorGraph(network, ssim_weight=config.ssim_weight).eval().requires_grad_(False)
    return convert_module(module, size_px=size_px)
