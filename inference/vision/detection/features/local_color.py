"""How the color of each place differs from that of its surroundings, as three more numbers of a patch.

A network that was trained to recognise things in any light and color hardly sees a faint stain. The difference between
a place and what is around it does not depend on exposure, shading or the shade of a batch, so it can be weighed
heavily: each channel counts by how much it varies on good parts. It is measured in CIE L*a*b* (CIE 15:2018), where
equal distances are about equally visible.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from inference.vision.detection.features.config import PatchConfig
from inference.vision.detection.scoring import valid_cells

# What belongs to a place and what surrounds it: Gaussian windows, their sigma in cells.
_PLACE_CELLS = 0.8
_SURROUNDINGS_CELLS = 3.0
# Lightness changes with relief and edges, too, which the network sees better: it counts less than color.
_CHANNEL_WEIGHTS = np.array([0.75, 1.0, 1.0])
# Channels of a gray camera are the same but for rounding: what is left then is lightness, which the network sees.
_GRAY_SPREAD = 0.05
# Less than this is noise of the camera: a product without any color must not have its noise weighed like color.
_LEAST_SPREAD = 0.5


@dataclass(frozen=True)
class LocalColor:
    """The columns that patches of `config` get for their color; `scale` float32 (3,) brings them to its features."""

    config: PatchConfig
    scale: np.ndarray

    def describe(self, pixels: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
        """Return float32 (3, P) for the cells of `grid` (rows, columns) of a prepared input, RGB uint8 (h, w, 3)."""
        if not self.scale.any():
            return np.zeros((3, grid[0] * grid[1]), np.float32)
        contrast = measure_color(pixels, grid, valid=valid_cells(self.config.preprocessing, grid))
        return np.asarray(contrast * self.scale[:, None], np.float32)


def measure_color(pixels: np.ndarray, grid: tuple[int, int], *, valid: np.ndarray | None) -> np.ndarray:
    """Return each cell's L*, a*, b* less those of its surroundings: float32 (3, P) of RGB uint8 (h, w, 3).

    Cells that are not `valid` (bool, P) have no say in the others', and get 0.
    """
    rows, columns = grid
    cells = cv2.resize(pixels, (columns, rows), interpolation=cv2.INTER_AREA)
    lab = np.asarray(cv2.cvtColor(cells.astype(np.float32) / np.float32(255.0), cv2.COLOR_RGB2LAB), np.float32)
    if valid is None:
        contrast = _blur(lab, _PLACE_CELLS) - _blur(lab, _SURROUNDINGS_CELLS)
    else:
        weight = valid.reshape(grid).astype(np.float32)
        place, surroundings = (
            _blur(lab * weight[..., None], sigma) / np.maximum(_blur(weight, sigma), 1e-6)[..., None]
            for sigma in (_PLACE_CELLS, _SURROUNDINGS_CELLS)
        )
        contrast = (place - surroundings) * weight[..., None]
    return np.ascontiguousarray(contrast.reshape(-1, 3).T)


def fit_local_color(colors: np.ndarray, patches: np.ndarray, config: PatchConfig) -> LocalColor:
    """Return what gives a* and b* the spread of `config.color_weight` of all features together.

    L* gets three quarters of it. Images of a gray camera get none of it: a scale of 0.

    `colors` float32 (3, n) are from `measure_color`, of good parts; `patches` float32 (D, m) those of some of them.
    """
    found = colors.std(axis=1, dtype=np.float64)
    if found[1:].max() < _GRAY_SPREAD:
        return LocalColor(config, np.zeros(3, np.float32))
    spread = np.maximum(found, _LEAST_SPREAD)
    features = np.sqrt(patches.var(axis=1, dtype=np.float64).sum())
    return LocalColor(config, np.asarray(config.color_weight * features * _CHANNEL_WEIGHTS / spread, np.float32))


def _blur(values: np.ndarray, sigma: float) -> np.ndarray:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE), np.float32)
