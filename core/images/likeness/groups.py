"""Images of a product that show nearly the same: found by fingerprints, confirmed by their details."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlmodel import col, func, select

from core.access import ENGINEER, require_role
from core.errors import Unavailable
from core.images.gallery.search import load_images
from core.images.library import read_thumbnails
from core.transactions import reading
from inference.errors import ImageError
from storage.tables import Image

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from core.access import Person
    from core.services import Services
    from inference.vision.learning.copies import Copies

# About half a minute's work on two cores, and 130 MB.
MOST_IMAGES = 4000
_AT_ONCE = 100
# So many pictures say what all parts of the product have in common.
_SAMPLE = 48


@dataclass(frozen=True)
class AlikeGroup:
    """Images that show nearly the same, in order of id; `likeness` is the lowest between two of them, up to 1.

    `leaks`: they are in training and elsewhere, so that what is measured is too good to be true. `disagrees`: they are
    labeled as different things.
    """

    images: tuple[Image, ...]
    likeness: float
    leaks: bool
    disagrees: bool

    @property
    def best(self) -> Image:
        """Return the image to keep: the largest, the sharpest of those, then the first."""
        return min(self.images, key=_rank)


@dataclass(frozen=True)
class AlikeGroups:
    """What was found among `n_images`; so many were not measured yet, and so many candidates not looked at."""

    groups: tuple[AlikeGroup, ...]
    n_images: int
    n_unmeasured: int
    n_left_out: int


def find_stamp(services: Services, product_id: int) -> str:
    """Return what changes whenever the images of a product do: as long as it stays, so do the groups."""
    with reading(services) as session:
        query = select(
            func.count(), func.max(Image.id), func.max(Image.updated_at), func.count(col(Image.difference_hash))
        ).where(Image.product_id == product_id)
        return "|".join(str(value) for value in session.exec(query).one())


def find_alike(
    services: Services, person: Person, product_id: int, *, progress: Callable[[int, int], None] | None = None
) -> AlikeGroups:
    """Look for images that show nearly the same among all of a product's; nothing is stored.

    Leaks come first, then labels that disagree, then the most alike. `progress` gets (pictures read, all). Raises
    Unavailable where the object store does not answer.
    """
    from inference.vision.learning.copies import find_candidates, group_copies

    require_role(services, person, ENGINEER)
    with reading(services) as session:
        query = select(Image.id, Image.difference_hash).where(Image.product_id == product_id).order_by(col(Image.id))
        rows = session.exec(query).all()
    known = [(number, fingerprint) for number, fingerprint in rows if fingerprint is not None]
    ids = [number for number, _fingerprint in known]
    candidates = find_candidates([fingerprint for _number, fingerprint in known])
    wanted: dict[int, None] = {}
    pairs: list[tuple[int, int]] = []
    left_out: set[int] = set()
    for first, second, _bits in candidates:
        news = sum(ids[place] not in wanted for place in (first, second))
        if len(wanted) + news > MOST_IMAGES:
            left_out |= {ids[first], ids[second]}
            continue
        wanted.update({ids[first]: None, ids[second]: None})
        pairs.append((ids[first], ids[second]))
    sample = ids[:: max(1, len(ids) // _SAMPLE)][:_SAMPLE] if pairs else []
    details = _read_details(services, [*dict.fromkeys([*wanted, *sample])], progress)
    groups = _describe(services, group_copies(details, pairs, sample))
    return AlikeGroups(groups, len(ids), len(rows) - len(ids), len(left_out - set(wanted)))


def _read_details(
    services: Services, ids: Sequence[int], progress: Callable[[int, int], None] | None
) -> dict[int, npt.NDArray[np.float16]]:
    from inference.vision.images.decode import decode
    from inference.vision.learning.copies import take_details

    found: dict[int, npt.NDArray[np.float16]] = {}
    n_read = 0
    for start in range(0, len(ids), _AT_ONCE):
        images = load_images(services, ids[start : start + _AT_ONCE])
        for number, data in read_thumbnails(services, images).items():
            if data is None:
                continue
            n_read += 1
            try:
                found[number] = take_details(decode(data, bit_depth=8).pixels)
            except ImageError:
                continue
        if progress is not None:
            progress(min(start + _AT_ONCE, len(ids)), len(ids))
    if ids and not n_read:
        raise Unavailable("thumbnails_unread")
    return found


def _describe(services: Services, copies: Sequence[Copies]) -> tuple[AlikeGroup, ...]:
    rows = {image.id: image for image in load_images(services, [key for found in copies for key in found.keys])}
    groups = []
    for found in copies:
        images = tuple(rows[number] for number in found.keys if number in rows)
        if len(images) < 2:
            continue
        splits = {image.split for image in images}
        labels = {(image.image_type, image.defect_type_id) for image in images}
        groups.append(AlikeGroup(images, found.likeness, "train" in splits and len(splits) > 1, len(labels) > 1))
    groups.sort(key=lambda group: (not group.leaks, not group.disagrees, -group.likeness, group.images[0].id))
    return tuple(groups)


def _rank(image: Image) -> tuple[Any, ...]:
    blur = 1.0 if image.blur_score is None else image.blur_score
    return (-image.width_px * image.height_px, image.mask_key is None, blur, image.id)
