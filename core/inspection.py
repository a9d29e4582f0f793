"""Inspecting a part: detect, look up, decide, keep; then confirm, override and close."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlmodel import Session, col, select

from core import similarity
from core.accounts import Person
from core.audit import find_changes, record, stale_save
from core.errors import AppError, BadInput, Conflict, NotFound, NotReady, from_lower
from core.jobs import MEMORY_BANK
from core.services import Services
from core.similarity import SearchAnswer, Similar, Suggestion
from core.transactions import reading, writing
from core.versions import active_version, current_threshold
from storage.objects import ObjectStoreError
from storage.tables import (
    DefectType,
    Image,
    Inspection,
    ModelVersion,
    Product,
    SearchHistory,
    ThresholdSetting,
    User,
    utc_now,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from inference.vision.image_quality import ImageQuality
    from inference.vision.images import DecodedImage
    from inference.vision.patchcore import Detection
    from inference.vision.regions import Region

VERDICTS = ("ok", "review", "reject")
MAX_DETAIL_CHARS = 64
_EDITED = ("final_defect_type_id", "final_verdict", "override_reason", "action_status", "action_note")


@dataclass(frozen=True)
class NearestNormal:
    """The normal training image that looks most like the part where the part looks worst."""

    image_id: int
    stored_name: str
    pixels: NDArray[np.uint8] = field(repr=False)


@dataclass(frozen=True)
class InspectionView:
    """One inspection with everything that a page shows. `pixels` RGB uint8 (H, W, 3), `anomaly_map` float32 (h, w)."""

    inspection: Inspection
    product: Product
    pixels: NDArray[np.uint8] = field(repr=False)
    anomaly_map: NDArray[np.float32] = field(repr=False)
    regions: list[Region]
    quality: ImageQuality
    similar_defects: list[Similar]
    similar_normals: list[Similar]
    suggestion: Suggestion | None
    nearest: NearestNormal | None
    threshold: ThresholdSetting
    bank_version: ModelVersion
    has_defect_index: bool
    has_normal_index: bool
    similar_problem: AppError | None
    defect_types: list[DefectType]
    person_name: str


@dataclass(frozen=True)
class Finding:
    """What the models said about one image, before anything is kept."""

    image: DecodedImage
    detection: Detection
    regions: list[Region]
    verdict: str
    threshold: ThresholdSetting
    bank: ModelVersion
    answers: dict[str, SearchAnswer]
    latency_ms: float


def examine(services: Services, *, product_id: int, data: bytes, file_name: str, top_k: int = 6) -> Finding:
    """Bytes to verdict: decode, detect, compare with the thresholds, find regions and similar images. Keeps nothing.

    Raises BadInput for a file that is no image, NotFound for an unknown product, NotReady without an active model.
    """
    from inference.errors import InferenceError
    from inference.vision.calibration import verdict
    from inference.vision.images import decode
    from inference.vision.region_crops import crop_region, worst_box
    from inference.vision.regions import LEAST_AREA_SHARE, find_regions

    started = time.perf_counter()
    try:
        with reading(services) as session:
            product = session.get(Product, product_id)
            if product is None:
                raise NotFound("not_found")
            if not product.is_active:
                raise NotReady("product_not_in_use", product=product.name)
            bank = active_version(session, MEMORY_BANK, product_id)
            if bank is None:
                raise NotReady("no_active_memory_bank", product=product.name)
            assert bank.id is not None
            threshold = current_threshold(session, bank.id)
        image = decode(data, file_name=file_name)
        model = services.models.memory_bank(bank)
        detection = model.inspect(image.pixels)
        size_px = (image.pixels.shape[1], image.pixels.shape[0])
        decided = verdict(detection.score, threshold.review_at, threshold.reject_at)
        regions = (
            []
            if decided == "ok"
            else find_regions(
                detection.anomaly_map,
                threshold=threshold.review_at,
                image_size_px=size_px,
                min_area_share=LEAST_AREA_SHARE * detection.view_share,
            )
        )
        defective = None
        if decided != "ok":
            defective = crop_region(image.pixels, worst_box(detection.anomaly_map, image_size_px=size_px))
        answers = similarity.search(
            services, product_id=product_id, pixels=image.pixels, top_k=top_k, defective=defective
        )
    except (InferenceError, ObjectStoreError) as error:
        raise from_lower(error, name=file_name) from error
    return Finding(
        image=image,
        detection=detection,
        regions=regions,
        verdict=decided,
        threshold=threshold,
        bank=bank,
        answers=answers,
        latency_ms=(time.perf_counter() - started) * 1000.0,
    )


def inspect(
    services: Services,
    person: Person,
    *,
    product_id: int,
    data: bytes,
    file_name: str,
    source: str = "upload",
    line: str = "",
    lot: str = "",
    serial: str = "",
    shift: str = "",
    top_k: int = 6,
    batch_job_id: int | None = None,
) -> InspectionView:
    """Inspect one part and keep the inspection: the objects first, then one row. Raises as `examine` does."""
    details = {"line": line.strip(), "lot": lot.strip(), "serial": serial.strip(), "shift": shift.strip()}
    for name, text in details.items():
        if len(text) > (32 if name == "shift" else MAX_DETAIL_CHARS):
            raise BadInput("inspection_detail_too_long", field=name, limit=32 if name == "shift" else MAX_DETAIL_CHARS)
    finding = examine(services, product_id=product_id, data=data, file_name=file_name, top_k=top_k)
    row = _row(finding, person, product_id=product_id, file_name=file_name, source=source, details=details)
    row.batch_job_id = batch_job_id
    _put_objects(services, row, finding, data)
    with writing(services) as session:
        if (nearest_id := row.nearest_image_id) is not None:
            nearest = session.get(Image, nearest_id)
            row.nearest_image_name = nearest.stored_name if nearest else ""
        defects = finding.answers["defect"]
        if row.verdict != "ok" and defects.rule is not None:
            suggestion = similarity.suggest_type(session, defects.suggestion_of, defects.rule)
            if suggestion is not None:
                # A confidence without a type says: none of the known ones.
                row.suggested_defect_type_id = suggestion.defect_type.id if suggestion.defect_type else None
                row.suggestion_confidence = suggestion.confidence
        session.add(row)
        session.flush()
        assert row.id is not None
        session.add_all(
            similarity.history_rows(
                finding.answers, inspection_id=row.id, product_id=product_id, person_id=person.id, top_k=top_k
            )
        )
        session.commit()
    problem = next((answer.problem for answer in finding.answers.values() if answer.problem is not None), None)
    return _view(services, row, finding.image.pixels, finding.detection.anomaly_map, problem=problem)


def _row(
    finding: Finding, person: Person, *, product_id: int, file_name: str, source: str, details: dict[str, str]
) -> Inspection:
    from core.archives import clean_file_name

    now = utc_now()
    folder = f"inspections/{now:%Y/%m/%d}/{uuid.uuid4().hex}"
    height_px, width_px = finding.image.pixels.shape[:2]
    ending = {"JPEG": "jpg", "TIFF": "tif"}.get(finding.image.format, finding.image.format.lower())
    kind, _, key = finding.detection.nearest_key.partition(":")
    assert finding.bank.id is not None
    assert finding.threshold.id is not None
    versions = {part: answer.version.id if answer.version else None for part, answer in finding.answers.items()}
    return Inspection(
        product_id=product_id,
        created_at=now,
        created_by=person.id,
        source=source,
        original_name=clean_file_name(file_name),
        image_key=f"{folder}/image.{ending}",
        thumbnail_key=f"{folder}/thumbnail.jpg",
        heat_map_key=f"{folder}/heat_map.png",
        image_sha256="",
        width_px=width_px,
        height_px=height_px,
        image_notes=list(finding.image.notes),
        score=finding.detection.score,
        review_at=finding.threshold.review_at,
        reject_at=finding.threshold.reject_at,
        memory_bank_version_id=finding.bank.id,
        threshold_setting_id=finding.threshold.id,
        normal_index_version_id=versions.get("normal"),
        defect_index_version_id=versions.get("defect"),
        preprocessing=finding.bank.preprocessing,
        regions=[_plain_region(region) for region in finding.regions],
        nearest_image_id=int(key) if kind == "image" and key.isdigit() else None,
        verdict=finding.verdict,
        final_verdict=finding.verdict,
        action_status="none" if finding.verdict == "ok" else "open",
        latency_ms=finding.latency_ms,
        line=details["line"],
        lot=details["lot"],
        serial=details["serial"],
        shift=details["shift"],
    )


def _plain_region(region: Region) -> dict[str, Any]:
    return {
        "x": region.x,
        "y": region.y,
        "w": region.w,
        "h": region.h,
        "area": region.area,
        "score": float(region.score),
    }


def _put_objects(services: Services, row: Inspection, finding: Finding, data: bytes) -> None:
    from inference.vision.images import content_hash, encode_map, thumbnail

    row.image_sha256 = content_hash(data)
    try:
        services.objects.put(row.image_key, data, content_type="application/octet-stream")
        services.objects.put(row.thumbnail_key, thumbnail(finding.image.pixels), content_type="image/jpeg")
        services.objects.put(row.heat_map_key, encode_map(finding.detection.anomaly_map), content_type="image/png")
    except ObjectStoreError as error:
        # No row names them yet. (After a commit that failed they stay: it may have reached the database after all.)
        for key in (row.image_key, row.thumbnail_key, row.heat_map_key):
            with contextlib.suppress(ObjectStoreError):
                services.objects.delete(key)
        raise from_lower(error, name=row.original_name) from error


# --- looking at it ---------------------------------------------------------------------------------------------------


def load(services: Services, inspection_id: int) -> InspectionView:
    """Everything that was known at the time of an inspection. Raises NotFound, or Unavailable without its objects."""
    return _view(services, *_read_kept(services, inspection_id))


def _read_kept(services: Services, inspection_id: int) -> tuple[Inspection, NDArray[np.uint8], NDArray[np.float32]]:
    """The row, its picture and its anomaly map; raises as `load` does."""
    from inference.errors import InferenceError
    from inference.vision.images import decode, decode_map

    with reading(services) as session:
        row = session.get(Inspection, inspection_id)
    if row is None:
        raise NotFound("not_found")
    try:
        pixels = decode(services.objects.get(row.image_key)).pixels
        anomaly_map = decode_map(services.objects.get(row.heat_map_key))
    except (InferenceError, ObjectStoreError) as error:
        raise from_lower(error, name=row.original_name) from error
    return row, pixels, anomaly_map


def _view(
    services: Services,
    row: Inspection,
    pixels: NDArray[np.uint8],
    anomaly_map: NDArray[np.float32],
    *,
    problem: AppError | None = None,
) -> InspectionView:
    from inference.vision.image_quality import assess
    from inference.vision.regions import Region

    with reading(services) as session:
        product = session.get(Product, row.product_id)
        bank = session.get(ModelVersion, row.memory_bank_version_id)
        threshold = session.get(ThresholdSetting, row.threshold_setting_id)
        assert product is not None
        assert bank is not None
        assert threshold is not None
        person = session.get(User, row.created_by) if row.created_by is not None else None
        searches = {
            found.image_type: similarity.matches_of(found)
            for found in session.exec(select(SearchHistory).where(SearchHistory.inspection_id == row.id)).all()
        }
        types = list(
            session.exec(
                select(DefectType).where(DefectType.product_id == row.product_id).order_by(col(DefectType.code))
            ).all()
        )
        suggested = next((found for found in types if found.id == row.suggested_defect_type_id), None)
        return InspectionView(
            inspection=row,
            product=product,
            pixels=pixels,
            anomaly_map=anomaly_map,
            regions=[Region(**region) for region in row.regions],
            quality=assess(pixels),
            similar_defects=similarity.describe_matches(services, session, searches.get("defect", [])),
            similar_normals=similarity.describe_matches(services, session, searches.get("normal", [])),
            suggestion=None if row.suggestion_confidence is None else Suggestion(suggested, row.suggestion_confidence),
            similar_problem=problem,
            nearest=_nearest(services, session, row),
            threshold=threshold,
            bank_version=bank,
            has_defect_index=row.defect_index_version_id is not None,
            has_normal_index=row.normal_index_version_id is not None,
            defect_types=[found for found in types if found.is_active],
            person_name=person.display_name if person else "",
        )


def _nearest(services: Services, session: Session, row: Inspection) -> NearestNormal | None:
    from inference.errors import InferenceError
    from inference.vision.images import decode

    image = session.get(Image, row.nearest_image_id) if row.nearest_image_id is not None else None
    if image is None or image.id is None:
        return None
    try:
        pixels = decode(services.objects.get(image.object_key)).pixels
    except (InferenceError, ObjectStoreError):
        return None  # the comparison is an extra: the verdict stands without it
    return NearestNormal(image.id, image.stored_name, pixels)


def similar_everywhere(
    services: Services, inspection_id: int, *, top_k: int
) -> tuple[list[Similar], list[Similar], AppError | None]:
    """Similar defects and similar normal images in all products of the same embedder, for a kept inspection.

    The third is why an index could not be asked. Raises as `load` does.
    """
    from inference.vision.region_crops import crop_region, worst_box

    row, pixels, anomaly_map = _read_kept(services, inspection_id)
    defective = None
    if row.verdict != "ok":
        size_px = (pixels.shape[1], pixels.shape[0])
        defective = crop_region(pixels, worst_box(anomaly_map, image_size_px=size_px))
    answers = similarity.search_everywhere(
        services, product_id=row.product_id, pixels=pixels, top_k=top_k, defective=defective
    )
    problem = next((answer.problem for answer in answers.values() if answer.problem is not None), None)
    with reading(services) as session:
        defects, normals = (
            similarity.describe_matches(services, session, answers[kind].matches) for kind in ("defect", "normal")
        )
    return defects, normals, problem


def sample_images(services: Services, product_id: int, *, n: int = 8) -> list[Image]:
    """Images to try an inspection with: half defects, half normals, from the test split first."""
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


# --- deciding --------------------------------------------------------------------------------------------------------


def confirm_defect_type(
    services: Services, person: Person, inspection_id: int, *, row_version: int, defect_type_id: int | None
) -> Inspection:
    """Say which defect type it is (or, with None, that it is none of the known ones)."""

    def change(session: Session, row: Inspection) -> None:
        if defect_type_id is not None:
            found = session.get(DefectType, defect_type_id)
            if found is None or found.product_id != row.product_id:
                raise NotFound("not_found")
        row.final_defect_type_id = defect_type_id
        row.confirmed_at, row.confirmed_by = utc_now(), person.id

    return _change(services, person, inspection_id, row_version, "inspection.confirm_type", change)


def override_verdict(
    services: Services, person: Person, inspection_id: int, *, row_version: int, verdict: str, reason: str
) -> Inspection:
    """Put a person's verdict over the model's, with the reason. The model's own verdict stays in the row."""
    if verdict not in VERDICTS:
        raise BadInput("verdict_unknown")
    if not reason.strip():
        raise BadInput("override_needs_reason")

    def change(_: Session, row: Inspection) -> None:
        row.final_verdict, row.override_reason = verdict, reason.strip()
        row.overridden_at, row.overridden_by = utc_now(), person.id
        if verdict == "ok" and row.action_status == "open":
            row.action_status = "none"
        elif verdict != "ok" and row.action_status == "none":
            row.action_status = "open"

    return _change(services, person, inspection_id, row_version, "inspection.override", change)


