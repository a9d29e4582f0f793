"""Looking again for what is like an inspected part: in all products, or among the defects of one type."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from core.inspections.records import SimilarImages
from core.similarity import search
from core.similarity.matches import describe_matches
from core.transactions import reading

if TYPE_CHECKING:
    from core.inspections.images import InspectionImages
    from core.inspections.records import InspectionRecord
    from core.services import Services


def similar_everywhere(
    services: Services, record: InspectionRecord, images: InspectionImages, *, top_k: int
) -> SimilarImages:
    """Return what is like the part in all products of the same embedder."""
    found = search.search_everywhere(
        services,
        product_id=record.product.id,
        pixels=images.pixels,
        top_k=top_k,
        defective=images.cut_out_peak() if record.verdict != "ok" else None,
    )
    with reading(services) as session:
        return SimilarImages(
            defects=describe_matches(session, found.defect.matches),
            normals=describe_matches(session, found.normal.matches),
            problem=found.problem,
        )


def similar_of_type(
    services: Services, record: InspectionRecord, images: InspectionImages, *, defect_type_id: int, top_k: int
) -> SimilarImages:
    """Return the product's defects of this type that look most like the part, beside the normal images of before."""
    found = search.search_of_type(
        services,
        product_id=record.product.id,
        pixels=images.pixels,
        top_k=top_k,
        defect_type_id=defect_type_id,
        defective=images.cut_out_peak() if record.verdict != "ok" else None,
    )
    with reading(services) as session:
        defects = describe_matches(session, found.matches)
    return replace(record.similar, defects=defects, problem=found.problem)
