"""Inspecting a part by several views: judged side by side, combined by the product's rule, committed together."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlmodel import Session, select

from core.access import WORKER, Person, require_role
from core.accounts.bindings import fit_line
from core.catalog.names import spoken_name
from core.errors import AppError, NotFound, NotReady, from_lower
from core.files.discarded_objects import discard_objects
from core.files.file_names import clean_file_name
from core.fusion.in_force import ensure_in_force
from core.inspections.by_view.examining import (
    ViewFinding,
    ViewPicture,
    check_pictures,
    examine_views,
    views_to_inspect,
)
from core.inspections.images import load_images
from core.inspections.inspection import InspectionResult
from core.inspections.line.part_codes import fill_from_code
from core.inspections.part_details import NO_DETAILS, PartDetails
from core.inspections.records import load_record
from core.inspections.storing import (
    Along,
    Examined,
    find_by_key,
    name_regions,
    stem_of_objects,
    store,
    suggest_for,
)
from core.transactions import HasStores, reading
from storage.tables import Inspection, InspectionView, Product

if TYPE_CHECKING:
    from core.fusion.records import FusionEntry
    from core.services import Services
    from inference.vision.comparison.fusion import FusedVerdict


def inspect_views(
    services: Services,
    person: Person,
    *,
    product_id: int,
    pictures: Sequence[ViewPicture],
    part: PartDetails = NO_DETAILS,
    top_k: int = 6,
    idempotency_key: str | None = None,
) -> InspectionResult:
    """Inspect one part by its views and commit its record: the objects first, then all rows in one transaction.

    A picture that cannot be judged has its error in its row, the others stand, and the part is Review unless another
    view makes it NG. Who asks again with the same `idempotency_key` gets the inspection that there is. Raises
    NotAllowed, NotFound (also `view_unknown`), NotReady, BadInput as `check_pictures` and for details that are too
    long, and the first picture's AppError where none at all could be judged.
    """
    done = inspect_part(
        services,
        person,
        product_id=product_id,
        pictures=pictures,
        part=part,
        top_k=top_k,
        idempotency_key=idempotency_key,
    )
    if done.inspection_id is None:
        raise next(error for error in done.errors if error is not None)
    record = load_record(services, done.inspection_id)
    return InspectionResult(record, load_images(services, record))


@dataclass(frozen=True)
class PartOutcome:
    """What became of a part: its committed inspection, None where no picture of it could be judged.

    `errors` say by picture why it could not be judged, None where it was; in the order of `check_pictures`. They are
    empty for a part that was inspected before, under the same key.
    """

    inspection_id: int | None
    errors: tuple[AppError | None, ...] = ()


def inspect_part(
    services: Services,
    person: Person,
    *,
    product_id: int,
    pictures: Sequence[ViewPicture],
    part: PartDetails = NO_DETAILS,
    top_k: int = 6,
    idempotency_key: str | None = None,
    along: Along | None = None,
) -> PartOutcome:
    """Do as `inspect_views`, without reading back what was committed, for whoever inspects many parts.

    `along` is stored in the very transaction of the inspection, which has the place 0, as that of `storing.store`. A
    part of which no picture could be judged is returned and not raised.
    """
    from inference.vision.comparison.fusion import fuse

    require_role(services, person, WORKER)
    details = part.checked()
    details = replace(details, line=fit_line(services, person, product_id=product_id, line=details.line))
    if idempotency_key is not None and (earlier := find_by_key(services, idempotency_key)) is not None:
        return PartOutcome(earlier)
    started = time.perf_counter()
    views = views_to_inspect(services, product_id)
    with reading(services) as session:
        product = session.get(Product, product_id)
    if product is None:
        raise NotFound("not_found")
    if not views:
        raise NotReady("product_without_views", product=spoken_name(product))
    given = check_pictures(product, views, pictures)
    entry = ensure_in_force(services, product_id)
    found = examine_views(services, product_id, given, top_k=top_k)
    probabilities = [_probability(entry, one) for one in found]
    by_view: dict[str, list[float | None]] = {}
    for one, probability in zip(found, probabilities, strict=True):
        by_view.setdefault(one.picture.view, []).append(probability)
    fused = fuse(entry.rule, entry.views, by_view)
    judged = [(p, -place) for place, p in enumerate(probabilities) if p is not None]
    errors = tuple(
        None if p is not None else one.error or NotReady("view_model_changed")
        for one, p in zip(found, probabilities, strict=True)
    )
    if fused.probability is None or not judged:
        return PartOutcome(None, errors)
    deciding = -max(judged)[1]
    rows = [_row(one, p) for one, p in zip(found, probabilities, strict=True)]
    _put_objects(services, found, rows, without=deciding)
    main = _describe(found, deciding, details, fused, entry, idempotency_key, (time.perf_counter() - started) * 1000.0)

    def add_views(session: Session, kept: Mapping[int, Inspection]) -> None:
        inspection = kept.get(0)
        if inspection is not None and inspection.row_version == 1 and not _has_views(session, inspection.id):
            add_rows(session, inspection)
        if along is not None:
            along(session, kept)

    def add_rows(session: Session, inspection: Inspection) -> None:
        own = rows[deciding]
        own.image_key, own.thumbnail_key = inspection.image_key, inspection.thumbnail_key
        own.heat_map_key, own.nearest_image_name = inspection.heat_map_key, inspection.nearest_image_name
        # Copies: what a transaction that is rolled back has seen belongs to it.
        session.add_all(
            InspectionView(**{**row.model_dump(exclude={"id"}), "inspection_id": inspection.id}) for row in rows
        )

    (stored,) = store(services, person, [main], top_k=top_k, along=add_views)
    if isinstance(stored, AppError):
        discard_objects(services, [key for row in rows for key in _keys(row)])
        raise stored
    with reading(services) as session:
        kept = set(
            session.exec(select(InspectionView.image_key).where(InspectionView.inspection_id == stored.id)).all()
        )
    # Somebody else was faster with the same key: that inspection has pictures of its own.
    discard_objects(services, [key for row in rows if row.image_key not in kept for key in _keys(row)])
    return PartOutcome(stored.id, errors)


def _has_views(session: Session, inspection_id: int) -> bool:
    query = select(InspectionView.id).where(InspectionView.inspection_id == inspection_id).limit(1)
    return session.exec(query).first() is not None


def _probability(entry: FusionEntry, found: ViewFinding) -> float | None:
    if found.finding is None:
        return None
    calibration = entry.calibrations.get(found.picture.view)
    if calibration is None or calibration.version_id != found.finding.bank.id:
        # Another bank came into use between the two: its scores mean other probabilities.
        return None
    return calibration.calibration.probability(found.finding.detection.score)


def _describe(
    found: Sequence[ViewFinding],
    deciding: int,
    details: PartDetails,
    fused: FusedVerdict,
    entry: FusionEntry,
    idempotency_key: str | None,
    ms: float,
) -> Examined:
    """Return what the inspection itself keeps: the deciding picture with the combined verdict over it."""
    notes: tuple[str, ...] = ()
    for one in found:
        if one.finding is not None:
            read = fill_from_code(details, one.finding.image.pixels, one.finding.product.code_rule)
            details, notes = read.details, notes + tuple(note for note in read.notes if note not in notes)
    main = found[deciding].finding
    assert main is not None
    columns: dict[str, Any] = {
        "score": fused.probability,
        "review_at": entry.review_at,
        "reject_at": entry.reject_at,
        "raised_by": 0.0,
        "fusion_setting_id": entry.id,
        "found_as": fused.found_as,
        "missing_views": list(fused.missing),
    }
    picture = found[deciding].picture
    # A trained model that is sure of a defect in any view holds back what the combined scores would have let pass.
    said = [one.finding.trained for one in found if one.finding is not None]
    raised = next((one for one in said if one is not None and one.raised), None)
    verdict = "review" if fused.verdict == "ok" and raised is not None else fused.verdict
    return Examined(
        replace(main, verdict=verdict, latency_ms=ms, trained=raised or main.trained),
        picture.data,
        picture.file_name,
        details,
        idempotency_key,
        notes,
        columns,
    )


def _row(found: ViewFinding, probability: float | None) -> InspectionView:
    from inference.vision.images.decode import content_hash

    size = (0, 0) if found.image is None else found.image.pixels.shape[:2]
    row = InspectionView(
        inspection_id=0,
        view=found.picture.view,
        exposure=found.exposure,
        original_name=clean_file_name(found.picture.file_name),
        image_key="",
        image_sha256=content_hash(found.picture.data),
        width_px=size[1],
        height_px=size[0],
        image_notes=list(found.image.notes) if found.image is not None else [],
        verdict="review",
        latency_ms=found.ms,
    )
    if found.image is not None:
        stem = stem_of_objects()
        ending = {"JPEG": "jpg", "TIFF": "tif"}.get(found.image.format, found.image.format.lower())
        row.image_key, row.thumbnail_key = f"{stem}-image.{ending}", f"{stem}-thumbnail.jpg"
    finding = found.finding
    if finding is None or probability is None:
        error = found.error or NotReady("view_model_changed")
        row.error_code, row.error_params = error.code, _plain(error.params)
        return row
    kind, _, key = finding.detection.nearest_key.partition(":")
    row.heat_map_key = row.image_key.rpartition("-image.")[0] + "-heat_map.png"
    row.score, row.raised_by = finding.detection.score, finding.detection.raised_by
    row.review_at, row.reject_at = finding.threshold.review_at, finding.threshold.reject_at
    row.verdict, row.probability = finding.verdict, probability
    row.memory_bank_version_id, row.threshold_setting_id = finding.bank.id, finding.threshold.id
    row.normal_index_version_id = finding.similar.normal.version_id
    row.defect_index_version_id = finding.similar.defect.version_id
    row.preprocessing = finding.bank.preprocessing
    row.regions = [region.to_json() for region in name_regions(finding)]
    row.nearest_image_id = int(key) if kind == "image" and key.isdigit() else None
    suggestion = suggest_for(finding)
    if suggestion is not None:
        row.suggested_defect_type_id = suggestion.defect_type.id if suggestion.defect_type else None
        row.suggestion_confidence = suggestion.confidence
    return row


def _plain(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of an error as JSON values; a name in both languages stays one."""
    return {
        name: value if isinstance(value, str | int | float | dict) or value is None else str(value)
        for name, value in params.items()
    }


def _put_objects(
    services: HasStores, found: Sequence[ViewFinding], rows: Sequence[InspectionView], *, without: int
) -> None:
    """Store the pictures and maps of all rows but that of the deciding picture. Raises AppError: none is left then."""
    from inference.vision.images.decode import encode_map, thumbnail

    items: list[tuple[str, bytes]] = []
    content_types: dict[str, str] = {}
    for place, (one, row) in enumerate(zip(found, rows, strict=True)):
        if place == without or one.image is None:
            continue
        items += [(row.image_key, one.picture.data), (row.thumbnail_key, thumbnail(one.image.pixels))]
        content_types[row.thumbnail_key] = "image/jpeg"
        if one.finding is not None and row.heat_map_key:
            items.append((row.heat_map_key, encode_map(one.finding.detection.anomaly_map)))
            content_types[row.heat_map_key] = "image/png"
    if not items:
        return
    problems = services.objects.put_many(items, content_types=content_types)
    if problems:
        discard_objects(services, [key for key, _ in items])
        raise from_lower(next(iter(problems.values())))


def _keys(row: InspectionView) -> tuple[str, ...]:
    return tuple(key for key in (row.image_key, row.thumbnail_key, row.heat_map_key) if key)
