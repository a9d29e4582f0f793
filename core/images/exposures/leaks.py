"""Parts in two splits: their test images measure how well a model remembers, not how well it works."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from core.access import ENGINEER, require_role
from core.errors import BadInput, NotFound
from core.images.edits import relabel_images
from core.images.labels import SPLITS
from core.transactions import HasDatabase, reading
from storage.tables import Image

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services

# The code of the warning in what becomes of a build.
SPLIT_LEAK = "split_leak"
_AT_ONCE = 400
_MOST_NAMES = 5


@dataclass(frozen=True)
class Leak:
    """One part with images in two splits or three; `part` is empty for images that are the same pixel by pixel."""

    part: str
    train: tuple[int, ...]
    test: tuple[int, ...]
    names: tuple[str, ...]
    val: tuple[int, ...] = ()

    @property
    def images(self) -> tuple[int, ...]:
        """The images of all its splits."""
        return (*self.train, *self.val, *self.test)

    def not_in(self, split: str) -> tuple[int, ...]:
        """Return the images of the other splits."""
        splits = {"train": self.train, "val": self.val, "test": self.test}
        return tuple(number for name, own in splits.items() if name != split for number in own)


def find_leaks(services: HasDatabase, product_id: int) -> list[Leak]:
    """Return the parts of a product that have images in more than one split, and the same pixels in more than one."""
    with reading(services) as session:
        return find_leaks_in(session, product_id)


def find_test_leaks(services: HasDatabase, product_id: int) -> list[Leak]:
    """Return those leaks by which the test images measure what training or its choice of a model has seen."""
    with reading(services) as session:
        return find_test_leaks_in(session, product_id)


def find_test_leaks_in(session: Session, product_id: int, view: str = "") -> list[Leak]:
    """Do as `find_test_leaks`, inside the caller's transaction; of a view only the leaks that touch its images."""
    leaks = [leak for leak in find_leaks_in(session, product_id) if leak.test]
    if not view or not leaks:
        return leaks
    numbers = {number for leak in leaks for number in leak.images}
    query = select(Image.id).where(Image.product_id == product_id, col(Image.view) == view)
    own = {int(number) for number in session.exec(query).all() if number in numbers}
    return [leak for leak in leaks if own.intersection(leak.images)]


def find_leaks_in(session: Session, product_id: int) -> list[Leak]:
    """Do as `find_leaks`, inside the caller's transaction."""
    leaks = [_describe(part, rows) for part, rows in _both_sides(session, product_id, "part").items()]
    told = {number for leak in leaks for number in leak.images}
    same_pixels = _both_sides(session, product_id, "pixel_sha256").values()
    leaks += [_describe("", rows) for rows in same_pixels if not told.issuperset(row.id for row in rows)]
    return leaks


def count_leaking_images(leaks: Sequence[Leak]) -> int:
    """Return how many images are in any of these leaks."""
    return len({number for leak in leaks for number in leak.images})


def describe_leaks(leaks: Sequence[Leak]) -> dict[str, int | str]:
    """Return the parameters of a sentence about leaks: n_parts, n_images, and the names of the first few."""
    names = [leak.part or leak.names[0] for leak in leaks[:_MOST_NAMES]]
    return {
        "n_parts": len(leaks),
        "n_images": count_leaking_images(leaks),
        "names": ", ".join(names) + (" …" if len(leaks) > _MOST_NAMES else ""),
    }


def mend_leaks(services: Services, person: Person, product_id: int, *, split: str) -> int:
    """Use all images of the parts in several splits for one: train, val or test. Returns how many images changed.

    Raises BadInput image_split_unknown; NotFound where there is no leak any more.
    """
    require_role(services, person, ENGINEER)
    if split not in SPLITS:
        raise BadInput("image_split_unknown")
    leaks = find_leaks(services, product_id)
    moving = sorted({number for leak in leaks for number in leak.not_in(split)})
    if not moving:
        raise NotFound("not_found")
    return relabel_images(services, person, moving, split=split)


def _both_sides(session: Session, product_id: int, attribute: str) -> dict[str, list[Image]]:
    column = col(getattr(Image, attribute))
    values = session.exec(_split_parts(product_id) if attribute == "part" else _split_pixels(product_id)).all()
    found: dict[str, list[Image]] = {value: [] for value in values}
    for start in range(0, len(values), _AT_ONCE):
        query = select(Image).where(Image.product_id == product_id, column.in_(values[start : start + _AT_ONCE]))
        for row in session.exec(query.order_by(col(Image.id))).all():
            found[getattr(row, attribute)].append(row)
    return found


def _split_parts(product_id: int) -> SelectOfScalar[str]:
    """Return the query for the parts with images in more than one split."""
    return (
        select(Image.part)
        .where(Image.product_id == product_id, Image.part != "")
        .with_hint(Image, "INDEXED BY ix_images_gallery", "sqlite")  # answered from it alone
        .group_by(Image.part)
        .having(func.min(Image.split) < func.max(Image.split))
        .order_by(Image.part)
    )


def _split_pixels(product_id: int) -> SelectOfScalar[str]:
    """Return the query for the same of pixels: few images are no training images, and each is looked up by an index."""
    twin = aliased(Image)
    elsewhere = (
        select(twin.id)
        .where(
            col(twin.pixel_sha256) == Image.pixel_sha256,
            col(twin.product_id) == Image.product_id,
            col(twin.split) != Image.split,
        )
        # Without statistics SQLite would go through the whole product for each of them.
        .with_hint(twin, "INDEXED BY ix_images_pixel_sha256", "sqlite")
    )
    return (
        select(Image.pixel_sha256)
        .where(
            Image.product_id == product_id,
            col(Image.image_type).in_(("normal", "defect")),
            col(Image.split).in_([split for split in SPLITS if split != "train"]),
            Image.pixel_sha256 != "",
            elsewhere.exists(),
        )
        .distinct()
        .order_by(Image.pixel_sha256)
    )


def _describe(part: str, rows: Sequence[Image]) -> Leak:
    return Leak(
        part,
        train=tuple(row.id for row in rows if row.split == "train"),
        test=tuple(row.id for row in rows if row.split == "test"),
        names=tuple(row.stored_name for row in rows),
        val=tuple(row.id for row in rows if row.split == "val"),
    )
