"""Committing inspections: the objects first, then their rows in one transaction, however many there are."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert
from sqlmodel import Session, col, select

from core.access import WORKER, require_role
from core.accounts.bindings import require_bound
from core.deliveries.outbox import Announcement, enqueue
from core.errors import AppError, Conflict, from_lower
from core.files.discarded_objects import discard_objects
from core.files.file_names import clean_file_name
from core.inspections.line.part_codes import fill_from_code
from core.inspections.part_details import PartDetails
from core.inspections.records import InspectionRecord, SimilarImages, load_record, make_record
from core.inspections.stored_values import DefectRegion
from core.inspections.trained.judging import suggest_by_trained
from core.models.detection_figures import HEAD_KEY
from core.models.head_figures import HeadFigures
from core.rollups.counting import count_new
from core.similarity.matches import Match, describe_each
from core.similarity.results import history_rows
from core.similarity.suggestions import Suggestion, is_like_nothing, prefers_head, suggest_by_head, suggest_type
from core.transactions import HasDatabase, HasStores, reading, writing
from storage.tables import Inspection, SearchHistory, utc_now

if TYPE_CHECKING:
    from core.access import Person
    from core.inspections.examination import Finding
    from core.services import Services


@dataclass(frozen=True)
class Examined:
    """A file that was examined, with what is told of its part: all that an inspection keeps. `details` are checked.

    Of several with the same `idempotency_key` one is stored, and the others get its record. `columns` are those of the
    row that other views of the part decide.
    """

    finding: Finding
    data: bytes = field(repr=False)
    file_name: str
    details: PartDetails
    idempotency_key: str | None = None
    code_notes: tuple[str, ...] = ()
    columns: Mapping[str, Any] = field(default_factory=dict)


def describe_part(
    finding: Finding, data: bytes, file_name: str, details: PartDetails, idempotency_key: str | None
) -> Examined:
    """Return what an inspection keeps of a file: `details` (checked), and what the code in its picture adds to them."""
    read = fill_from_code(details, finding.image.pixels, finding.product.code_rule)
    return Examined(finding, data, file_name, read.details, idempotency_key, read.notes)


# What else is to be stored in the very transaction of the rows, such as how far a job has come: it gets the session and
# the new row of each file that is stored, by its place in the sequence.
Along = Callable[[Session, Mapping[int, Inspection]], None]


def store(
    services: Services, person: Person, group: Sequence[Examined], *, top_k: int, along: Along | None = None
) -> list[InspectionRecord | AppError]:
    """Commit a group of one product and return each file's record, or why it was not stored.

    A file whose objects cannot be stored is left out, and its objects are deleted again. What goes wrong after that is
    raised as AppError and concerns all: no row is kept then, and the objects stay, because the commit may have reached
    the database after all; they are collected as orphans otherwise. A file whose idempotency key has an inspection
    already gets that one's record; `along` is given its row. Raises NotAllowed before anything is stored.
    """
    require_role(services, person, WORKER)
    for product_id, line in {(one.finding.product.id, one.details.line) for one in group}:
        require_bound(services, person, product_id=product_id, line=line)
    rows = [_make_row(one, person) for one in group]
    # The disk or the store is waited for while the database is asked.
    with ThreadPoolExecutor(1, thread_name_prefix="put") as putting:
        put = putting.submit(copy_context().run, _put_objects, services, rows, group)
        described = _describe(services, group, rows)
        failed = put.result()
    there = [place for place in range(len(group)) if place not in failed]
    try:
        earlier = _insert(services, person, group, rows, there, top_k=top_k, along=along)
    except Conflict:
        # Another process was faster with one of the keys, and the second time it is found; or it met this one in a
        # deadlock. Copies, because what failed to
        # be inserted belongs to the transaction that was rolled back.
        rows = [Inspection(**row.model_dump(exclude={"id"})) for row in rows]
        earlier = _insert(services, person, group, rows, there, top_k=top_k, along=along)
    for place in earlier:
        discard_objects(services, _keys_of(rows[place]))
    return [
        failed[place]
        if place in failed
        else load_record(services, earlier[place])
        if place in earlier
        else _record(one.finding, rows[place], person, described[place])
        for place, one in enumerate(group)
    ]


def find_by_key(services: HasDatabase, idempotency_key: str) -> int | None:
    """Return the id of the inspection that was made under the key; None where there is none."""
    with reading(services) as session:
        return session.exec(select(Inspection.id).where(Inspection.idempotency_key == idempotency_key)).first()


@dataclass(frozen=True)
class KeptRequest:
    """What an inspection was asked for with: its product, the SHA-256 of the image, what was told of the part."""

    inspection_id: int
    product_id: int
    image_sha256: str
    details: PartDetails

    def is_same_as(self, other: KeptRequest) -> bool:
        """Return whether another request asks for the same, whatever came of it."""
        return replace(self, inspection_id=0) == replace(other, inspection_id=0)


def find_request(services: HasDatabase, idempotency_key: str) -> KeptRequest | None:
    """Return what the inspection under the key was asked for with; None where there is none."""
    with reading(services) as session:
        row = session.exec(select(Inspection).where(Inspection.idempotency_key == idempotency_key)).first()
        return None if row is None else KeptRequest(row.id, row.product_id, row.image_sha256, PartDetails.from_row(row))


def _insert(
    services: HasDatabase,
    person: Person,
    group: Sequence[Examined],
    rows: Sequence[Inspection],
    places: Sequence[int],
    *,
    top_k: int,
    along: Along | None,
) -> dict[int, int]:
    """Commit the rows at `places`; return the inspection's id of those whose key has one already, by their place."""
    with writing(services) as session:
        by_key = _find_earlier(session, [rows[place] for place in places])
        row_of: dict[int, Inspection] = {}
        for place in places:
            row, key = rows[place], rows[place].idempotency_key
            row_of[place] = row if key is None else by_key.setdefault(key, row)
        stored = [place for place in places if row_of[place] is rows[place]]
        kept = [rows[place] for place in stored]
        session.add_all(kept)
        session.flush()
        history = [
            found.model_dump(exclude={"id"})
            for place in stored
            for found in history_rows(
                group[place].finding.similar,
                inspection_id=rows[place].id,
                product_id=rows[place].product_id,
                person_id=person.id,
                top_k=top_k,
            )
        ]
        if history:
            session.execute(insert(SearchHistory), history)
        enqueue(session, [_announce(group[place].finding, rows[place]) for place in stored])
        if along is not None:
            along(session, row_of)
        count_new(session, kept)
        session.commit()
        return {place: row.id for place, row in row_of.items() if row is not rows[place]}


