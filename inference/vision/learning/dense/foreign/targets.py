"""What a detector is taught of an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Targets:
    """Boxes of one image, float32 M×4 (left, top, right, bottom in pixels of the input), and their labels int64 M."""

    boxes: torch.Tensor
    labels: torch.Tensor
