"""Copies of one picture among many: the same shot twice, smaller, re-encoded, a little brighter.

Parts under a fixed camera look alike anyway, and so do their fingerprints of 64 bits: those only say which pairs are
worth a look. What decides is fine detail (grain, scratches, how a thread lies), with the light and what all parts of
the product have in common taken out. A copy has to stand out: it is far more alike than the next other picture is.
Where parts have hardly any detail of their own, nothing does, and no group is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from inference.vision.images.preprocessing import Pixels
from inference.vision.learning.near_duplicates import group_exposures

# Fingerprints of copies differ in at most so many bits.
MOST_BITS = 10
# The details of copies correlate at least so much; more where too few pictures say what all have in common. Of 97
# copies each of pictures of six products (benchmarks/bench_copies.py) 92 % are found as JPEG of quality 60, 89 % at
# half the size and all a tenth brighter; those missed are of solar cells, which have hardly any detail of their own.
# At 0.70 a pair of different cells that are much alike counted as copies, too.
LEAST_LIKENESS, _LEAST_AMONG_FEW = 0.78, 0.9
# Pictures that are linked by pairs this much alike are all compared with one another, if they are not too many.
_LINKED, _MOST_LINKED = 0.6, 60
_FEWEST_FOR_COMMON = 12
_NEAREST = 6
_BLOCK = 512
# Above so many images only fingerprints that agree in one of their four quarters are compared.
MOST_COMPARED = 20_000
_MOST_IN_BUCKET = 400
_DETAIL_PX, _DETAIL_SIGMA_PX = 128, 1.5


def find_candidates(hashes: Sequence[int]) -> list[tuple[int, int, int]]:
    """Return the pairs of places worth a look with the bits they differ in, the nearest first: (place, place, bits).

    Each picture is paired with its nearest few at most.
    """
    values = np.array([value & ((1 << 64) - 1) for value in hashes], np.uint64)
    pairs = _compare_all(values) if len(values) <= MOST_COMPARED else _compare_quarters(values)
    return sorted(((first, second, bits) for (first, second), bits in pairs.items()), key=lambda one: (one[2], one))


def take_details(pixels: Pixels) -> npt.NDArray[np.float16]:
    """Return the fine details of an RGB uint8 picture of any size: its light is taken out."""
    gray = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    small = np.asarray(cv2.resize(gray, (_DETAIL_PX, _DETAIL_PX), interpolation=cv2.INTER_AREA), np.float32)
    off = small - cv2.GaussianBlur(small, (0, 0), _DETAIL_SIGMA_PX)
    spread = np.sqrt(np.maximum(cv2.GaussianBlur(off * off, (0, 0), 2.0 * _DETAIL_SIGMA_PX), 0.0))
    # Three gray levels: where there is less than that, there is nothing but noise.
    details = off / (spread + 3.0)
    return np.asarray(details - details.mean(), np.float16)


@dataclass(frozen=True)
class Copies:
    """Pictures that are copies of one another, by the keys they were given under, in order.

    `likeness` is the lowest correlation of details between two of them.
    """

    keys: tuple[int, ...]
    likeness: float


def group_copies(
    details: Mapping[int, npt.NDArray[np.float16]], pairs: Sequence[tuple[int, int]], sample: Sequence[int]
) -> list[Copies]:
    """Return the groups of copies among these pictures of one product, which no picture is in twice.

    `details` are those of `take_details` by key, `pairs` the keys of those that are worth a look, and `sample` those of
    some pictures of the product, chosen anyhow: they say what all have in common, and how alike others are.
    """
    known = [key for key in sample if key in details]
    common: npt.NDArray[np.float32] | float = 0.0
    least = _LEAST_AMONG_FEW
    if len(known) >= _FEWEST_FOR_COMMON:
        common = np.mean(np.stack([details[key] for key in known]), axis=0, dtype=np.float32)
        least = LEAST_LIKENESS

    @cache
    def own(key: int) -> npt.NDArray[np.float32]:
        found = (details[key].astype(np.float32) - common).ravel()
        norm = float(np.linalg.norm(found))
        # A plain surface has no details of its own: then there is nothing by which copies could be known.
        return np.asarray(found / norm if norm > 1.0 else np.zeros_like(found), np.float32)

    likeness = {
        (min(one, other), max(one, other)): float(own(one) @ own(other))
        for one, other in pairs
        if one in details and other in details
    }
    linked = _link(likeness)
    # At once for all groups: a product for each of very many small ones takes longer to share out than to compute.
    beside = _compare_with(known, [key for members in linked for key in members], own)
    groups = []
    for members in linked:
        groups += _stand_out(members, known, likeness, own, beside, least)
    return groups


def _compare_with(
    known: Sequence[int], keys: Sequence[int], own: Callable[[int], npt.NDArray[np.float32]]
) -> dict[int, npt.NDArray[np.float32]]:
    """Return by key how alike each of these pictures is to each of the known ones, in their order."""
    if not known or not keys:
        return {}
    columns = np.stack([own(key) for key in known]).T
    found: dict[int, npt.NDArray[np.float32]] = {}
    for start in range(0, len(keys), _BLOCK):
        some = keys[start : start + _BLOCK]
        found.update(zip(some, np.stack([own(key) for key in some]) @ columns, strict=True))
    return found


def _link(likeness: Mapping[tuple[int, int], float]) -> list[list[int]]:
    """Return the pictures that are linked by pairs that are much alike."""
    leader: dict[int, int] = {}

    def find(key: int) -> int:
        while leader.setdefault(key, key) != key:
            leader[key] = leader[leader[key]]
            key = leader[key]
        return key

    for (one, other), value in likeness.items():
        if value >= _LINKED:
            leader[max(find(one), find(other))] = min(find(one), find(other))
    linked: dict[int, list[int]] = {}
    for key in sorted(leader):
        linked.setdefault(find(key), []).append(key)
    return [members for members in linked.values() if len(members) > 1]


def _stand_out(
    members: Sequence[int],
    known: Sequence[int],
    likeness: Mapping[tuple[int, int], float],
    own: Callable[[int], npt.NDArray[np.float32]],
    beside: Mapping[int, npt.NDArray[np.float32]],
    least: float,
) -> list[Copies]:
    is_member = set(members)
    columns = [place for place, key in enumerate(known) if key not in is_member]
    others = [known[place] for place in columns]
    keys = [*members, *others]
    matrix = np.full((len(keys), len(keys)), -1.0, np.float32)
    if len(members) <= _MOST_LINKED:
        rows = np.stack([own(key) for key in members])
        matrix[: len(members), : len(members)] = rows @ rows.T
    else:
        places = {key: place for place, key in enumerate(members)}
        for (one, other), value in likeness.items():
            if one in places and other in places:
                matrix[places[one], places[other]] = matrix[places[other], places[one]] = value
    if others:
        found_beside = np.stack([beside[key][columns] for key in members])
        matrix[: len(members), len(members) :] = found_beside
        matrix[len(members) :, : len(members)] = found_beside.T
    np.fill_diagonal(matrix, -1.0)
    # Nothing but copies of one another, and no other picture to tell by: then the threshold alone decides.
    if not others and len(members) <= _MOST_LINKED:
        inside = matrix[~np.eye(len(members), dtype=bool)]
        return [Copies(tuple(members), float(inside.min()))] if float(inside.min()) >= least else []
    return [
        Copies(tuple(keys[place] for place in found.places), found.likeness)
        for found in group_exposures(matrix)
        if found.likeness >= least and max(found.places) < len(members)
    ]


def _compare_all(values: npt.NDArray[np.uint64]) -> dict[tuple[int, int], int]:
    pairs: dict[tuple[int, int], int] = {}
    places = np.arange(len(values))
    for start in range(0, len(values), _BLOCK):
        block = values[start : start + _BLOCK]
        bits = np.bitwise_count(block[:, None] ^ values[None, :]).astype(np.uint8)
        bits[np.arange(len(block)), places[start : start + len(block)]] = 255
        for row, place in enumerate(range(start, start + len(block))):
            near = np.flatnonzero(bits[row] <= MOST_BITS)
            _note(pairs, place, near, bits[row][near])
    return pairs


def _compare_quarters(values: npt.NDArray[np.uint64]) -> dict[tuple[int, int], int]:
    pairs: dict[tuple[int, int], int] = {}
    for quarter in range(4):
        keys = (values >> np.uint64(16 * quarter)) & np.uint64(0xFFFF)
        order = np.argsort(keys, kind="stable")
        for members in np.split(order, np.flatnonzero(np.diff(keys[order])) + 1):
            # In a bucket of very many all look alike by their fingerprint: neighbors in the order of storing are met.
            for start in range(0, len(members), _MOST_IN_BUCKET):
                some = members[start : start + _MOST_IN_BUCKET]
                if len(some) < 2:
                    continue
                bits = np.bitwise_count(values[some][:, None] ^ values[some][None, :]).astype(np.uint8)
                np.fill_diagonal(bits, 255)
                for row, place in enumerate(some.tolist()):
                    near = np.flatnonzero(bits[row] <= MOST_BITS)
                    _note(pairs, place, some[near], bits[row][near])
    return pairs


def _note(
    pairs: dict[tuple[int, int], int], place: int, others: npt.NDArray[np.int64], bits: npt.NDArray[np.uint8]
) -> None:
    for at in np.argsort(bits, kind="stable")[:_NEAREST].tolist():
        other = int(others[at])
        pairs[(min(place, other), max(place, other))] = int(bits[at])
