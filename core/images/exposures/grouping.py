"""Images that look like exposures of one part: proposed to a person, never decided here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlmodel import col, select

from core.access import ENGINEER, require_role
from core.errors import NotReady
from core.images.library import read_thumbnails
from core.images.parts import PERSON
from core.transactions import reading
from inference.errors import ImageError
from storage.tables import Image

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services

# About a minute's work on two cores; the newest are looked at where there are more.
MOST_IMAGES = 2000


@dataclass(frozen=True)
class PartProposal:
    """Images that look like one part, in order of id. `likeness` is how far the least alike two of them correlate in
    their details, `nearest_other` how far any of them does with an image outside; both -1 to 1. `leaks`: they are in
    training and test both."""

    image_ids: tuple[int, ...]
    likeness: float
    nearest_other: float
    leaks: bool


@dataclass(frozen=True)
class PartProposals:
    """What was found among `n_images`, of `n_left_out` more that were not looked at or could not be read."""

    proposals: tuple[PartProposal, ...]
    n_images: int
    n_left_out: int


def propose_parts(
    services: Services, person: Person, product_id: int, *, progress: Callable[[int, int], None] | None = None
) -> PartProposals:
    """Look for images of one part among all of a product's, by their thumbnails; nothing is stored.

    What is known is not proposed again: images that are one part already, and images of which a person said what they
    show. `progress` gets (pairs compared, all). Raises NotReady parts_need_images, Unavailable.
    """
    from inference.vision.images.decode import decode
    from inference.vision.learning.near_duplicates import FEWEST_IMAGES, find_exposures

    require_role(services, person, ENGINEER)
    with reading(services) as session:
        query = select(Image).where(Image.product_id == product_id)
        rows = list(session.exec(query.order_by(col(Image.id).desc())).all())
    total = len(rows)
    # In the order of their names: exposures of one part are named one after the other.
    rows = sorted(rows[:MOST_IMAGES], key=lambda row: (row.original_name, row.id))
    thumbnails = read_thumbnails(services, rows)
    shown, images = [], []
    for row in rows:
        data = thumbnails[row.id]
        if data is None:
            continue
        try:
            images.append(decode(data).pixels)
        except ImageError:
            continue
        shown.append(row)
    if len(shown) < FEWEST_IMAGES:
        raise NotReady("parts_need_images", count=len(shown), needed=FEWEST_IMAGES)
    proposals = []
    for found in find_exposures(images, progress=progress):
        members = [shown[place] for place in found.places]
        if not _is_known(members):
            proposals.append(
                PartProposal(
                    image_ids=tuple(sorted(row.id for row in members)),
                    likeness=found.likeness,
                    nearest_other=found.nearest_other,
                    leaks=len({row.split for row in members}) > 1,
                )
            )
    proposals.sort(key=lambda proposal: (not proposal.leaks, proposal.image_ids))
    return PartProposals(tuple(proposals), len(shown), total - len(shown))


def _is_known(rows: list[Image]) -> bool:
    """Return whether these images have one part, or a person has spoken, or their names say that they differ."""
    parts = {row.part for row in rows}
    if any(row.part_source == PERSON for row in rows):
        return True
    return (parts != {""} and len(parts) == 1) or len(parts - {""}) > 1