def _announce(finding: Finding, row: Inspection) -> Announcement:
    codes = {known.id: known.code for known in finding.judges.defect_types}
    return Announcement(row, finding.product.code, finding.bank.number, codes)


def _find_earlier(session: Session, rows: Sequence[Inspection]) -> dict[str, Inspection]:
    keys = [row.idempotency_key for row in rows if row.idempotency_key is not None]
    if not keys:
        return {}
    found = session.exec(select(Inspection).where(col(Inspection.idempotency_key).in_(keys))).all()
    return {str(row.idempotency_key): row for row in found}


def _record(finding: Finding, row: Inspection, person: Person, similar: SimilarImages) -> InspectionRecord:
    return make_record(
        row,
        product=finding.product,
        bank=finding.bank,
        threshold=finding.threshold,
        person_name=person.display_name,
        types=finding.judges.defect_types,
        similar=similar,
    )


def _make_row(one: Examined, person: Person) -> Inspection:
    from inference.vision.images.decode import content_hash

    finding, now = one.finding, utc_now()
    stem = stem_of_objects()
    height_px, width_px = finding.image.pixels.shape[:2]
    ending = {"JPEG": "jpg", "TIFF": "tif"}.get(finding.image.format, finding.image.format.lower())
    kind, _, key = finding.detection.nearest_key.partition(":")
    row = Inspection(
        **one.details.to_columns(),
        product_id=finding.product.id,
        created_at=now,
        created_by=person.id,
        original_name=clean_file_name(one.file_name),
        image_key=f"{stem}-image.{ending}",
        thumbnail_key=f"{stem}-thumbnail.jpg",
        heat_map_key=f"{stem}-heat_map.png",
        image_sha256=content_hash(one.data),
        width_px=width_px,
        height_px=height_px,
        image_notes=[*finding.image.notes, *one.code_notes],
        score=finding.detection.score,
        review_at=finding.threshold.review_at,
        reject_at=finding.threshold.reject_at,
        memory_bank_version_id=finding.bank.id,
        threshold_setting_id=finding.threshold.id,
        normal_index_version_id=finding.similar.normal.version_id,
        defect_index_version_id=finding.similar.defect.version_id,
        preprocessing=finding.bank.preprocessing,
        regions=[region.to_json() for region in name_regions(finding)],
        nearest_image_id=int(key) if kind == "image" and key.isdigit() else None,
        verdict=finding.verdict,
        final_verdict=finding.verdict,
        action_status="none" if finding.verdict == "ok" else "open",
        review_state="waiting" if finding.verdict == "review" else "none",
        raised_by=finding.detection.raised_by,
        trained_version_id=finding.trained.version_id if finding.trained is not None else None,
        trained_finding=finding.trained.to_json() if finding.trained is not None else None,
        idempotency_key=one.idempotency_key,
        latency_ms=finding.latency_ms,
    )
    for name, value in one.columns.items():
        setattr(row, name, value)
    return row


