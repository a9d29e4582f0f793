"""What a replay compares: the newest inspections and the curated images, with what is known of each without a look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlmodel import Session, col, func, select

from core.catalog.names import DefectTypeName
from core.images.outliers import SUSPECTED
from core.images.training import key_of_id, of_view
from core.inspections.examination import Judges
from core.models.detection_figures import BankFigures
from core.models.sources import BankSources
from core.replay.records import IMAGE, INSPECTION, LABEL, PERSON, Outcome
from storage.tables import Image, Inspection, InspectionView

# Databases limit how many values one IN may have.
_AT_ONCE = 500


@dataclass(frozen=True)
class Candidate:
    """An image to compare: where it is stored, what it really shows, and the scores that are known already.

    `before` and `after` are the scores by the version in use and by the other judge, None where the image has to be
    looked at. `learned` says that one of the two has learned from it, and no score of before that is kept.
    """

    kind: str
    id: int
    name: str
    object_key: str
    thumbnail_key: str
    outcome: Outcome | None
    before: float | None = None
    after: float | None = None
    learned: bool = False


@dataclass(frozen=True)
class Gathered:
    """The images to compare; of `n_labeled` curated images those that were taken are among them."""

    images: tuple[Candidate, ...]
    n_labeled: int


@dataclass(frozen=True)
class Picture:
    """The picture of an inspection that is judged again: its own, or that of one view of the part."""

    inspection: Inspection
    name: str
    image_key: str
    thumbnail_key: str
    image_sha256: str
    score: float | None
    memory_bank_version_id: int | None

    @classmethod
    def of(cls, row: Inspection | InspectionView, inspection: Inspection) -> Picture:
        """Return the picture in the row of an inspection, or of one view of it."""
        return cls(
            inspection,
            row.original_name,
            row.image_key,
            row.thumbnail_key,
            row.image_sha256,
            row.score,
            row.memory_bank_version_id,
        )

    @property
    def decided(self) -> bool:
        """Return whether the verdict on the part stands on this picture."""
        return self.image_sha256 == self.inspection.image_sha256


@dataclass(frozen=True)
class Memory:
    """What a version remembers: the scores of images it had not seen, by image id, and which it has learned from."""

    version_id: int
    unseen_scores: Mapping[int, float] = field(default_factory=dict)
    learned_ids: frozenset[int] = frozenset()

    @classmethod
    def of(cls, judges: Judges) -> Memory:
        """Return what the row of the judges' memory bank holds.

        A labeled defect is learned from by a defect head alone; else it sets thresholds, and its score is its own.
        """
        sources = BankSources.from_json(judges.bank.sources)
        figures = BankFigures.from_json(judges.bank.metrics)
        kept = {**(sources.growth.normal_scores if sources.growth is not None else {}), **figures.defect_scores}
        learned = set(sources.normal_ids) - set(sources.set_apart)
        if figures.head is not None:
            learned |= set(sources.defect_ids)
        named = sources.image_ids | {int(key.rpartition(":")[2]) for key in kept if key.rpartition(":")[2].isdecimal()}
        unseen = {image_id: kept[key] for image_id in named if (key := key_of_id(image_id)) in kept}
        return cls(judges.bank.id, {**sources.set_apart, **unseen}, frozenset(learned))

    def recall(self, image: Image | None, inspection: Picture | None = None) -> tuple[float | None, bool]:
        """Return the score that is known of an image, and whether a look would only find what was learned."""
        if inspection is not None and inspection.memory_bank_version_id == self.version_id:
            return inspection.score, False
        if image is None:
            return None, False
        score = self.unseen_scores.get(image.id)
        return score, score is None and image.id in self.learned_ids


def gather(session: Session, before: Judges | None, after: Judges, *, limit: int, most_images: int) -> Gathered:
    """Return the product's `limit` newest inspections and its curated images, at most `most_images` taken evenly.

    A curated image that was inspected counts once, as the inspection.
    """
    product_id, view = after.product.id, after.bank.view
    types = {row.id: DefectTypeName.from_row(row) for row in after.defect_types}
    rows = _list_pictures(session, product_id, view, limit)
    curated = _find_curated(session, product_id, [row.image_sha256 for row in rows])
    images = [row for row in _list_labeled(session, product_id, view) if row.content_sha256 not in curated]
    n_labeled = len(images)
    memories = (Memory.of(before) if before is not None else None, Memory.of(after))
    found = [_from_inspection(row, curated.get(row.image_sha256), types, memories) for row in rows]
    found += [_from_image(row, types, memories) for row in _take_evenly(images, most_images)]
    return Gathered(tuple(found), n_labeled)


def _list_pictures(session: Session, product_id: int, view: str, limit: int) -> list[Picture]:
    """Return the pictures of the newest inspections; of one view, of those that had one, the first exposure of each."""
    newest = select(Inspection).where(Inspection.product_id == product_id).order_by(col(Inspection.id).desc())
    if not view:
        return [Picture.of(row, row) for row in session.exec(newest.limit(limit)).all()]
    pairs = session.exec(
        select(InspectionView, Inspection)
        .join(Inspection, col(Inspection.id) == col(InspectionView.inspection_id))
        .where(Inspection.product_id == product_id, InspectionView.view == view, InspectionView.exposure == 0)
        .order_by(col(Inspection.id).desc())
        .limit(limit)
    ).all()
    return [Picture.of(row, inspection) for row, inspection in pairs]


def _find_curated(session: Session, product_id: int, hashes: Sequence[str]) -> dict[str, Image]:
    found: dict[str, Image] = {}
    wanted = sorted(set(hashes))
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        rows = session.exec(
            select(Image).where(Image.product_id == product_id, col(Image.content_sha256).in_(some))
        ).all()
        found |= {row.content_sha256: row for row in rows}
    return found


def _list_labeled(session: Session, product_id: int, view: str) -> list[Image]:
    """Return the curated images in an order in which every type, split and time of arrival is spread evenly."""
    in_order = (col(Image.image_type), func.coalesce(Image.defect_type_id, 0), col(Image.split), col(Image.id))
    query = select(Image).where(Image.product_id == product_id, *of_view(view))
    return list(session.exec(query.order_by(*in_order)).all())


def _take_evenly(rows: Sequence[Image], most: int) -> list[Image]:
    if len(rows) <= most:
        return list(rows)
    return [rows[place * len(rows) // most] for place in range(most)]


def _from_inspection(
    picture: Picture,
    curated: Image | None,
    types: Mapping[int, DefectTypeName],
    memories: tuple[Memory | None, Memory],
) -> Candidate:
    outcome = decided_outcome(picture.inspection, types)
    if outcome is not None and outcome.is_defect and not picture.decided:
        outcome = None  # the defect of the part may be in another view alone
    if outcome is None and curated is not None:
        outcome = labeled_outcome(curated, types)
    found = Candidate(
        INSPECTION, picture.inspection.id, picture.name, picture.image_key, picture.thumbnail_key, outcome
    )
    return _recall(found, memories, curated, picture)


def _from_image(row: Image, types: Mapping[int, DefectTypeName], memories: tuple[Memory | None, Memory]) -> Candidate:
    outcome = labeled_outcome(row, types)
    found = Candidate(IMAGE, row.id, row.stored_name, row.object_key, row.thumbnail_key, outcome)
    return _recall(found, memories, row)


def _recall(
    found: Candidate,
    memories: tuple[Memory | None, Memory],
    image: Image | None,
    inspection: Picture | None = None,
) -> Candidate:
    before, after = memories
    old_score, old_learned = before.recall(image, inspection) if before is not None else (None, False)
    score, learned = after.recall(image, inspection)
    return replace(found, before=old_score, after=score, learned=learned or old_learned)


def labeled_outcome(row: Image, types: Mapping[int, DefectTypeName]) -> Outcome | None:
    """Return what a curated image's label says; None for a normal image that does not look like the others."""
    if row.image_type == "normal":
        return None if row.outlier_state == SUSPECTED else Outcome(False, None, LABEL)
    return Outcome(True, types.get(row.defect_type_id or 0), LABEL)


def decided_outcome(row: Inspection, types: Mapping[int, DefectTypeName]) -> Outcome | None:
    """Return what people have said of an inspected part; None where nobody has, or it is left at Review.

    A confirmed type says that it is a defect, whatever the model said; a verdict of a person stands above it.
    """
    defect_type = types.get(row.final_defect_type_id or 0)
    if row.overridden_at is not None and row.final_verdict == "ok":
        return Outcome(False, None, PERSON)
    if row.confirmed_at is not None and row.final_defect_type_id is not None:
        return Outcome(True, defect_type, PERSON)
    if (row.overridden_at is not None or row.confirmed_at is not None) and row.final_verdict == "reject":
        return Outcome(True, None, PERSON)
    return None
