"""Guidance: what the manuals tell a worker to do about a defect type."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from core.api.context import Asked
from core.api.shapes import Shape
from core.catalog.products import find_product
from core.guidance.previews import LONGEST_QUESTION, Preview, find_meant_type, preview_guidance

router = APIRouter(prefix="/guidance", tags=["manuals"])


class GuidanceStep(Shape):
    """One step in the manual's own words, and where it stands."""

    section: str = Field(examples=["action"], description="cause, action, check or prevention")
    text: str
    manual_id: int | None
    manual: str | None
    page: int | None
    is_ocr: bool = Field(description="read from a picture of a scanned page")


class GuidanceAnswer(Shape):
    """What a worker would be shown; without steps where the manuals say nothing about it (`found` false)."""

    product: str = Field(examples=["casting"])
    defect_type: str | None = Field(examples=["burr"])
    found: bool
    steps: list[GuidanceStep]
    index_version: int


@router.get("", summary="Corrective steps for a defect type")
def get_guidance(
    asked: Asked,
    product: Annotated[str, Query(max_length=64, description="The product's code.")],
    defect_type: Annotated[str, Query(max_length=190, description="The defect type's code or name.")] = "",
    question: Annotated[str, Query(max_length=LONGEST_QUESTION, description="Free words, or more about it.")] = "",
    language: Annotated[Literal["ko", "en"] | None, Query(description="Else that of the answer.")] = None,
) -> GuidanceAnswer:
    """Return the manual's own steps, from the index in use. Nothing is stored."""
    owner = find_product(asked.services, product)
    type_id = find_meant_type(asked.services, owner.id, defect_type).id if defect_type.strip() else None
    preview = preview_guidance(
        asked.services,
        asked.person,
        product_id=owner.id,
        language=language or asked.language,
        question=question,
        defect_type_id=type_id,
    )
    return _shape(preview)


def _shape(preview: Preview) -> GuidanceAnswer:
    sources = {source.number: source for source in preview.sources}
    steps = []
    for section in preview.guidance.sections:
        for step in section.steps:
            source = next((sources[number] for number in step.citations if number in sources), None)
            steps.append(
                GuidanceStep(
                    section=section.name,
                    text=step.text,
                    manual_id=None if source is None else source.manual_id,
                    manual=None if source is None else source.manual_title,
                    page=None if source is None else source.page,
                    is_ocr=source is not None and source.is_ocr,
                )
            )
    return GuidanceAnswer(
        product=preview.product.code,
        defect_type=None if preview.defect_type is None else preview.defect_type.code,
        found=preview.found,
        steps=steps,
        index_version=preview.version_number,
    )
