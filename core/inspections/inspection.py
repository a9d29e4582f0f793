"""Inspecting a part: detect, look up, decide, and commit the record."""

from __future__ import annotations

import contextlib
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.access import WORKER, Person, require_role
from core.errors import NotFound, NotReady, from_lower
from core.files.file_names import clean_file_name
from core.images.bit_depth import read_bit_depth
from core.inspections.images import InspectionImages
from core.inspections.part_details import NO_DETAILS, PartDetails
from core.inspections.records import InspectionRecord, make_record
from core.inspections.stored_values import DefectRegion
from core.models.kinds import MEMORY_BANK
from core.registry.versions import active_version, current_threshold
from core.services import Services
from core.similarity import search
from core.similarity.search import SearchResults
from core.similarity.suggestions import suggest_type
from core.transactions import HasStores, reading, writing
from inference.errors import InferenceError
from storage.objects import ObjectStoreError
from storage.tables import Image, Inspection, ModelVersion, Product, ThresholdSetting, utc_now

if TYPE_CHECKING:
    from inference.vision.detection.detection import Detection
    from inference.vision.detection.regions import Region
    from inference.vision.images.decode import DecodedImage


@dataclass(frozen=True)
class Finding:
    """What the models said about one image of a product, before anything is stored."""

    product: Product
    image: DecodedImage
    detection: Detection
    regions: list[Region]
    verdict: str
    threshold: ThresholdSetting
    bank: ModelVersion
    similar: SearchResults
    latency_ms: float


@dataclass(frozen=True)
class InspectionResult:
    """An inspection that was committed: its record, and the pictures that are at hand without another decoding."""

    record: InspectionRecord
    images: InspectionImages


def examine(services: Services, *, product_id: int, data: bytes, file_name: str, top_k: int = 6) -> Finding:
    """Decode, detect, compare with the thresholds, find regions and similar images; store nothing.

    Raises BadInput for a file that is no image, NotFound for an unknown product, NotReady without an active model.
    """
    from inference.vision.detection.calibration import verdict
    from inference.vision.detection.regions import LEAST_AREA_SHARE, find_regions
    from inference.vision.images.decode import decode

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
        image = decode(data, file_name=file_name, bit_depth=read_bit_depth(bank.preprocessing))
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
            defective = InspectionImages(image.pixels, detection.anomaly_map).cut_out_peak()
        similar = search.search(services, product_id=product_id, pixels=image.pixels, top_k=top_k, defective=defective)
    except (InferenceError, ObjectStoreError) as error:
        raise from_lower(error, name=file_name) from error
    return Finding(
        product=product,
        image=image,
        detection=detection,
        regions=regions,
        verdict=decided,
        threshold=threshold,
        bank=bank,
        similar=similar,
        latency_ms=(time.perf_counter() - started) * 1000.0,
    )


def inspect(
    services: Services,
    person: Person,
    *,
    product_id: int,
    data: bytes,
    file_name: str,
    part: PartDetails = NO_DETAILS,
    top_k: int = 6,
) -> InspectionResult:
    """Inspect one part and commit its record: the objects first, then one row.

    Raises as `examine` does, NotAllowed, and BadInput for details that are too long.
    """
    require_role(services, person, WORKER)
    part = part.checked()
    finding = examine(services, product_id=product_id, data=data, file_name=file_name, top_k=top_k)
    row = _make_row(finding, person, data=data, file_name=file_name, part=part)
    _put_objects(services, row, finding, data)
    defects = finding.similar.defect
    with writing(services) as session:
        if (nearest_id := row.nearest_image_id) is not None:
            nearest = session.get(Image, nearest_id)
            row.nearest_image_name = nearest.stored_name if nearest else ""
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
                finding.similar, inspection_id=row.id, product_id=product_id, person_id=person.id, top_k=top_k
            )
        )
        session.commit()
    with reading(services) as session:
        record = make_record(
            session,
            row,
            product=finding.product,
            bank=finding.bank,
            threshold=finding.threshold,
            person_name=person.display_name,
            matches={"normal": finding.similar.normal.matches, "defect": defects.matches},
            problem=finding.similar.problem,
        )
    return InspectionResult(record, InspectionImages(finding.image.pixels, finding.detection.anomaly_map))


def _make_row(finding: Finding, person: Person, *, data: bytes, file_name: str, part: PartDetails) -> Inspection:
    from inference.vision.images.decode import content_hash

    now = utc_now()
    folder = f"inspections/{now:%Y/%m/%d}/{uuid.uuid4().hex}"
    height_px, width_px = finding.image.pixels.shape[:2]
    ending = {"JPEG": "jpg", "TIFF": "tif"}.get(finding.image.format, finding.image.format.lower())
    kind, _, key = finding.detection.nearest_key.partition(":")
    return Inspection(
        **part.to_columns(),
        product_id=finding.product.id,
        created_at=now,
        created_by=person.id,
        original_name=clean_file_name(file_name),
        image_key=f"{folder}/image.{ending}",
        thumbnail_key=f"{folder}/thumbnail.jpg",
        heat_map_key=f"{folder}/heat_map.png",
        image_sha256=content_hash(data),
        width_px=width_px,
        height_px=height_px,
        image_notes=list(finding.image.notes),
        score=finding.detection.score,
        review_at=finding.threshold.review_at,
        reject_at=finding.threshold.reject_at,
        memory_bank_version_id=finding.bank.id,
        threshold_setting_id=finding.threshold.id,
        normal_index_version_id=finding.similar.normal.version_id,
        defect_index_version_id=finding.similar.defect.version_id,
        preprocessing=finding.bank.preprocessing,
        regions=[DefectRegion.from_detected(region).to_json() for region in finding.regions],
        nearest_image_id=int(key) if kind == "image" and key.isdigit() else None,
        verdict=finding.verdict,
        final_verdict=finding.verdict,
        action_status="none" if finding.verdict == "ok" else "open",
        latency_ms=finding.latency_ms,
    )


def _put_objects(services: HasStores, row: Inspection, finding: Finding, data: bytes) -> None:
    from inference.vision.images.decode import encode_map, thumbnail

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