def close_action(
    services: Services, person: Person, inspection_id: int, *, row_version: int, status: str, note: str
) -> Inspection:
    """Record the corrective action as done, or leave it open, with a note."""
    if status not in {"open", "done"}:
        raise BadInput("action_status_unknown")

    def change(_: Session, row: Inspection) -> None:
        if row.final_verdict == "ok":
            raise Conflict("action_not_needed")
        row.action_status, row.action_note = status, note.strip()
        row.action_at, row.action_by = utc_now(), person.id

    return _change(services, person, inspection_id, row_version, "inspection.action", change)


def _change(
    services: Services,
    person: Person,
    inspection_id: int,
    row_version: int,
    action: str,
    change: Callable[[Session, Inspection], None],
) -> Inspection:
    with writing(services) as session:
        row = session.get(Inspection, inspection_id)
        if row is None:
            raise NotFound("not_found")
        if row.row_version != row_version:
            raise stale_save(session, subject_type="inspection", subject_id=inspection_id, row_version=row_version)
        before = {name: getattr(row, name) for name in _EDITED}
        change(session, row)
        row.row_version += 1
        session.add(row)
        changes = find_changes(before, {name: getattr(row, name) for name in _EDITED})
        record(session, person, action, "inspection", inspection_id, row_version=row.row_version, changes=changes)
        session.commit()
        return row


def recent(services: Services, *, limit: int = 10) -> list[Inspection]:
    """The newest inspections first."""
    with reading(services) as session:
        return list(session.exec(select(Inspection).order_by(col(Inspection.id).desc()).limit(limit)).all())
