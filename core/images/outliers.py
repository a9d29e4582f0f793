"""Normal images that do not look like the others: noted by a build or at intake, and what a person decides of each.

What is noted changes no image, so no model becomes out of date by it. A person's decisions do: an image that is kept as
really good is learned from by the next build, and is not asked about again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import update
from sqlmodel import Session, col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from core.access import ENGINEER, require_role
from core.audit import record
from core.errors import Conflict, NotFound
from core.images.edits import get_images, relabel_images
from core.images.row_versions.checking import check_unchanged
from core.transactions import reading, writing
from storage.tables import AuditLog, Image, utc_now

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services

SUSPECTED, KEPT = "suspected", "kept"
_KEPT_ACTION = "image.kept"
_MOST_NAMED = 20


@dataclass(frozen=True)
class KeptImage:
    """A normal image that a person kept as really good; `kept_by` is empty where nobody is known."""

    image: Image
    kept_by: str


def note_suspected(
    session: Session,
    product_id: int,
    scores: Mapping[int, float],
    *,
    limit: float,
    now: datetime,
    judged: Collection[int] | None = None,
) -> None:
    """Note that exactly these training normals do not look like the others, inside the caller's transaction.

    `scores` are their cross-fitted scores by image id, `limit` is the score from which on an image is set apart. The
    note of every other training normal that was judged is cleared (`judged`: their ids; None for all); test images were
    not judged, and keep theirs. What a person kept stays kept. The rows count as unchanged.
    """
    normals = session.exec(
        select(Image).where(Image.product_id == product_id, Image.image_type == "normal", Image.split == "train")
    ).all()
    news: list[str] = []
    for image in normals:
        if image.outlier_state == KEPT:
            continue
        if (score := scores.get(image.id)) is not None:
            if image.outlier_state != SUSPECTED:
                news.append(image.stored_name)
            _note(session, image, SUSPECTED, score, image.outlier_at if image.outlier_state == SUSPECTED else now)
        elif image.outlier_state == SUSPECTED and (judged is None or image.id in judged):
            _note(session, image, "", None, None)
    if news:
        _record_news(session, None, product_id, news, limit=limit)


def note_at_intake(
    services: Services, person: Person, product_id: int, scores: Mapping[int, float], *, limit: float
) -> None:
    """Note that these new normal images do not look like what the model in use knows; others keep what was noted.

    `scores` are those of the model in use by image id, `limit` is the score from which on an image is suspected.
    """
    require_role(services, person, ENGINEER)
    if not scores:
        return
    now = utc_now()
    with writing(services) as session:
        news = []
        for image in get_images(session, list(scores)):
            if image.product_id == product_id and image.image_type == "normal" and not image.outlier_state:
                _note(session, image, SUSPECTED, scores[image.id], now)
                news.append(image.stored_name)
        if news:
            _record_news(session, person, product_id, news, limit=limit)
        session.commit()


def list_suspected(services: Services, product_id: int) -> list[Image]:
    """Return the normal images that wait for a decision, the strangest first."""
    with reading(services) as session:
        return list(
            session.exec(_noted(product_id, SUSPECTED).order_by(col(Image.outlier_score).desc(), col(Image.id))).all()
        )


def list_kept(services: Services, product_id: int) -> list[KeptImage]:
    """Return the normal images that people kept as really good, the newest decision first."""
    with reading(services) as session:
        images = session.exec(_noted(product_id, KEPT).order_by(col(Image.outlier_at).desc(), col(Image.id))).all()
        kept = select(Image.id).where(Image.product_id == product_id, Image.outlier_state == KEPT)
        said = session.exec(
            select(AuditLog)
            .where(AuditLog.subject_type == "image", AuditLog.action == _KEPT_ACTION)
            .where(col(AuditLog.subject_id).in_(kept))
            .order_by(col(AuditLog.id))
        ).all()
        by_image = {row.subject_id: row.user_name for row in said}  # the last one counts
    return [KeptImage(image, by_image.get(image.id, "")) for image in images]


def count_noted(services: Services, product_id: int) -> dict[str, int]:
    """Return how many normal images of the product are suspected and how many kept, by state; none of it: no key."""
    with reading(services) as session:
        rows = session.exec(
            select(Image.outlier_state, func.count())
            .where(Image.product_id == product_id, Image.outlier_state != "")
            .group_by(Image.outlier_state)
        ).all()
    return {state: int(count) for state, count in rows}


def keep(
    services: Services, person: Person, image_ids: Sequence[int], *, row_versions: Mapping[int, int] | None = None
) -> int:
    """Keep suspected images as really good: the next build learns from them. Returns how many there were.

    `row_versions` are those of the images as the person saw them. Raises BadInput no_images_chosen; NotFound where none
    is there any more; Conflict image_changed, image_not_suspected. Then nothing is kept.
    """
    return _decide(services, person, image_ids, row_versions, before=SUSPECTED, after=KEPT, action=_KEPT_ACTION)


def take_back(
    services: Services, person: Person, image_ids: Sequence[int], *, row_versions: Mapping[int, int] | None = None
) -> int:
    """Take back that images were kept: they wait for a decision again. Raises as `keep`; Conflict image_not_kept."""
    return _decide(services, person, image_ids, row_versions, before=KEPT, after=SUSPECTED, action="image.keep_undone")


def move_to_defects(
    services: Services,
    person: Person,
    image_ids: Sequence[int],
    defect_type_id: int,
    *,
    row_versions: Mapping[int, int] | None = None,
) -> int:
    """Say that images show a defect of this type; they keep their split. Returns how many changed.

    Raises as `core.images.edits.relabel_images`.
    """
    return relabel_images(
        services, person, image_ids, image_type="defect", defect_type_id=defect_type_id, row_versions=row_versions
    )


def _decide(
    services: Services,
    person: Person,
    image_ids: Sequence[int],
    row_versions: Mapping[int, int] | None,
    *,
    before: str,
    after: str,
    action: str,
) -> int:
    require_role(services, person, ENGINEER)
    now = utc_now()
    with writing(services) as session:
        images = get_images(session, image_ids)
        if not images:
            raise NotFound("not_found")  # all were deleted since they were chosen
        check_unchanged(session, images, row_versions)
        for image in images:
            if image.outlier_state != before:
                code = "image_not_suspected" if before == SUSPECTED else "image_not_kept"
                raise Conflict(code, name=image.stored_name)
            # Not `mark_changed`: pixels and label are as they were, and an index of the image is still right.
            image.row_version += 1
            image.outlier_state, image.outlier_at = after, now
            record(
                session,
                person,
                action,
                "image",
                image.id,
                name=image.stored_name,
                score=image.outlier_score,
                row_version=image.row_version,
                changes={"outlier_state": [before, after]},
            )
        session.commit()
    return len(images)


def _noted(product_id: int, state: str) -> SelectOfScalar[Image]:
    query = select(Image).where(Image.product_id == product_id, Image.outlier_state == state)
    return query.with_hint(Image, "INDEXED BY ix_images_gallery", "sqlite")  # few among many: no row of another is read


def _note(session: Session, image: Image, state: str, score: float | None, at: datetime | None) -> None:
    # By a statement of its own, which a decision that a person makes at this moment goes before.
    session.execute(
        update(Image)
        .where(col(Image.id) == image.id, col(Image.outlier_state) != KEPT)
        .values(outlier_state=state, outlier_score=score, outlier_at=at)
    )


def _record_news(
    session: Session, person: Person | None, product_id: int, names: Sequence[str], *, limit: float
) -> None:
    record(
        session,
        person,
        "images.suspected",
        "product",
        product_id,
        count=len(names),
        names=list(names[:_MOST_NAMED]),
        limit=limit,
    )
