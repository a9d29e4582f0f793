"""Groups of images that are exposures of one part: more alike in their details than parts of the product ever are.

Images of good parts look alike anyway. What tells one part from the next is fine: grain, scratches, how a thread lies.
So two images are first laid over each other (shift and turn, by ECC: Evangelidis & Psarakis, TPAMI 2008), and then
compared in their details alone, with the light taken out. Exposures of one part stand far above the rest there. Only
what stands out from all its members' sides makes a group: where every image is as near to many others (parts without
any detail of their own, two cameras, a fixture), none is made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from inference.parallel import map_blocks
from inference.vision.images.preprocessing import Pixels

FEWEST_IMAGES = 4
_DETAIL_PX, _ALIGN_PX, _COARSE_PX = 192, 96, 24
_DETAIL_SIGMA_PX, _ALIGN_SIGMA_PX = 1.5, 8.0
# Compared in detail with each image: the nearest at a coarse look, and those before and after it, because exposures of
# one part mostly come one after the other.
_NEAREST, _BESIDE = 8, 2
_ECC_STEPS, _ECC_BLUR_PX, _EDGE_PX = 25, 5, 6
_LEAST_OVERLAP = 0.5
# The details of two exposures correlate at least so much, and what is missing to 1 is at most this share of what is
# missing to the nearest other image.
_LEAST_LIKENESS, _MOST_MISSING = 0.6, 0.45
_BLOCK_PAIRS = 16


@dataclass(frozen=True)
class Exposures:
    """Images of one part: their places in the sequence, in order.

    `likeness` is the lowest correlation of details between two of them, `nearest_other` the highest of one of them
    with any other image (-1 where there is none to compare with).
    """

    places: tuple[int, ...]
    likeness: float
    nearest_other: float


def find_exposures(images: Sequence[Pixels], *, progress: Callable[[int, int], None] | None = None) -> list[Exposures]:
    """Return groups of images that are surely exposures of one part; no image is in two.

    `images` are RGB uint8 H×W×3 of any size (256 px on the longer side are enough), in the order in which they were
    taken or named. `progress` gets (pairs compared, all) and may raise to stop. With fewer than FEWEST_IMAGES images
    there is nothing to compare with, and no group. Time grows with the number of images: about 5 ms a pair, six pairs
    an image.
    """
    if len(images) < FEWEST_IMAGES:
        return []
    views = [_look(pixels) for pixels in images]
    pairs = _list_pairs(views)
    likeness = np.full((len(views), len(views)), -1.0, np.float32)
    blocks = [pairs[start : start + _BLOCK_PAIRS] for start in range(0, len(pairs), _BLOCK_PAIRS)]

    def compare(block: Sequence[tuple[int, int]]) -> list[float]:
        return [_compare(views[first], views[second]) for first, second in block]

    done = 0
    for start in range(0, len(blocks), 8):
        some = blocks[start : start + 8]
        for block, found in zip(some, map_blocks(compare, some), strict=True):
            for (first, second), value in zip(block, found, strict=True):
                likeness[first, second] = likeness[second, first] = value
            done += len(block)
        if progress is not None:
            progress(done, len(pairs))
    return group_exposures(likeness)


def group_exposures(likeness: npt.NDArray[np.float32]) -> list[Exposures]:
    """Return the groups in a symmetric matrix of correlations (n, n), -1 where two images were not compared.

    A group is what each of its members has above the largest step down in its own list of the nearest, and the step
    is large for all.
    """
    sets = [_stand_out(row, place) for place, row in enumerate(likeness)]
    groups = []
    for place, members in enumerate(sets):
        if len(members) < 2 or place != min(members) or any(sets[other] != members for other in members):
            continue
        places = sorted(members)
        inside = likeness[np.ix_(places, places)][~np.eye(len(places), dtype=bool)]
        others = np.delete(likeness[places], places, axis=1)
        # Every two of them were compared, or it is not known that they belong together.
        if float(inside.min()) >= _LEAST_LIKENESS:
            groups.append(Exposures(tuple(places), float(inside.min()), float(others.max(initial=-1.0))))
    return groups


def _stand_out(row: npt.NDArray[np.float32], place: int) -> frozenset[int]:
    order = [int(other) for other in np.argsort(-row, kind="stable") if other != place and row[other] > -1.0]
    missing = np.maximum(1.0 - row[order], 1e-4)
    steps = [
        (float(missing[count - 1] / missing[count]), count)
        for count in range(1, len(order))
        if row[order[count - 1]] >= _LEAST_LIKENESS
    ]
    ratio, count = min(steps, default=(1.0, 0))
    return frozenset([place, *order[:count]]) if ratio <= _MOST_MISSING else frozenset([place])


@dataclass(frozen=True)
class _View:
    details: npt.NDArray[np.float32]
    aligned_by: npt.NDArray[np.float32]
    coarse: npt.NDArray[np.float32]


def _look(pixels: Pixels) -> _View:
    gray = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    square = _resize(np.asarray(gray, np.float32), _DETAIL_PX)
    shape = _take_out_light(_resize(square, _ALIGN_PX), _ALIGN_SIGMA_PX)
    return _View(_take_out_light(square, _DETAIL_SIGMA_PX), shape, _resize(shape, _COARSE_PX).ravel())


def _resize(gray: npt.NDArray[np.float32], side_px: int) -> npt.NDArray[np.float32]:
    return np.asarray(cv2.resize(gray, (side_px, side_px), interpolation=cv2.INTER_AREA), np.float32)


def _take_out_light(gray: npt.NDArray[np.float32], sigma_px: float) -> npt.NDArray[np.float32]:
    off = gray - cv2.GaussianBlur(gray, (0, 0), sigma_px)
    spread = np.sqrt(np.maximum(cv2.GaussianBlur(off * off, (0, 0), 2.0 * sigma_px), 0.0))
    # Three gray levels: where there is less than that, there is nothing but noise.
    return np.asarray(off / (spread + 3.0), np.float32)


def _list_pairs(views: Sequence[_View]) -> list[tuple[int, int]]:
    rows = np.stack([view.coarse for view in views])
    pairs: set[tuple[int, int]] = set()
    # As they are, and by what sets them apart from the product's mean: parts that lie still differ in that alone.
    for shown in (rows, rows - rows.mean(axis=0)):
        shown = shown - shown.mean(axis=1, keepdims=True)
        shown = shown / np.maximum(np.linalg.norm(shown, axis=1, keepdims=True), 1e-6)
        for place in range(len(views)):
            near = shown @ shown[place]
            near[place] = -2.0
            nearest = np.argsort(-near, kind="stable")[:_NEAREST].tolist()
            pairs |= {_pair(place, other) for other in nearest if other != place}
    for place in range(len(views)):
        for other in range(place + 1, min(len(views), place + 1 + _BESIDE)):
            pairs.add((place, other))
    return sorted(pairs)


def _pair(first: int, second: int) -> tuple[int, int]:
    return (first, second) if first < second else (second, first)


def _compare(first: _View, second: _View) -> float:
    """Return the correlation of the details where the two images overlap, once they are laid over each other."""
    start = np.eye(2, 3, dtype=np.float32)
    everywhere = np.ones(second.aligned_by.shape, np.uint8)
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, _ECC_STEPS, 1e-4)
    try:
        _, found = cv2.findTransformECC(
            first.aligned_by, second.aligned_by, start, cv2.MOTION_EUCLIDEAN, criteria, everywhere, _ECC_BLUR_PX
        )
    except cv2.error:
        return 0.0  # nothing in common: it does not converge
    turn = np.array(found, np.float32)
    turn[:, 2] *= _DETAIL_PX / _ALIGN_PX
    size, back = (_DETAIL_PX, _DETAIL_PX), cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(second.details, turn, size, flags=cv2.INTER_LINEAR | back)
    shown = cv2.warpAffine(np.ones(size, np.float32), turn, size, flags=cv2.INTER_NEAREST | back) > 0.0
    inside = np.zeros(size, np.bool_)
    inside[_EDGE_PX:-_EDGE_PX, _EDGE_PX:-_EDGE_PX] = shown[_EDGE_PX:-_EDGE_PX, _EDGE_PX:-_EDGE_PX]
    if inside.mean() < _LEAST_OVERLAP:
        return 0.0
    a, b = first.details[inside], np.asarray(moved, np.float32)[inside]
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / norm if norm > 1e-6 else 0.0
