"""The images, or parts, of a comparison: what each method said of them, paged, filtered, and drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from core.errors import AppError, NotFound, from_lower
from core.jobs.stored_error import StoredError
from core.transactions import HasDatabase, reading
from inference.errors import ImageError
from storage.object_store import ObjectStoreError
from storage.tables import Image, Prediction

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.services import Services

_AT_ONCE = 400
LONGEST_SIDE_PX = 1000
# What a cell of the table of verdicts holds.
CELLS = ("good_passed", "good_stopped", "good_silent", "defect_stopped", "defect_passed", "defect_silent")


@dataclass(frozen=True)
class Said:
    """What a method said of a subject. `verdict` is ok, reject, or empty without a threshold or an answer."""

    id: int
    key: str
    image_id: int | None
    view: str
    score: float | None
    verdict: str
    named: str
    boxes: tuple[dict[str, Any], ...]
    has_map: bool
    words: str
    ms: float
    error: AppError | None


@dataclass(frozen=True)
class Subject:
    """An image (`image:7`) or part (`part:A1`) with its truth and what was said of it, by the key of the entry.

    `name` and `thumbnail_key` are of the image, of a part those of its first picture; empty where it is gone.
    """

    subject: str
    image_id: int | None
    part: str
    view: str
    split: str
    truth: str
    is_defect: bool
    name: str
    thumbnail_key: str
    said: dict[str, Said]

    @property
    def differs(self) -> bool:
        """Return whether the methods do not all say the same."""
        return len({one.verdict for one in self.said.values()}) > 1


@dataclass(frozen=True)
class SubjectFilter:
    """Which subjects are listed: of one view (or combination of views), where methods differ, of one cell.

    `cell` is one of `CELLS` of the entry `key`; `truth` and `named` choose a cell of its table of types.
    """

    view: str = ""
    differing: bool = False
    key: str = ""
    cell: str = ""
    truth: str | None = None
    named: str | None = None


def list_subjects(
    services: HasDatabase,
    comparison_id: int,
    wanted: SubjectFilter,
    good_labels: Sequence[str],
    *,
    offset: int = 0,
    limit: int = 24,
) -> tuple[list[Subject], int]:
    """Return a page of the test images, or parts, and how many there are in all; in the order of images, then parts."""
    with reading(services) as session:
        subjects = _find(session, comparison_id, wanted, good_labels)
        page = subjects[offset : offset + limit]
        rows = _read_rows(session, comparison_id, page, wanted.view)
        images = _read_images(session, comparison_id, rows)
    return [_subject(name, rows[name], images, good_labels) for name in page if name in rows], len(subjects)


def get_subject(
    services: HasDatabase, comparison_id: int, subject: str, view: str, good_labels: Sequence[str]
) -> Subject:
    """Return one image or part with what was said of it. Raises NotFound comparison_image_elsewhere."""
    with reading(services) as session:
        rows = _read_rows(session, comparison_id, [subject], view)
        images = _read_images(session, comparison_id, rows)
    if subject not in rows:
        raise NotFound("comparison_image_elsewhere")
    return _subject(subject, rows[subject], images, good_labels)


def list_pictures(services: HasDatabase, comparison_id: int, subject: Subject, members: Sequence[str]) -> list[Said]:
    """Return what the members of a combination said of the pictures of a part, in the order of members and images."""
    query = (
        select(Prediction)
        .where(
            Prediction.comparison_id == comparison_id,
            Prediction.part == subject.part,
            col(Prediction.method).in_(list(members)),
            Prediction.split == subject.split,
        )
        .order_by(col(Prediction.method), col(Prediction.image_id))
    )
    with reading(services) as session:
        return [_said(row) for row in session.exec(query).all()]


def draw_prediction(
    services: Services, prediction_id: int, *, map_level: float | None, with_boxes: bool, with_mask: bool
) -> NDArray[np.uint8]:
    """Return the image of a prediction, RGB uint8 (H, W, 3), with the method's map or boxes, and the marked defect.

    The map is laid over it from `map_level` on, its value from which on it shows a defect; None: not at all. Raises
    NotFound comparison_image_elsewhere, and AppError for a file that is gone or a store that fails.
    """
    from core.images.previews import draw_picture
    from core.inspections.colormap import color_heat, fit_within, overlay_heat
    from inference.vision.images.encoding import decode_map
    from inference.vision.images.outlines import draw_boxes

    with reading(services) as session:
        row = session.get(Prediction, prediction_id)
        image = None if row is None or row.image_id is None else session.get(Image, row.image_id)
    if row is None or image is None:
        raise NotFound("comparison_image_elsewhere")
    picture = fit_within(draw_picture(services, image, with_mask=with_mask), LONGEST_SIDE_PX)
    try:
        values = decode_map(services.objects.get(row.map_key)) if map_level is not None and row.map_key else None
    except (ObjectStoreError, ImageError) as error:
        raise from_lower(error) from error
    if values is not None and map_level is not None:
        # The colors are made for distances, which begin at 0.
        lowest = min(0.0, float(values.min()), map_level)
        level = max(map_level - lowest, 1e-6)
        picture = overlay_heat(picture, color_heat(values - lowest, review_at=level, reject_at=level))
    if with_boxes:
        boxes = [(box["x"], box["y"], box["width"], box["height"]) for box in row.boxes]
        picture = draw_boxes(picture, boxes, size_px=(image.width_px, image.height_px))
    return picture


def _find(session: Session, comparison_id: int, wanted: SubjectFilter, good_labels: Sequence[str]) -> list[str]:
    """Return the names of the test subjects that the filter leaves, in order."""
    own = (Prediction.comparison_id == comparison_id, Prediction.split == "test", Prediction.view == wanted.view)
    query = select(Prediction.subject, func.min(col(Prediction.image_id)), func.min(col(Prediction.id))).where(*own)
    if wanted.key:
        query = query.where(Prediction.method == wanted.key)
        query = _in_cell(query, wanted, good_labels)
    query = query.group_by(col(Prediction.subject))
    if wanted.differing:
        query = query.having(func.count(func.distinct(col(Prediction.verdict))) > 1)
    query = query.order_by(func.min(col(Prediction.image_id)), func.min(col(Prediction.id)))
    return [name for name, _image, _first in session.exec(query).all()]


def _in_cell(query: Any, wanted: SubjectFilter, good_labels: Sequence[str]) -> Any:
    if wanted.truth is not None:
        query = query.where(Prediction.truth == wanted.truth)
    if wanted.named is not None:
        query = query.where(Prediction.named == wanted.named)
    if wanted.cell in CELLS:
        side, what = wanted.cell.split("_")
        # A combination calls a good part good, whatever the labels of its images.
        goods = [*good_labels, "good"]
        is_good = col(Prediction.truth).in_(goods)
        query = query.where(is_good if side == "good" else ~is_good)
        verdict = {"passed": "ok", "stopped": "reject", "silent": ""}[what]
        query = query.where(Prediction.verdict == verdict)
    return query


def _read_rows(session: Session, comparison_id: int, subjects: Sequence[str], view: str) -> dict[str, list[Prediction]]:
    found: dict[str, list[Prediction]] = {}
    for start in range(0, len(subjects), _AT_ONCE):
        query = select(Prediction).where(
            Prediction.comparison_id == comparison_id,
            Prediction.view == view,
            col(Prediction.subject).in_(list(subjects[start : start + _AT_ONCE])),
        )
        for row in session.exec(query.order_by(col(Prediction.id))).all():
            found.setdefault(row.subject, []).append(row)
    return found


def _read_images(session: Session, comparison_id: int, rows: dict[str, list[Prediction]]) -> dict[str, Image]:
    """Return by subject its image, of a part that of its first picture."""
    ids = {name: own[0].image_id for name, own in rows.items()}
    parts = {own[0].part: name for name, own in rows.items() if own[0].image_id is None}
    if parts:
        query = (
            select(Prediction.part, func.min(col(Prediction.image_id)))
            .where(
                Prediction.comparison_id == comparison_id,
                col(Prediction.part).in_(list(parts)),
                col(Prediction.image_id).is_not(None),
            )
            .group_by(col(Prediction.part))
        )
        ids |= {parts[part]: image_id for part, image_id in session.exec(query).all()}
    found = {row.id: row for row in session.exec(select(Image).where(col(Image.id).in_(list(ids.values())))).all()}
    return {name: found[image_id] for name, image_id in ids.items() if image_id in found}


def _subject(name: str, rows: Sequence[Prediction], images: dict[str, Image], good_labels: Sequence[str]) -> Subject:
    first, image = rows[0], images.get(name)
    return Subject(
        subject=name,
        image_id=first.image_id,
        part=first.part,
        view=first.view,
        split=first.split,
        truth=first.truth,
        is_defect=first.truth not in (*good_labels, "good"),
        name="" if image is None else image.stored_name,
        thumbnail_key="" if image is None else image.thumbnail_key,
        said={row.method: _said(row) for row in rows},
    )


def _said(row: Prediction) -> Said:
    error = StoredError.from_json(row.error_code, row.error_params)
    return Said(
        id=row.id,
        key=row.method,
        image_id=row.image_id,
        view=row.view,
        score=row.score,
        verdict=row.verdict,
        named=row.named,
        boxes=tuple(row.boxes),
        has_map=bool(row.map_key),
        words=row.words,
        ms=row.latency_ms,
        error=None if error is None else error.to_app_error(),
    )
