"""The views of a product: named ways of picturing it, each with images and models of its own."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field

from core.api.context import LARGEST_ID, Asked, Id, OnceKey
from core.api.repeats import answer_once
from core.api.shapes import Shape, Wanted
from core.catalog import products, view_edits, views
from core.catalog.views import View
from core.errors import NotFound
from core.images.views.missing import count_without_view

router = APIRouter(prefix="/products/{product_id}/views", tags=["products"])

Modality = Literal["rgb", "gray", "ct", "xray", "thermal", "depth"]
FoundAs = Literal["internal", "external"]
Name = Annotated[str, Field(max_length=400)]


class ViewShape(Shape):
    """A view. A part is not judged without those that are required; `found_as` is what its defects are called."""

    id: int
    product_id: int
    code: str
    name: str
    name_en: str
    modality: Modality
    is_required: bool
    found_as: FoundAs
    place: int
    detector: str = Field(description="The model that is built for it; empty: the one that is chosen for all.")
    detector_options: dict[str, Any]
    is_active: bool
    row_version: int = Field(description="Send it back with a change.")


class Views(Shape):
    """The views of a product in their order; none for a product that is pictured in one way."""

    items: list[ViewShape]
    without_view: dict[str, int] = Field(description="How many images have none of them, by type: no model has these.")


class NewView(Wanted):
    """A view to add."""

    code: str = Field(max_length=80, description="Up to 32 small letters, digits, - and _; it stays as it is.")
    name: Name = Field(default="", description="In Korean, or in both languages; the code where it is empty.")
    name_en: Name = ""
    modality: Modality = "rgb"
    is_required: bool = True
    found_as: FoundAs | None = Field(default=None, description="Internal for CT and X-ray, else external, by default.")
    detector: str = Field(default="", max_length=190)
    detector_options: dict[str, int] = Field(default_factory=dict, max_length=40)


class ViewChange(Wanted):
    """What is to change; what is left out stays as it is."""

    row_version: int = Field(ge=1, le=LARGEST_ID)
    name: Name | None = None
    name_en: Name | None = None
    modality: Modality | None = None
    is_required: bool | None = None
    found_as: FoundAs | None = None
    detector: str | None = Field(default=None, max_length=190)
    detector_options: dict[str, int] | None = Field(default=None, max_length=40)
    is_active: bool | None = None


class OrderWanted(Wanted):
    """The codes of all views in use, in the order in which they are to be shown and asked for."""

    codes: list[Annotated[str, Field(max_length=64)]] = Field(max_length=view_edits.MOST_VIEWS)


@router.get("", summary="The views of a product")
def list_views(
    product_id: Id, asked: Asked, include_inactive: Annotated[bool, Query(description="Also those out of use.")] = False
) -> Views:
    """Return the views of a product, and how many of its images have none."""
    products.get_product(asked.services, product_id)
    return _shape(asked, product_id, views.list_views(asked.services, product_id, include_inactive=include_inactive))


@router.post("", status_code=201, response_model=ViewShape, summary="Add a view")
def add_view(product_id: Id, wanted: NewView, asked: Asked, once: OnceKey = None) -> Response:
    """Add a view at the end; from its first deployment on it has models of its own."""

    def make() -> ViewShape:
        added = view_edits.add_view(asked.services, asked.person, product_id, **wanted.model_dump())
        return ViewShape.model_validate(added)

    return answer_once(
        asked,
        once,
        wanted.model_dump(),
        make,
        location=lambda made: asked.address("products", product_id, "views", made.id),
    )


@router.put("/order", summary="Put the views into an order")
def order_views(product_id: Id, wanted: OrderWanted, asked: Asked) -> Views:
    """Store in which order the views are shown and asked for."""
    return _shape(asked, product_id, view_edits.order_views(asked.services, asked.person, product_id, wanted.codes))


@router.patch("/{view_id}", summary="Change a view")
def update_view(product_id: Id, view_id: Id, change: ViewChange, asked: Asked) -> ViewShape:
    """Change a view, take it out of use or bring it back; its code stays."""
    _require_own(asked, product_id, view_id)
    values = change.model_dump(exclude={"is_active"})
    saved = view_edits.update_view(asked.services, asked.person, view_id, **values)
    if change.is_active is not None:
        saved = view_edits.set_view_active(
            asked.services, asked.person, view_id, change.is_active, row_version=saved.row_version
        )
    return ViewShape.model_validate(saved)


@router.delete("/{view_id}", summary="Take a view out of use")
def deactivate_view(
    product_id: Id,
    view_id: Id,
    asked: Asked,
    row_version: Annotated[int | None, Query(ge=1, le=LARGEST_ID, description="Refused if it changed since.")] = None,
) -> ViewShape:
    """Take a view out of use; its images, models and inspections stay."""
    _require_own(asked, product_id, view_id)
    found = view_edits.set_view_active(asked.services, asked.person, view_id, False, row_version=row_version)
    return ViewShape.model_validate(found)


def _require_own(asked: Asked, product_id: int, view_id: int) -> None:
    """Raise NotFound for a view of another product."""
    found = views.list_views(asked.services, product_id, include_inactive=True)
    if all(view.id != view_id for view in found):
        raise NotFound("not_found")


def _shape(asked: Asked, product_id: int, found: tuple[View, ...]) -> Views:
    return Views(
        items=[ViewShape.model_validate(view) for view in found],
        without_view=count_without_view(asked.services, product_id),
    )
