"""A small detector without anchors, on levels of a backbone: a pyramid, one head for all of its levels.

After FCOS (Tian et al., 2019) with a pyramid (Lin et al., 2017), group normalization, and scores that also say how well
the box fits (Li et al., "Generalized focal loss", 2020), so that no separate centerness is needed. Imports torch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch.nn import functional

from inference.vision.learning.dense.assignment import Grid
from inference.vision.learning.dense.trunk import Trunk

WIDTH = 48
_GROUPS = 8
# So rare is a cell that finds something, before anything was learned (Lin et al., "Focal loss", 2017).
_PRIOR = 0.01
# A box reaches so many cells in each direction where the network says 0.
_REACH_CELLS = 2.5
_LARGEST_LOG = 4.0
_BOX_WEIGHT = 2.0
# What a cell that is to find a box should score at least, however badly the box fits yet.
_LEAST_SCORE = 0.5


class Standardize(torch.nn.Module):
    """Brings every channel to mean 0 and spread 1, by figures that are measured once."""

    mean: torch.Tensor
    spread: torch.Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(1, channels, 1, 1))
        self.register_buffer("spread", torch.ones(1, channels, 1, 1))

    def measure(self, values: torch.Tensor) -> None:
        """Take the figures from maps N×C×h×w."""
        self.mean.copy_(values.mean(dim=(0, 2, 3), keepdim=True))
        self.spread.copy_(values.std(dim=(0, 2, 3), keepdim=True).clamp_min(1e-3))

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return the values standardized."""
        standard: torch.Tensor = (values - self.mean) / self.spread
        return standard


