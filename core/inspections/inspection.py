"""Inspecting a part: detect, look up, decide, and commit the record."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from core.access import WORKER, Person, require_role
from core.accounts.bindings import fit_line
from core.errors import AppError, from_lower
from core.inspections.examination import Finding, examine_group, find_judges
from core.inspections.images import InspectionImages, load_images
from core.inspections.part_details import NO_DETAILS, PartDetails
from core.inspections.records import InspectionRecord, load_record
from core.inspections.storing import describe_part, find_by_key, store
from core.services import Services
from inference.errors import InferenceError


@dataclass(frozen=True)
class InspectionResult:
    """An inspection that was committed: its record, and the pictures that are at hand without another decoding."""

    record: InspectionRecord
    images: InspectionImages


def examine(services: Services, *, product_id: int, data: bytes, file_name: str, top_k: int = 6) -> Finding:
    """Decode, detect, compare with the thresholds, find regions and similar images; store nothing.

    Raises BadInput for a file that is no image, NotFound for an unknown product, NotReady without an active model.
    """
    from inference.vision.images.decode import decode

    started = time.perf_counter()
    judges = find_judges(services, product_id)
    try:
        image = decode(data, file_name=file_name, bit_depth=judges.bit_depth)
    except InferenceError as error:
        raise from_lower(error, name=file_name) from error
    (finding,) = examine_group(services, judges, [image], top_k=top_k)
    return replace(finding, latency_ms=(time.perf_counter() - started) * 1000.0)


def inspect(
    services: Services,
    person: Person,
    *,
    product_id: int,
    data: bytes,
    file_name: str,
    part: PartDetails = NO_DETAILS,
    top_k: int = 6,
    idempotency_key: str | None = None,
) -> InspectionResult:
    """Inspect one part and commit its record: the objects first, then one row.

    Who asks again with the same `idempotency_key` (at most 128 characters) gets the inspection that there is. Raises as
    `examine` does, NotAllowed, and BadInput for details that are too long.
    """
    require_role(services, person, WORKER)
    details = part.checked()
    details = replace(details, line=fit_line(services, person, product_id=product_id, line=details.line))
    earlier = find_by_key(services, idempotency_key) if idempotency_key is not None else None
    if earlier is not None:
        record = load_record(services, earlier)
        return InspectionResult(record, load_images(services, record))
    finding = examine(services, product_id=product_id, data=data, file_name=file_name, top_k=top_k)
    (stored,) = store(
        services, person, [describe_part(finding, data, file_name, details, idempotency_key)], top_k=top_k
    )
    if isinstance(stored, AppError):
        raise stored
    return InspectionResult(stored, InspectionImages(finding.image.pixels, finding.detection.anomaly_map))
