"""Images of a product to try an inspection with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import col, select

from core.services import Services
from core.transactions import reading
from storage.tables import Image

# A product's pictures that samples are looked for among.
_MOST_LOOKED_AT = 2000


def pick_sample_images(services: Services, product_id: int, *, n: int = 8) -> list[Image]:
    """Return images to try an inspection with: half defects, half normals, from the test split first."""
    with reading(services) as session:
        found: list[Image] = []
        for image_type, count in (("defect", n - n // 2), ("normal", n // 2)):
            query = (
                select(Image)
                .where(Image.product_id == product_id, Image.image_type == image_type)
                .order_by(col(Image.split), col(Image.id))
            )
            rows = list(session.exec(query.where(Image.split == "test").limit(200)).all())
            rows = rows or list(session.exec(query.limit(200)).all())
            # Spread over the list rather than its head: the head is one defect type.
            step = max(1, len(rows) // count) if count else 1
            found += rows[::step][:count]
        return found


@dataclass(frozen=True)
class SamplePart:
    """A part with one picture of each view, in the order of the views. `is_good` where all of them look good."""

    name: str
    images: tuple[Image, ...]

    @property
    def is_good(self) -> bool:
        """Whether no view shows a defect."""
        return not self.shown_by

    @property
    def shown_by(self) -> tuple[str, ...]:
        """The views that show a defect."""
        return tuple(image.view for image in self.images if image.image_type == "defect")


def pick_sample_parts(services: Services, product_id: int, views: Sequence[str], *, n: int = 6) -> list[SamplePart]:
    """Return parts to try an inspection by several views with, of which every view has a picture.

    From the test split first. Two thirds are defective, in turn by which views show it, so that every word of the
    combined verdict is among the first ones; of several pictures of a view the first is taken. None without `views`.
    """
    with reading(services) as session:
        query = (
            select(Image)
            .where(Image.product_id == product_id, Image.part != "", col(Image.view).in_(list(views)))
            .order_by(col(Image.id))
            .limit(_MOST_LOOKED_AT)
        )
        rows = session.exec(query.where(Image.split == "test")).all()
        parts = _complete_parts(rows, views)
        if not parts:
            parts = _complete_parts(session.exec(query).all(), views)
    good = [part for part in parts if part.is_good]
    groups: dict[tuple[str, ...], list[SamplePart]] = {}
    for part in parts:
        if not part.is_good:
            groups.setdefault(part.shown_by, []).append(part)
    ordered = sorted(groups.items(), key=lambda group: (len(group[0]), [list(views).index(view) for view in group[0]]))
    bad = _in_turn([_spread(found, n) for _, found in ordered])
    n_bad = min(len(bad), n - min(len(good), n // 3))
    return bad[:n_bad] + _spread(good, n - n_bad)


def _complete_parts(rows: Sequence[Image], views: Sequence[str]) -> list[SamplePart]:
    found: dict[str, dict[str, Image]] = {}
    for row in rows:
        found.setdefault(row.part, {}).setdefault(row.view, row)
    return [
        SamplePart(name, tuple(images[view] for view in views))
        for name, images in found.items()
        if views and all(view in images for view in views)
    ]


def _spread(parts: Sequence[SamplePart], n: int) -> list[SamplePart]:
    """Return `n` of the parts, over the whole list rather than its head: the head is one defect type."""
    if n <= 0 or not parts:
        return []
    count = min(n, len(parts))
    return [parts[place * len(parts) // count] for place in range(count)]


def _in_turn(groups: Sequence[Sequence[SamplePart]]) -> list[SamplePart]:
    longest = max((len(group) for group in groups), default=0)
    return [group[place] for place in range(longest) for group in groups if place < len(group)]
