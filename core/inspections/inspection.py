"""Inspecting a part: detect, look up, decide, keep."""

from __future__ import annotations

import contextlib
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.access import WORKER, Person, require_role
from core.errors import BadInput, NotFound, NotReady, from_lower
from core.files.archives import clean_file_name
from core.inspections.records import InspectionView, describe_inspection
from core.models.kinds import MEMORY_BANK
from core.registry.versions import active_version, current_threshold
from core.services import Services
from core.similarity import search
from core.similarity.search import SearchResult
from core.similarity.suggestions import suggest_type
from core.transactions import reading, writing
from inference.errors import InferenceError
from storage.objects import ObjectStoreError
from storage.tables import Image, Inspection, ModelVersion, Product, ThresholdSetting, utc_now

if TYPE_CHECKING:
    from inference.vision.detection.detection import Detection
    from inference.vision.detection.regions import Region
    from inference.vision.images.decode import DecodedImage

MAX_DETAIL_CHARS = 64


@dataclass(frozen=True)
class Finding:
    """What the models said about one image, before anything is kept."""

    image: DecodedImage
    detection: Detection
    regions: list[Region]
    verdict: str
    threshold: ThresholdSetting
    bank: ModelVersion
    answers: dict[str, SearchResult]
    latency_ms: float


def examine(services: Services, *, product_id: int, data: bytes, file_name: str, top_k: int = 6) -> Finding:
    """Bytes to verdict: decode, detect, compare with the thresholds, find regions and similar images. Keeps nothing.

    Raises BadInput for a file that is no image, NotFound for an unknown product, NotReady without an active model.
    """
    from inference.vision.detection.calibration import verdict
    from inference.vision.detection.regions import LEAST_AREA_SHARE, find_regions
    from inference.vision.images.decode import decode
    from inference.vision.search.region_crops import crop_region, peak_region

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
            defective = crop_region(image.pixels, peak_region(detection.anomaly_map, image_size_px=size_px))
        answers = search.search(services, product_id=product_id, pixels=image.pixels, top_k=top_k, defective=defective)
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
    require_role(services, person, WORKER)
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
            suggestion = suggest_type(session, defects.suggestion_of, defects.rule)
            if suggestion is not None:
                # A confidence without a type says: none of the known ones.
                row.suggested_defect_type_id = suggestion.defect_type.id if suggestion.defect_type else None
                row.suggestion_confidence = suggestion.confidence
        session.add(row)
        session.flush()
        session.add_all(
            search.history_rows(
                finding.answers, inspection_id=row.id, product_id=product_id, person_id=person.id, top_k=top_k
            )
        )
        session.commit()
    problem = next((answer.problem for answer in finding.answers.values() if answer.problem is not None), None)
    return describe_inspection(services, row, finding.image.pixels, finding.detection.anomaly_map, problem=problem)


def _row(
    finding: Finding, person: Person, *, product_id: int, file_name: str, source: str, details: dict[str, str]
) -> Inspection:
    now = utc_now()
    folder = f"inspections/{now:%Y/%m/%d}/{uuid.uuid4().hex}"
    height_px, width_px = finding.image.pixels.shape[:2]
    ending = {"JPEG": "jpg", "TIFF": "tif"}.get(finding.image.format, finding.image.format.lower())
    kind, _, key = finding.detection.nearest_key.partition(":")
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
    from inference.vision.images.decode import content_hash, encode_map, thumbnail

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
