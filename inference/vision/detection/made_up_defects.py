"""Defects made up on good images, where there are no real ones: a turned piece of the part is pasted somewhere else.

After Li et al., "CutPaste", CVPR 2021. What a model says of them is an estimate, no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from inference.vision.images.preprocessing import Pixels

_SEED = 0


def make_up_defects(normals: Iterable[Pixels]) -> Iterator[Pixels]:
    """Yield each image with a turned piece of itself pasted elsewhere, a little brighter or darker. Deterministic."""
    for index, pixels in enumerate(normals):
        yield make_up_defect(pixels, index=index)


def make_up_defect(pixels: Pixels, *, index: int) -> Pixels:
    """Return the image with the defect that the one at `index` of many images gets."""
    return _paste_piece(pixels, np.random.default_rng((_SEED, index)))


def _paste_piece(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    height, width = pixels.shape[:2]
    side = max(2, round(min(height, width) * float(rng.uniform(0.03, 0.08))))
    if side >= min(height, width):
        return pixels

    def somewhere() -> tuple[int, int]:
        return int(rng.integers(0, height - side + 1)), int(rng.integers(0, width - side + 1))

    (from_y, from_x), (to_y, to_x) = somewhere(), somewhere()
    piece = np.rot90(pixels[from_y : from_y + side, from_x : from_x + side])
    shift = float(rng.choice([-1.0, 1.0]) * rng.uniform(4, 20))
    changed = pixels.copy()
    changed[to_y : to_y + side, to_x : to_x + side] = np.clip(piece + shift, 0, 255).astype(np.uint8)
    return changed
