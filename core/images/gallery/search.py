"""Finding a product's images by what they have in common, the newest first: a few hundredths of a second among 100,000.

Hardly a row of the table is read to find out whether it fits: an index holds, in the order of ids, every column that
can be asked for but the names, and another one the names. SQLite is told which to walk, because it keeps no statistics.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from datetime import time as time_of_day
from typing import Any

from sqlalchemy import ColumnElement, Select, case, or_
from sqlmodel import Session, col, func, select

from core.catalog.views import read_views
from core.images.gallery.filters import NONE_NAMED, QUALITY_FAULTS, WITH_MASK, GalleryFilter
from core.images.views.missing import is_without_view
from core.transactions import HasDatabase, reading
from storage.row_limits import execute_columns
from storage.tables import Image, ImageBox

PAGE_SIZE = 48
_AT_ONCE = 400
_LAST_CHARACTER = "\U0010ffff"
_Tests = list[ColumnElement[bool]]


@dataclass(frozen=True)
class Asked:
    """What is asked for: images of a product and type that fit a filter; of `zone` are the days of the filter."""

    product_id: int
    image_type: str
    wanted: GalleryFilter
    zone: tzinfo = UTC


@dataclass(frozen=True)
class FoundImages:
    """How many images fit, and the highest id of those there were then: with it the same pages are found again while
    others arrive."""

    total: int
    newest: int

    def count_pages(self, page_size: int = PAGE_SIZE) -> int:
        """Return how many pages they fill, at least one."""
        return max(1, -(-self.total // page_size))


@dataclass(frozen=True)
class Choices:
    """What the images of a product can be asked for: the views that are named, the origins that are there."""

    views: tuple[str, ...]
    origins: tuple[str, ...]


def has_images(services: HasDatabase, product_id: int, image_type: str) -> bool:
    """Return whether the product has any image of the type, whatever it is used for."""
    with reading(services) as session:
        query = select(Image.id).where(Image.product_id == product_id, Image.image_type == image_type).limit(1)
        return session.exec(query).first() is not None


def count_images(services: HasDatabase, asked: Asked) -> FoundImages:
    """Return how many images fit: to be asked once for a filter, not at each click."""
    with reading(services) as session:
        query: Any = select(func.count(), func.max(Image.id)).where(*_tests(session, asked))
        total, newest = execute_columns(session, _walked(session, query, asked)).one()
    return FoundImages(int(total), int(newest or 0))


def find_page(
    services: HasDatabase, asked: Asked, found: FoundImages, page: int, *, page_size: int = PAGE_SIZE
) -> list[int]:
    """Return the ids of a page of what was found, the newest first, counted from 1."""
    page = min(max(1, page), found.count_pages(page_size))
    return _find(services, asked, found.newest, offset=(page - 1) * page_size, limit=page_size)


def find_all(services: HasDatabase, asked: Asked, found: FoundImages, *, limit: int) -> list[int]:
    """Return the ids of what was found, the newest first, at most `limit`."""
    return _find(services, asked, found.newest, offset=0, limit=limit)


def find_beside(services: HasDatabase, asked: Asked, found: FoundImages, image_id: int, step: int) -> int | None:
    """Return the id of what comes after an image (`step` 1: the next older) or before it (-1); None at the end.

    The image itself need not fit any more: it may just have been labeled as something else.
    """
    number = col(Image.id)
    with reading(services) as session:
        query: Any = select(Image.id).where(*_tests(session, asked), number <= found.newest)
        if step > 0:
            query = query.where(number < image_id).order_by(number.desc())
        else:
            query = query.where(number > image_id).order_by(number)
        found_id: int | None = execute_columns(session, _walked(session, query.limit(1), asked)).scalar()
        return found_id


def locate_image(services: HasDatabase, asked: Asked, found: FoundImages, image_id: int) -> tuple[int, int]:
    """Return how many of what was found, as it is now, come before an image, and how many there are."""
    number = col(Image.id)
    with reading(services) as session:
        query: Any = select(func.count(case((number > image_id, 1))), func.count())
        query = query.select_from(Image).where(*_tests(session, asked), number <= found.newest)
        before, total = execute_columns(session, _walked(session, query, asked)).one()
    return int(before), int(total)


def load_images(services: HasDatabase, ids: Sequence[int]) -> list[Image]:
    """Return the images of these ids in their order; those that are gone meanwhile are missing."""
    with reading(services) as session:
        by_id: dict[int, Image] = {}
        for start in range(0, len(ids), _AT_ONCE):
            query = select(Image).where(col(Image.id).in_(list(ids[start : start + _AT_ONCE])))
            by_id.update((row.id, row) for row in session.exec(query))
    return [by_id[number] for number in ids if number in by_id]


def count_regions(services: HasDatabase, ids: Sequence[int]) -> dict[int, int]:
    """Return how many regions are marked in each of these images; those without are missing."""
    with reading(services) as session:
        query = (
            select(ImageBox.image_id, func.count())
            .where(col(ImageBox.image_id).in_(list(ids)))
            .group_by(col(ImageBox.image_id))
        )
        return {number: int(count) for number, count in session.exec(query)}


def count_masks(services: HasDatabase, ids: Sequence[int]) -> int:
    """Return how many of these images have a mask, and so something to lose when they become normal."""
    count = 0
    with reading(services) as session:
        for start in range(0, len(ids), _AT_ONCE):
            some = list(ids[start : start + _AT_ONCE])
            query = select(func.count()).select_from(Image)
            query = query.where(col(Image.id).in_(some), col(Image.mask_key).is_not(None))
            count += int(session.exec(query).one())
    return count


def read_row_versions(services: HasDatabase, ids: Sequence[int]) -> dict[int, int]:
    """Return the row version by id of those of the images that are there: as they are when somebody chooses them."""
    found: dict[int, int] = {}
    with reading(services) as session:
        for start in range(0, len(ids), _AT_ONCE):
            some = list(ids[start : start + _AT_ONCE])
            rows = session.exec(select(Image.id, Image.row_version).where(col(Image.id).in_(some)))
            found.update((number, version) for number, version in rows)
    return found


def load_choices(services: HasDatabase, product_id: int, image_type: str) -> Choices:
    """Return the views of the product and those that its images of the type name, and which origins these have."""
    with reading(services) as session:
        query: Any = (
            select(Image.view, Image.origin)
            .where(Image.product_id == product_id, Image.image_type == image_type)
            .distinct()
        )
        pairs = execute_columns(session, _by(query, "gallery")).all()
        own = [view.code for view in read_views(session, product_id)]
    named = sorted({view for view, _origin in pairs if view})
    return Choices(
        views=tuple(dict.fromkeys((*own, *named))),
        origins=tuple(sorted({origin for _view, origin in pairs if origin})),
    )


def count_domains(services: HasDatabase, product_id: int) -> dict[str, int]:
    """Return how many images of the product were taken where; "" counts those of which nobody said so."""
    with reading(services) as session:
        query = select(Image.domain, func.count()).where(Image.product_id == product_id).group_by(col(Image.domain))
        return dict(session.exec(query).all())


def _conditions(session: Session, asked: Asked, dialect: str) -> _Tests:
    wanted, zone = asked.wanted, asked.zone
    tests: _Tests = []
    if wanted.type:
        tests.append(col(Image.defect_type_id).in_(wanted.type))
    if wanted.split is not None:
        tests.append(col(Image.split) == wanted.split)
    if wanted.view:
        is_none = wanted.view == NONE_NAMED
        tests.append(is_without_view(session, asked.product_id) if is_none else col(Image.view) == wanted.view)
    if wanted.domain is not None:
        tests.append(col(Image.domain) == ("" if wanted.domain == NONE_NAMED else wanted.domain))
    if wanted.origin is not None:
        tests.append(col(Image.origin) == ("" if wanted.origin == NONE_NAMED else wanted.origin))
    if wanted.state is not None:
        tests.append(col(Image.outlier_state) == wanted.state)
    if wanted.mask is not None:
        key = col(Image.mask_key)
        tests.append(key.is_not(None) if wanted.mask == WITH_MASK else key.is_(None))
    if wanted.quality is not None:
        tests.append(_of_quality(wanted.quality))
    if wanted.part:
        tests.append(_begins(wanted.part, dialect))
    if wanted.first_day is not None:
        tests.append(col(Image.created_at) >= _start_of(wanted.first_day, zone))
    if wanted.last_day is not None and wanted.last_day < date.max:
        tests.append(col(Image.created_at) < _start_of(wanted.last_day + timedelta(days=1), zone))
    return tests


def _of_quality(wanted: str) -> ColumnElement[bool]:
    quality = col(Image.quality)
    if wanted == "unmeasured":
        return quality.is_(None)
    if wanted == "fine":
        return quality == ""
    if wanted == "fault":
        return quality != ""
    assert wanted in QUALITY_FAULTS
    return quality.contains(wanted, autoescape=True)


def _name_conditions(wanted: GalleryFilter, dialect: str) -> _Tests:
    if not wanted.name:
        return []
    # SQLite alone takes capitals and small letters for the same by itself.
    finds = [
        (column.contains if dialect == "sqlite" else column.icontains)(wanted.name, autoescape=True)
        for column in (col(Image.stored_name), col(Image.original_name))
    ]
    return [or_(*finds)]


def _begins(text: str, dialect: str) -> ColumnElement[bool]:
    part = col(Image.part)
    if dialect == "sqlite":
        return (part >= text) & (part < text + _LAST_CHARACTER)
    return part.startswith(text, autoescape=True)


def _start_of(day: date, zone: tzinfo) -> datetime:
    try:
        return datetime.combine(day, time_of_day.min, tzinfo=zone).astimezone(UTC)
    except OverflowError:
        return datetime.combine(day, time_of_day.min, tzinfo=UTC)


def _tests(session: Session, asked: Asked) -> _Tests:
    dialect = session.get_bind().dialect.name
    base = [col(Image.product_id) == asked.product_id, col(Image.image_type) == asked.image_type]
    tests = _conditions(session, asked, dialect)
    return [*base, *tests, *_name_conditions(asked.wanted, dialect)]


def _walked(session: Session, query: Any, asked: Asked) -> Any:
    """Return the query with the index that it is to walk, where the database does not find it by itself."""
    by_name = asked.wanted.name and not _conditions(session, asked, session.get_bind().dialect.name)
    return _by(query, "names" if by_name else "gallery")


def _find(services: HasDatabase, asked: Asked, newest: int, *, offset: int, limit: int) -> list[int]:
    with reading(services) as session:
        query: Any = (
            select(Image.id)
            .where(*_tests(session, asked), col(Image.id) <= newest)
            .order_by(col(Image.id).desc())
            .offset(offset)
            .limit(limit)
        )
        return list(execute_columns(session, _walked(session, query, asked)).scalars())


def _by(query: Any, index: str) -> Select[Any]:
    hinted: Select[Any] = query.with_hint(Image, f"INDEXED BY ix_images_{index}", "sqlite")
    return hinted
