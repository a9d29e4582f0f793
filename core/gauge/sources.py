"""Parts that have pictures already: labelled images, and parts that were inspected again and again."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, and_
from sqlmodel import Session, col, func, select

from core.access import ENGINEER, require_role
from core.errors import AppError, NotReady, from_lower
from core.gauge.pictures import NewPicture, PictureOutcome, add_pictures
from core.gauge.records import PlannedPart, Study
from core.gauge.studies import load_study
from core.gauge.terms import BY_LABEL, DEFECT, FEWEST_REPEATS, GOOD, MOST_PARTS, MOST_REPEATS
from core.images.parts import part_key
from core.images.records import IncomingFile
from core.transactions import HasDatabase, reading
from storage.object_store import ObjectStoreError
from storage.tables import Image, Inspection, InspectionView, utc_now

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services

RECENT_DAYS = 90
_MOST_SERIALS = 500
IMAGE, INSPECTIONS = "image", "inspections"


@dataclass(frozen=True)
class Repeated:
    """Parts that were inspected at least `n_repeats` times each, at each of `setups` (lines; one that is not named)."""

    parts: tuple[PlannedPart, ...]
    setups: tuple[str, ...]
    n_repeats: int


def pick_labeled_parts(
    services: HasDatabase, product_id: int, *, n_good: int, n_defect: int, view: str = ""
) -> list[PlannedPart]:
    """Return parts of curated images (of one view), one picture each, their label as reference: test images first.

    They are spread evenly.

    Raises NotReady gauge_images_missing where there are not so many parts of one kind.
    """
    found: list[PlannedPart] = []
    of_view = (Image.view == view,) if view else ()
    for image_type, reference, count in (("normal", GOOD, n_good), ("defect", DEFECT, n_defect)):
        query = (
            select(Image)
            .where(Image.product_id == product_id, Image.image_type == image_type, *of_view)
            .order_by(col(Image.split), col(Image.id))
            .limit(5000)
        )
        with reading(services) as session:
            rows = session.exec(query).all()
        # One picture of each physical part: two would be two parts that look alike.
        by_part: dict[str, Image] = {}
        for row in rows:
            by_part.setdefault(part_key(row), row)
        tests = [row for row in by_part.values() if row.split == "test"]
        others = [row for row in by_part.values() if row.split != "test"]
        if len(tests) + len(others) < count:
            code = "gauge_images_missing" if reference == GOOD else "gauge_defects_missing"
            raise NotReady(code, count=count, found=len(tests) + len(others))
        chosen = _spread(tests, min(count, len(tests)))
        chosen += _spread(others, count - len(chosen))
        found += [PlannedPart(row.stored_name, reference, BY_LABEL, {IMAGE: row.id}) for row in chosen]
    # Good and defective parts in turn would tell themselves by their place.
    random.Random(product_id).shuffle(found)  # noqa: S311 - an order, not a secret  # nosec B311
    return found


def find_repeated(
    services: HasDatabase,
    product_id: int,
    *,
    n_repeats: int = FEWEST_REPEATS,
    days: int = RECENT_DAYS,
    view: str = "",
) -> Repeated:
    """Return the parts whose serial number was inspected several times lately: what a study could be made of.

    With a `view` those are meant whose picture of this view was taken each time. Where all of them came at each of
    several lines, the lines are the setups. The newest inspections count.
    """
    n_repeats = max(FEWEST_REPEATS, min(MOST_REPEATS, n_repeats))
    since = utc_now() - timedelta(days=days)
    conditions = (
        col(Inspection.product_id) == product_id,
        col(Inspection.created_at) >= since,
        col(Inspection.serial) != "",
    )
    often = (
        select(Inspection.serial)
        .where(*conditions)
        .group_by(col(Inspection.serial))
        .having(func.count() >= n_repeats)
        .order_by(func.max(Inspection.id).desc())
        .limit(_MOST_SERIALS)
    )
    with reading(services) as session:
        serials = list(session.exec(often).all())
        if not serials:
            return Repeated((), ("",), n_repeats)
        picture = InspectionView.image_sha256 if view else Inspection.image_sha256
        looks = select(Inspection.id, Inspection.serial, Inspection.line, picture)
        if view:
            looks = looks.join(InspectionView, _is_of_view(view))
        rows = session.exec(
            looks.where(*conditions, col(Inspection.serial).in_(serials)).order_by(col(Inspection.id).desc())
        ).all()
    by_part: dict[str, dict[str, list[int]]] = {}
    seen: set[str] = set()
    for number, serial, line, sha256 in rows:
        # A picture that was inspected twice is one look.
        if sha256 not in seen:
            seen.add(sha256)
            by_part.setdefault(serial, {}).setdefault(line, []).append(number)
    return _arrange(by_part, n_repeats)


def fetch_pictures(services: Services, person: Person, study_id: int) -> Iterator[PictureOutcome]:
    """Copy the pictures that the parts bring and yield what became of each; those that are there stay.

    Raises as `core.gauge.pictures.add_pictures`.
    """
    require_role(services, person, ENGINEER)
    study = load_study(services, study_id)
    return add_pictures(services, person, study_id, _wanted(services, study))


def count_fetchable(study: Study) -> int:
    """Return how many pictures can be copied from where the parts come from, and are not there yet."""
    return sum(1 for _one in _planned(study))


def _planned(study: Study) -> Iterator[tuple[int, str, int]]:
    """Yield (trial, kind of source, its id) of what is to be copied."""
    by_id = study.parts_by_id
    for trial in study.trials:
        sources = by_id[trial.part_id].sources
        if trial.is_taken:
            continue
        if IMAGE in sources and (trial.setup, trial.repeat_no) == (0, 1):
            yield trial.id, IMAGE, int(sources[IMAGE])
        numbers = sources.get(INSPECTIONS, [])
        if trial.setup < len(numbers) and trial.repeat_no <= len(numbers[trial.setup]):
            yield trial.id, INSPECTIONS, int(numbers[trial.setup][trial.repeat_no - 1])


def _wanted(services: Services, study: Study) -> Iterator[NewPicture]:
    for trial_id, kind, source_id in _planned(study):
        with reading(services) as session:
            image = session.get(Image, source_id) if kind == IMAGE else None
            inspection = _read_inspected(session, source_id, study.view) if kind == INSPECTIONS else None
        if image is not None:
            file = IncomingFile(image.original_name, _reader(services, image.object_key, image.original_name))
            yield NewPicture(trial_id, file, image_id=image.id)
        elif inspection is not None:
            file = IncomingFile(
                inspection.original_name, _reader(services, inspection.image_key, inspection.original_name)
            )
            yield NewPicture(trial_id, file, inspection_id=source_id)


def _is_of_view(view: str) -> ColumnElement[bool]:
    """Return the condition that a row of `inspection_views` is the first picture of the inspection's view."""
    return and_(
        col(InspectionView.inspection_id) == col(Inspection.id),
        col(InspectionView.view) == view,
        col(InspectionView.exposure) == 0,
    )