def stem_of_objects() -> str:
    """Return what the keys of one picture's objects begin with."""
    # Not a folder each: the names of a whole group are made durable at once.
    return f"inspections/{utc_now():%Y/%m/%d}/{uuid.uuid4().hex}"


def name_regions(finding: Finding) -> list[DefectRegion]:
    """Return the regions, each with its type where a defect head names types."""
    height_px, width_px = finding.image.pixels.shape[:2]
    places, opinion = finding.detection.places, finding.detection.opinion
    if places is None or opinion is None or not opinion.known or not _by_head(finding) or _is_new(finding):
        return [DefectRegion.from_detected(region) for region in finding.regions]
    return [
        DefectRegion.from_detected(
            one, named=places.name((one.x / width_px, one.y / height_px, one.w / width_px, one.h / height_px))
        )
        for one in finding.regions
    ]


def _is_new(finding: Finding) -> bool:
    """Return whether what was found looks like no defect that is known, whatever the defect head takes it for."""
    defects = finding.similar.defect
    return defects.rule is not None and is_like_nothing(defects.suggestion_of, defects.rule, type_of=defects.type_of)


def _by_head(finding: Finding) -> bool:
    """Return whether the bank's defect head names types, rather than the similar images."""
    # Its own part alone: the metrics hold the scores of all labeled defects, too.
    head = HeadFigures.from_json(finding.bank.metrics.get(HEAD_KEY))
    return finding.detection.opinion is not None and prefers_head(head, finding.similar.defect.rule)


def _put_objects(services: HasStores, rows: Sequence[Inspection], group: Sequence[Examined]) -> dict[int, AppError]:
    """Store the objects of each row; return why they could not be stored by the row's place: nothing is left then."""
    from inference.vision.images.decode import encode_map, thumbnail

    items: list[tuple[str, bytes]] = []
    content_types: dict[str, str] = {}
    for row, one in zip(rows, group, strict=True):
        items += [
            (row.image_key, one.data),
            (row.thumbnail_key, thumbnail(one.finding.image.pixels)),
            (row.heat_map_key, encode_map(one.finding.detection.anomaly_map)),
        ]
        content_types |= {row.thumbnail_key: "image/jpeg", row.heat_map_key: "image/png"}
    problems = services.objects.put_many(items, content_types=content_types)
    failed: dict[int, AppError] = {}
    for place, row in enumerate(rows):
        keys = _keys_of(row)
        problem = next((problems[key] for key in keys if key in problems), None)
        if problem is not None:
            failed[place] = from_lower(problem, name=row.original_name)
            discard_objects(services, keys)
    return failed


def _keys_of(row: Inspection) -> tuple[str, str, str]:
    return row.image_key, row.thumbnail_key, row.heat_map_key


def _describe(services: Services, group: Sequence[Examined], rows: Sequence[Inspection]) -> list[SimilarImages]:
    """Return what looks alike for the record, and give each row the type that it suggests and the nearest's name."""
    for one, row in zip(group, rows, strict=True):
        _suggest(row, one.finding)
    nearest = [() if row.nearest_image_id is None else (Match(row.nearest_image_id, 0.0),) for row in rows]
    found = [one.finding.similar for one in group]
    lists = [*(one.defect.matches for one in found), *(one.normal.matches for one in found), *nearest]
    if not any(lists):
        return [SimilarImages(problem=one.problem) for one in found]
    with reading(services) as session:
        described = describe_each(session, lists)
    count = len(group)
    for row, named in zip(rows, described[2 * count :], strict=True):
        row.nearest_image_name = named[0].stored_name if named else ""
    return [
        SimilarImages(defects=described[place], normals=described[count + place], problem=one.problem)
        for place, one in enumerate(found)
    ]


def suggest_for(finding: Finding) -> Suggestion | None:
    """Return the type that a picture suggests; None for a good one.

    By the trained model that people put into use, where it is sure; else by the defect head or by what looks alike. The
    head names no type of what looks like no known defect.
    """
    defects, opinion = finding.similar.defect, finding.detection.opinion
    if finding.verdict == "ok":
        return None
    types = finding.judges.defect_types
    if (named := suggest_by_trained(finding.trained, types)) is not None:
        return named
    if opinion is not None and _by_head(finding) and not _is_new(finding):
        return suggest_by_head(opinion, types)
    if defects.rule is not None:
        return suggest_type(defects.suggestion_of, defects.rule, type_of=defects.type_of, types=types)
    return None


def _suggest(row: Inspection, finding: Finding) -> None:
    suggestion = suggest_for(finding)
    if suggestion is not None:
        # A confidence without a type says: none of the known ones.
        row.suggested_defect_type_id = suggestion.defect_type.id if suggestion.defect_type else None
        row.suggestion_confidence = suggestion.confidence
