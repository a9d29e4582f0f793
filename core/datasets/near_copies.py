"""Images of different splits that show nearly the same: what is measured by them is too good to be true."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.errors import AppError
from core.images.library import read_thumbnails
from core.services import Services
from storage.tables import Image

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

# About two seconds' work: freezing is done at a click.
_MOST_LOOKED_AT = 400
_MOST_FINGERPRINTS = 20_000
# So many pictures say what all parts of the product have in common.
_SAMPLE = 48


def count_near_copies(services: Services, rows: Sequence[Image], splits: Sequence[str]) -> int:
    """Return how many images are nearly the same as one of another split, whose splits are in the rows' order.

    Found by fingerprints and confirmed by the details of their small pictures, the nearest first, as far as that takes
    no more than about two seconds. 0 where the pictures cannot be read now.
    """
    from inference.vision.learning.copies import find_candidates, group_copies

    known = [(place, row.difference_hash) for place, row in enumerate(rows) if row.difference_hash is not None][
        :_MOST_FINGERPRINTS
    ]
    pairs: list[tuple[int, int]] = []
    wanted: set[int] = set()
    for first, second, _bits in find_candidates([found for _place, found in known]):
        one, other = known[first][0], known[second][0]
        same = rows[one].pixel_sha256 == rows[other].pixel_sha256
        if splits[one] == splits[other] or same or len(wanted | {one, other}) > _MOST_LOOKED_AT:
            continue
        wanted |= {one, other}
        pairs.append((one, other))
    if not pairs:
        return 0
    sample = list(range(0, len(rows), max(1, len(rows) // _SAMPLE)))[:_SAMPLE]
    details = _read_details(services, rows, sorted(wanted | set(sample)))
    count = 0
    for group in group_copies(details, pairs, sample):
        if len({splits[place] for place in group.keys}) > 1:
            count += len(group.keys)
    return count


def _read_details(
    services: Services, rows: Sequence[Image], places: Sequence[int]
) -> dict[int, npt.NDArray[np.float16]]:
    from inference.errors import ImageError
    from inference.vision.images.decode import decode
    from inference.vision.learning.copies import take_details

    by_id = {rows[place].id: place for place in places}
    found: dict[int, npt.NDArray[np.float16]] = {}
    try:
        thumbnails = read_thumbnails(services, [rows[place] for place in places])
    except AppError:
        return {}  # it is a hint: freezing goes on without it
    for number, data in thumbnails.items():
        if data is None:
            continue
        try:
            found[by_id[number]] = take_details(decode(data, bit_depth=8).pixels)
        except ImageError:
            continue
    return found
