"""A light decoder of masks on the levels of a frozen backbone: from coarse to fine, a few convolutions.

As in semantic feature pyramids (Kirillov et al., "Panoptic feature pyramid networks", 2019), with one sum instead of
one branch a level. Imports torch.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional

from inference.vision.learning.dense.anchor_free import Standardize
from inference.vision.learning.dense.inputs import UNKNOWN

WIDTH = 32
_GROUPS = 8
# The logit of “nothing” above the others' before anything was learned.
_PRIOR = 3.0


class Decoder(torch.nn.Module):
    """Levels at strides 4, 8, 16, 32 to logits N×(K+1)×h×w at stride 4."""

    def __init__(self, channels: Sequence[int], labels: int, width: int = WIDTH) -> None:
        super().__init__()
        self.standard = torch.nn.ModuleList(Standardize(count) for count in channels)
        self.lateral = torch.nn.ModuleList(torch.nn.Conv2d(count, width, 1) for count in channels)
        self.smooth = torch.nn.ModuleList(_block(width) for _ in channels)
        self.name = torch.nn.Conv2d(width, labels + 1, 1)
        torch.nn.init.normal_(self.name.weight, std=0.01)
        with torch.no_grad():
            bias = torch.zeros(labels + 1)
            bias[0] = _PRIOR
            self.name.bias.copy_(bias)  # type: ignore[union-attr]

    def measure(self, levels: Sequence[torch.Tensor]) -> None:
        """Take the spread of each channel from levels of a few images."""
        for standard, level in zip(self.standard, levels, strict=True):
            standard.measure(level)  # type: ignore[operator]

    def forward(self, levels: Sequence[torch.Tensor]) -> torch.Tensor:
        """Return the logits."""
        maps = [
            lateral(standard(level))
            for lateral, standard, level in zip(self.lateral, self.standard, levels, strict=True)
        ]
        values = self.smooth[-1](maps[-1])
        for place in range(len(maps) - 2, -1, -1):
            larger = functional.interpolate(values, scale_factor=2.0, mode="bilinear", align_corners=False)
            values = self.smooth[place](maps[place] + larger)
        logits: torch.Tensor = self.name(values)
        return logits


class DecoderNetwork(torch.nn.Module):
    """The decoder as a head: levels to probabilities."""

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, levels: list[torch.Tensor]) -> torch.Tensor:
        """Return probabilities N×(K+1)×h×w at stride 4."""
        return torch.softmax(self.decoder(levels), dim=1)


def measure_pixel_loss(
    logits: torch.Tensor, truth: torch.Tensor, balance: torch.Tensor, normalizer: float, share: float
) -> torch.Tensor:
    """Return cross-entropy over known pixels plus the soft Dice loss of defects (Milletari et al., "V-Net", 2016).

    `truth` is int64 N×h×w, UNKNOWN where nothing is learned; `balance` (K+1,) how much pixels of each label count;
    `normalizer` the number of known pixels of the whole batch, `share` the part of the batch that this is.
    """
    known = truth != UNKNOWN
    target = torch.where(known, truth, torch.zeros_like(truth))
    logs = torch.log_softmax(logits, dim=1)
    picked = -logs.gather(1, target.unsqueeze(1)).squeeze(1)
    entropy = (picked * balance[target] * known).sum() / normalizer
    probabilities = logs.exp()[:, 1:] * known.unsqueeze(1)
    wanted = functional.one_hot(target, logits.shape[1]).permute(0, 3, 1, 2)[:, 1:].to(logits.dtype)
    wanted = wanted * known.unsqueeze(1)
    axes = (0, 2, 3)
    shared, both = (probabilities * wanted).sum(axes), probabilities.sum(axes) + wanted.sum(axes)
    there = wanted.sum(axes) > 0
    dice = (1.0 - (2.0 * shared + 1.0) / (both + 1.0)) * there
    return entropy + share * dice.sum() / there.sum().clamp_min(1)


def _block(width: int) -> torch.nn.Module:
    return torch.nn.Sequential(
        torch.nn.Conv2d(width, width, 3, padding=1, bias=False),
        torch.nn.GroupNorm(_GROUPS, width),
        torch.nn.ReLU(inplace=True),
    )