def _read_inspected(session: Session, inspection_id: int, view: str) -> Inspection | InspectionView | None:
    """Return what holds the inspected picture: the inspection, or the picture of its view."""
    if not view:
        return session.get(Inspection, inspection_id)
    pictures = select(InspectionView).join(Inspection, _is_of_view(view)).where(Inspection.id == inspection_id)
    return session.exec(pictures).first()


def _reader(services: Services, key: str, name: str) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            return services.objects.get(key)
        except ObjectStoreError as error:
            found: AppError = from_lower(error, name=name)
            raise found from error

    return read


def _arrange(by_part: dict[str, dict[str, list[int]]], n_repeats: int) -> Repeated:
    full = {
        serial: {line for line, numbers in lines.items() if len(numbers) >= n_repeats}
        for serial, lines in by_part.items()
    }
    everywhere = sorted({line for lines in full.values() for line in lines if line})
    crossed = [serial for serial, lines in full.items() if set(everywhere) <= lines]
    if len(everywhere) > 1 and len(crossed) >= FEWEST_REPEATS:
        parts = [
            PlannedPart(serial, sources={INSPECTIONS: [by_part[serial][line][:n_repeats] for line in everywhere]})
            for serial in crossed
        ]
        return Repeated(tuple(parts[:MOST_PARTS]), tuple(everywhere), n_repeats)
    parts = []
    for serial, lines in by_part.items():
        numbers = sorted((number for line in lines.values() for number in line), reverse=True)
        if len(numbers) >= n_repeats:
            parts.append(PlannedPart(serial, sources={INSPECTIONS: [numbers[:n_repeats]]}))
    return Repeated(tuple(parts[:MOST_PARTS]), ("",), n_repeats)


def _spread(rows: Sequence[Image], count: int) -> list[Image]:
    """Return so many rows, evenly over the list: its head may be of one kind."""
    return [rows[int(place * len(rows) / count)] for place in range(count)] if count > 0 else []
