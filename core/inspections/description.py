"""An inspection as JSON values, as the command line and the REST interface give it out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.inspections.records import InspectionRecord
    from core.inspections.stored_values import DefectRegion


def describe_record(record: InspectionRecord) -> dict[str, Any]:
    """Return what was found: scores are float32 distances, places in pixels of the image, times in milliseconds."""
    from core.similarity.closeness import name_likeness

    codes = {known.id: known.code for known in record.defect_types}
    similar = sorted([*record.similar.defects, *record.similar.normals], key=lambda found: -found.similarity)
    return {
        "product": record.product.code,
        "verdict": record.verdict,
        "score": record.score,
        "review_at": record.review_at,
        "reject_at": record.reject_at,
        "regions": [_describe_region(region, codes) for region in record.regions],
        "suggested_defect_type": record.suggestion.code if record.suggestion else None,
        "similar": [
            {
                "image": found.stored_name,
                "similarity": found.similarity,
                "defect_type": found.defect_type.code if found.defect_type else None,
                "closeness": found.closeness,
                "likeness": name_likeness(found.closeness) if found.closeness is not None else None,
                "inspection": found.inspection_id,
                "done": found.last_action,
            }
            for found in similar
        ],
        "notes": list(record.image_notes),
        "model_version": record.model.number,
        "ms": record.latency_ms,
    }


def _describe_region(region: DefectRegion, codes: Mapping[int, str]) -> dict[str, Any]:
    values = region.to_json()
    if (type_id := values.pop("defect_type_id", None)) is not None:
        values["defect_type"] = codes.get(type_id)
    return values
