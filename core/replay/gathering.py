"""What a replay compares: the newest inspections and the curated images, with what is known of each without a look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlmodel import Session, col, func, select

from core.catalog.names import DefectTypeName
from core.images.outliers import SUSPECTED
from core.images.training import key_of_id
from core.inspections.examination import Judges
from core.models.detection_figures import BankFigures
from core.models.sources import BankSources
from core.replay.records import IMAGE, INSPECTION, LABEL, PERSON, Outcome
from storage.tables import Image, Inspection

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

    def recall(self, image: Image | None, inspection: Inspection | None = None) -> tuple[float | None, bool]:
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
    product_id = after.product.id
    types = {row.id: DefectTypeName.from_row(row) for row in after.defect_types}
    rows = session.exec(
        select(Inspection).where(Inspection.product_id == product_id).order_by(col(Inspection.id).desc()).limit(limit)
    ).all()
    curated = _find_curated(session, product_id, [row.image_sha256 for row in rows])
    images = [row for row in _list_labeled(session, product_id) if row.content_sha256 not in curated]
    n_labeled = len(images)
    memories = (Memory.of(before) if before is not None else None, Memory.of(after))
    found = [_from_inspection(row, curated.get(row.image_sha256), types, memories) for row in rows]
    found += [_from_image(row, types, memories) for row in _take_evenly(images, most_images)]
    return Gathered(tuple(found), n_labeled)


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


def _list_labeled(session: Session, product_id: int) -> list[Image]:
    """Return the curated images in an order in which every type, split and time of arrival is spread evenly."""
    in_order = (col(Image.image_type), func.coalesce(Image.defect_type_id, 0), col(Image.split), col(Image.id))
    return list(session.exec(select(Image).where(Image.product_id == product_id).order_by(*in_order)).all())


def _take_evenly(rows: Sequence[Image], most: int) -> list[Image]:
    if len(rows) <= most:
        return list(rows)
    return [rows[place * len(rows) // most] for place in range(most)]


def _from_inspection(
    row: Inspection,
    curated: Image | None,
    types: Mapping[int, DefectTypeName],
    memories: tuple[Memory | None, Memory],
) -> Candidate:
    outcome = decided_outcome(row, types)
    if outcome is None and curated is not None:
        outcome = labeled_outcome(curated, types)
    found = Candidate(INSPECTION, row.id, row.original_name, row.image_key, row.thumbnail_key, outcome)
    return _recall(found, memories, curated, row)


def _from_image(row: Image, types: Mapping[int, DefectTypeName], memories: tuple[Memory | None, Memory]) -> Candidate:
    outcome = labeled_outcome(row, types)
    found = Candidate(IMAGE, row.id, row.stored_name, row.object_key, row.thumbnail_key, outcome)
    return _recall(found, memories, row)


def _recall(
    found: Candidate,
    memories: tuple[Memory | None, Memory],
    image: Image | None,
    inspection: Inspection | None = None,
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
