"""Kept inspections: what was known at the time, read back from the row and its objects, and what to compare it with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from sqlmodel import Session, col, select

from core.errors import AppError, NotFound, from_lower
from core.services import Services
from core.similarity import search
from core.similarity.matches import Similar, describe_matches
from core.similarity.suggestions import Suggestion
from core.transactions import reading
from inference.errors import InferenceError
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
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from inference.vision.detection.regions import Region
    from inference.vision.images.quality import ImageQuality


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


def load(services: Services, inspection_id: int) -> InspectionView:
    """Everything that was known at the time of an inspection. Raises NotFound, or Unavailable without its objects."""
    return describe_inspection(services, *_read_record(services, inspection_id))


def recent(services: Services, *, limit: int = 10) -> list[Inspection]:
    """Return the newest inspections first."""
    with reading(services) as session:
        return list(session.exec(select(Inspection).order_by(col(Inspection.id).desc()).limit(limit)).all())


def similar_everywhere(
    services: Services, inspection_id: int, *, top_k: int
) -> tuple[list[Similar], list[Similar], AppError | None]:
    """Similar defects and similar normal images in all products of the same embedder, for a kept inspection.

    The third is why an index could not be asked. Raises as `load` does.
    """
    row, pixels, defective = _look_again(services, inspection_id)
    answers = search.search_everywhere(
        services, product_id=row.product_id, pixels=pixels, top_k=top_k, defective=defective
    )
    problem = next((answer.problem for answer in answers.values() if answer.problem is not None), None)
    with reading(services) as session:
        defects, normals = (describe_matches(services, session, answers[kind].matches) for kind in ("defect", "normal"))
    return defects, normals, problem


def similar_of_type(
    services: Services, inspection_id: int, *, defect_type_id: int, top_k: int
) -> tuple[list[Similar], AppError | None]:
    """Return the product's defects of this type that look most like a kept inspection: all there are, up to `top_k`.

    The second is why the index could not be asked. Raises as `load` does.
    """
    row, pixels, defective = _look_again(services, inspection_id)
    answer = search.search(
        services,
        product_id=row.product_id,
        pixels=pixels,
        top_k=top_k,
        defective=defective,
        defect_type_id=defect_type_id,
    )["defect"]
    with reading(services) as session:
        return describe_matches(services, session, answer.matches), answer.problem


def describe_inspection(
    services: Services,
    row: Inspection,
    pixels: NDArray[np.uint8],
    anomaly_map: NDArray[np.float32],
    *,
    problem: AppError | None = None,
) -> InspectionView:
    """The row with all that hangs on it, as a page shows it; `problem` is why similar images were not looked up."""
    from inference.vision.detection.regions import Region
    from inference.vision.images.quality import assess

    with reading(services) as session:
        product = session.get(Product, row.product_id)
        bank = session.get(ModelVersion, row.memory_bank_version_id)
        threshold = session.get(ThresholdSetting, row.threshold_setting_id)
        assert product is not None
        assert bank is not None
        assert threshold is not None
        person = session.get(User, row.created_by) if row.created_by is not None else None
        searches = {
            found.image_type: search.matches_of(found)
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
            similar_defects=describe_matches(services, session, searches.get("defect", [])),
            similar_normals=describe_matches(services, session, searches.get("normal", [])),
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


def _look_again(
    services: Services, inspection_id: int
) -> tuple[Inspection, NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Return the row, its picture, and its most anomalous place cut out unless it was OK; raises as `load` does."""
    from inference.vision.search.region_crops import crop_region, peak_region

    row, pixels, anomaly_map = _read_record(services, inspection_id)
    defective = None
    if row.verdict != "ok":
        size_px = (pixels.shape[1], pixels.shape[0])
        defective = crop_region(pixels, peak_region(anomaly_map, image_size_px=size_px))
    return row, pixels, defective


def _read_record(services: Services, inspection_id: int) -> tuple[Inspection, NDArray[np.uint8], NDArray[np.float32]]:
    """Return the row, its picture and its anomaly map; raises as `load` does."""
    from inference.vision.images.decode import decode, decode_map

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


def _nearest(services: Services, session: Session, row: Inspection) -> NearestNormal | None:
    from inference.vision.images.decode import decode

    image = session.get(Image, row.nearest_image_id) if row.nearest_image_id is not None else None
    if image is None:
        return None
    try:
        pixels = decode(services.objects.get(image.object_key)).pixels
    except (InferenceError, ObjectStoreError):
        return None  # the comparison is an extra: the verdict stands without it
    return NearestNormal(image.id, image.stored_name, pixels)