class DetectorHead(torch.nn.Module):
    """Levels at strides 4, 8, 16, 32 to logits N×Q×K and distances N×Q×4, in cells, of all cells of 8, 16 and 32."""

    def __init__(self, channels: Sequence[int], labels: int, width: int = WIDTH) -> None:
        super().__init__()
        self.standard = torch.nn.ModuleList(Standardize(count) for count in channels)
        self.fine = torch.nn.Conv2d(channels[0], width, 3, stride=2, padding=1)
        self.lateral = torch.nn.ModuleList(torch.nn.Conv2d(count, width, 1) for count in channels[1:])
        self.smooth = torch.nn.ModuleList(_block(width) for _ in channels[1:])
        self.tower = _block(width)
        self.score = torch.nn.Conv2d(width, labels, 3, padding=1)
        self.reach = torch.nn.Conv2d(width, 4, 3, padding=1)
        self.scales = torch.nn.Parameter(torch.zeros(len(channels) - 1))
        for one in (self.score, self.reach):
            torch.nn.init.normal_(one.weight, std=0.01)
            torch.nn.init.zeros_(one.bias)  # type: ignore[arg-type]
        torch.nn.init.constant_(self.score.bias, -math.log((1.0 - _PRIOR) / _PRIOR))  # type: ignore[arg-type]

    def measure(self, levels: Sequence[torch.Tensor]) -> None:
        """Take the spread of each channel from levels of a few images."""
        for standard, level in zip(self.standard, levels, strict=True):
            standard.measure(level)  # type: ignore[operator]

    def forward(self, levels: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return logits and distances."""
        standard = [one(level) for one, level in zip(self.standard, levels, strict=True)]
        maps = [one(level) for one, level in zip(self.lateral, standard[1:], strict=True)]
        for place in range(len(maps) - 1, 0, -1):
            maps[place - 1] = maps[place - 1] + functional.interpolate(maps[place], scale_factor=2.0, mode="nearest")
        maps[0] = maps[0] + self.fine(standard[0])
        logits, distances = [], []
        for place, smooth in enumerate(self.smooth):
            values = self.tower(smooth(maps[place]))
            logits.append(self.score(values).flatten(2))
            distances.append((self.reach(values) + self.scales[place]).flatten(2))
        reach = torch.cat(distances, dim=2).transpose(1, 2).clamp(max=_LARGEST_LOG)
        return torch.cat(logits, dim=2).transpose(1, 2), torch.exp(reach) * _REACH_CELLS


class DetectorNetwork(torch.nn.Module):
    """What is trained: the last stages of the backbone, and the head. Takes maps of the frozen stages."""

    centers: torch.Tensor
    strides: torch.Tensor

    def __init__(self, trunk: Trunk, labels: int, grid: Grid) -> None:
        super().__init__()
        self.trunk = trunk.trained
        self.head = DetectorHead(trunk.channels, labels)
        self.register_buffer("centers", torch.from_numpy(grid.centers), persistent=False)
        self.register_buffer("strides", torch.from_numpy(grid.strides).unsqueeze(1), persistent=False)

    def train(self, mode: bool = True) -> DetectorNetwork:
        """Train the head; the backbone's normalization keeps its figures."""
        super().train(mode)
        self.trunk.eval()
        return self

    def forward(self, maps: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return logits N×Q×K and boxes N×Q×4 (left, top, right, bottom in pixels of the input)."""
        logits, distances = self.head(self.trunk(maps))
        reach = distances * self.strides
        return logits, torch.cat([self.centers - reach[..., :2], self.centers + reach[..., 2:]], dim=2)


class DetectorGraph(torch.nn.Module):
    """What is exported: uint8 N×H×W×3 to boxes, in shares of the input, and scores."""

    size: torch.Tensor

    def __init__(self, trunk: Trunk, network: DetectorNetwork, size_px: tuple[int, int]) -> None:
        super().__init__()
        self.frozen = trunk.frozen
        self.network = network
        height, width = size_px
        self.register_buffer("size", torch.tensor([width, height, width, height], dtype=torch.float32))

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return boxes N×Q×4 and scores N×Q×K."""
        logits, boxes = self.network(self.frozen(images))
        return boxes / self.size, torch.sigmoid(logits)


def measure_loss(
    logits: torch.Tensor, boxes: torch.Tensor, owners: torch.Tensor, targets: torch.Tensor, labels: torch.Tensor
) -> torch.Tensor:
    """Return the sum of the loss over all cells, to be divided by the number of those that are to find a box.

    `owners` N×Q bool says which do, `targets` N×Q×4 their boxes in pixels, `labels` N×Q int64 their labels; −2 there
    stands for cells that are ignored. Quality focal loss of scores, GIoU (Rezatofighi et al., 2019) of boxes.
    """
    wanted = torch.zeros_like(logits)
    loss = logits.sum() * 0.0
    if bool(owners.any()):
        overlap, general = _compare(boxes[owners], targets[owners])
        quality = (1.0 - _LEAST_SCORE) * overlap.detach().clamp(0.0, 1.0) + _LEAST_SCORE
        place = torch.nonzero(owners)
        wanted[place[:, 0], place[:, 1], labels[owners]] = quality.to(wanted.dtype)
        loss = loss + _BOX_WEIGHT * (1.0 - general).sum()
    scores = torch.sigmoid(logits)
    each = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    each = each * (wanted - scores).abs().pow(2.0)
    counted = (labels != -2).unsqueeze(2)
    return loss + (each * counted).sum()


def _compare(found: torch.Tensor, real: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return IoU and generalized IoU of boxes M×4, one by one."""
    shared = (torch.minimum(found[:, 2:], real[:, 2:]) - torch.maximum(found[:, :2], real[:, :2])).clamp_min(0.0)
    around = torch.maximum(found[:, 2:], real[:, 2:]) - torch.minimum(found[:, :2], real[:, :2])
    inner = shared[:, 0] * shared[:, 1]
    areas = [(some[:, 2] - some[:, 0]) * (some[:, 3] - some[:, 1]) for some in (found, real)]
    union = (areas[0] + areas[1] - inner).clamp_min(1e-6)
    whole = (around[:, 0] * around[:, 1]).clamp_min(1e-6)
    overlap = inner / union
    return overlap, overlap - (whole - union) / whole


def _block(width: int) -> torch.nn.Module:
    return torch.nn.Sequential(
        torch.nn.Conv2d(width, width, 3, padding=1, bias=False),
        torch.nn.GroupNorm(_GROUPS, width),
        torch.nn.ReLU(inplace=True),
    )
