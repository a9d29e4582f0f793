"""Defect types: list, add, change, take out of use."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field

from core.api.context import LARGEST_ID, Asked, Id, OnceKey
from core.api.repeats import answer_once
from core.api.routes.products import product_id_of
from core.api.shapes import Shape, Wanted
from core.catalog import defect_types

router = APIRouter(prefix="/defect-types", tags=["defect types"])


class DefectTypeShape(Shape):
    """A kind of defect of one product, or of its good parts (`outcome` good). Send `row_version` back with a change."""

    id: int
    product_id: int
    code: str = Field(examples=["scratch"])
    name_ko: str = Field(examples=["스크래치"])
    name_en: str
    description: str
    severity: str = Field(examples=["major"])
    outcome: str = Field(examples=["defect"])
    example_image_ids: list[int]
    is_active: bool
    created_at: datetime
    updated_at: datetime
    row_version: int


class DefectTypes(Shape):
    """All defect types that were asked for, by product and code."""

    items: list[DefectTypeShape]


class DefectTypeWanted(Wanted):
    """A new type; `severity` is minor, major or critical, `outcome` defect or good (a kind of good part)."""

    product_id: int = Field(ge=1, le=LARGEST_ID)
    code: str = Field(max_length=400)
    name_ko: str = Field(max_length=400)
    name_en: str = Field(default="", max_length=400)
    description: str = ""
    severity: str = Field(default="major", max_length=16)
    outcome: str = Field(default="defect", max_length=16)


class DefectTypeChange(Wanted):
    """What a defect type is to be from now on; what is left out stays. The code stays in any case."""

    row_version: int = Field(ge=1, le=LARGEST_ID)
    name_ko: str | None = Field(default=None, max_length=400)
    name_en: str | None = Field(default=None, max_length=400)
    description: str | None = None
    severity: str | None = Field(default=None, max_length=16)
    outcome: str | None = Field(default=None, max_length=16)
    is_active: bool | None = None
    example_image_ids: list[Annotated[int, Field(ge=1, le=LARGEST_ID)]] | None = Field(default=None, max_length=50)


@router.get("", summary="Defect types")
def list_defect_types(
    asked: Asked,
    product: Annotated[str | None, Query(max_length=64, description="Of the product with this code.")] = None,
    inactive: Annotated[bool, Query(description="Those out of use, too.")] = False,
    outcome: Annotated[Literal["defect", "good"] | None, Query(description="Of this outcome alone.")] = None,
) -> DefectTypes:
    """Return the defect types and the kinds of good parts of a product, or of all."""
    product_id = product_id_of(asked, product)
    found = defect_types.list_defect_types(asked.services, product_id, include_inactive=inactive, outcome=outcome)
    return DefectTypes(items=[DefectTypeShape.model_validate(row) for row in found])


@router.post("", status_code=201, response_model=DefectTypeShape, summary="Add a defect type")
def create_defect_type(wanted: DefectTypeWanted, asked: Asked, once: OnceKey = None) -> Response:
    """Add a defect type to a product."""

    def make() -> DefectTypeShape:
        made = defect_types.create_defect_type(asked.services, asked.person, **wanted.model_dump())
        return DefectTypeShape.model_validate(made)

    return answer_once(
        asked, once, wanted.model_dump(), make, location=lambda made: asked.address("defect-types", made.id)
    )


@router.get("/{defect_type_id}", summary="One defect type")
def get_defect_type(defect_type_id: Id, asked: Asked) -> DefectTypeShape:
    """Return a defect type, in use or not."""
    return DefectTypeShape.model_validate(defect_types.get_defect_type(asked.services, defect_type_id))


@router.patch("/{defect_type_id}", summary="Change a defect type")
def update_defect_type(defect_type_id: Id, change: DefectTypeChange, asked: Asked) -> DefectTypeShape:
    """Change names, description, severity, outcome, examples; take the type out of use or bring it back."""
    services, person = asked.services, asked.person
    now = defect_types.get_defect_type(services, defect_type_id)
    row = defect_types.update_defect_type(
        services,
        person,
        defect_type_id,
        row_version=change.row_version,
        name_ko=now.name_ko if change.name_ko is None else change.name_ko,
        name_en=now.name_en if change.name_en is None else change.name_en,
        description=now.description if change.description is None else change.description,
        severity=now.severity if change.severity is None else change.severity,
        outcome=change.outcome,
        example_image_ids=change.example_image_ids,
    )
    if change.is_active is not None:
        row = defect_types.set_defect_type_active(
            services, person, defect_type_id, change.is_active, row_version=row.row_version
        )
    return DefectTypeShape.model_validate(row)


@router.delete("/{defect_type_id}", summary="Take a defect type out of use")
def deactivate_defect_type(
    defect_type_id: Id,
    asked: Asked,
    row_version: Annotated[int | None, Query(ge=1, le=LARGEST_ID, description="Refused if it changed since.")] = None,
) -> DefectTypeShape:
    """Take a defect type out of use; what was decided with it stays."""
    services, person = asked.services, asked.person
    row = defect_types.set_defect_type_active(services, person, defect_type_id, False, row_version=row_version)
    return DefectTypeShape.model_validate(row)
