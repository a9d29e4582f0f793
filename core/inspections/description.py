"""An inspection as JSON values, as the command line and the REST interface give it out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.inspections.by_view.records import CombinedRecord, ViewRecord
    from core.inspections.records import InspectionRecord
    from core.inspections.stored_values import DefectRegion


def describe_record(record: InspectionRecord, *, language: str = "en") -> dict[str, Any]:
    """Return what was found: scores are float32 distances, places in pixels of the image, times in milliseconds.

    Of a part that was inspected by views, score and thresholds are combined probabilities, and each
    picture follows, with why it failed in `language`.
    """
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
        **({"trained": record.trained.to_json()} if record.trained is not None else {}),
        **(_describe_combined(record.combined, codes, language) if record.combined is not None else {}),
    }


def _describe_combined(combined: CombinedRecord, codes: Mapping[int, str], language: str) -> dict[str, Any]:
    entry = combined.entry
    return {
        "found_as": combined.found_as,
        "missing_views": list(combined.missing),
        "fusion": None if entry is None else {"id": entry.id, "method": entry.rule.method},
        "views": [_describe_view(one, codes, language) for one in combined.pictures],
    }


def _describe_view(picture: ViewRecord, codes: Mapping[int, str], language: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "view": picture.code,
        "exposure": picture.exposure,
        "file": picture.original_name,
        "verdict": picture.verdict,
        "probability": picture.probability,
        "score": picture.score,
        "review_at": picture.review_at,
        "reject_at": picture.reject_at,
        "deciding": picture.is_deciding,
        "regions": [_describe_region(region, codes) for region in picture.regions],
        "suggested_defect_type": picture.suggestion.code if picture.suggestion else None,
        "notes": list(picture.image_notes),
        "model_version": picture.version_number,
        "ms": picture.latency_ms,
    }
    if picture.error_code is not None:
        found["error"] = {"code": picture.error_code, "message": picture.problem(language)}
    return found


def _describe_region(region: DefectRegion, codes: Mapping[int, str]) -> dict[str, Any]:
    values = region.to_json()
    if (type_id := values.pop("defect_type_id", None)) is not None:
        values["defect_type"] = codes.get(type_id)
    return values
