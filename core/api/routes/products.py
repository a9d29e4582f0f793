"""Products: list, add, change, take out of use."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from core.api.context import LARGEST_ID, Asked, Context, Id, OnceKey
from core.api.repeats import answer_once
from core.api.shapes import Shape, Wanted
from core.catalog import products
from core.catalog.products import ProductSummary
from core.registry.model_status import model_states
from storage.tables import Product

router = APIRouter(prefix="/products", tags=["products"])


class ProductShape(Shape):
    """A product. Send `row_version` back with a change. `name_en` is empty where one name serves both languages."""

    id: int
    code: str = Field(examples=["casting"])
    name: str = Field(examples=["주조A형"])
    name_en: str = Field(examples=["Casting type A"])
    description: str
    notice: str
    is_active: bool
    created_at: datetime
    updated_at: datetime
    row_version: int


class ProductLine(ProductShape):
    """A product with how much of what it has, and how its models stand: current, out_of_date or none."""

    normal_train: int
    normal_val: int
    normal_test: int
    defect_train: int
    defect_val: int
    defect_test: int
    manuals: int
    manual_pages: int
    defect_types: int
    good_kinds: int
    models: dict[str, str] = Field(examples=[{"memory_bank": "current", "similarity_index": "none"}])


class Products(Shape):
    """All products that were asked for, by code."""

    items: list[ProductLine]


class ProductWanted(Wanted):
    """A new product; without a code, one is made from the name."""

    name: str = Field(max_length=400)
    name_en: str = Field(default="", max_length=400)
    code: str | None = Field(default=None, max_length=400)
    description: str = ""
    notice: str = ""


class ProductChange(Wanted):
    """What a product is to be from now on; what is left out stays."""

    row_version: int = Field(ge=1, le=LARGEST_ID)
    name: str | None = Field(default=None, max_length=400)
    name_en: str | None = Field(default=None, max_length=400)
    description: str | None = None
    notice: str | None = None
    is_active: bool | None = None


@router.get("", summary="All products")
def list_products(
    asked: Asked,
    inactive: Annotated[bool, Query(description="Those out of use, too.")] = False,
    code: Annotated[str | None, Query(max_length=64, description="The one with this code.")] = None,
) -> Products:
    """Return the products by code."""
    found = products.list_products(asked.services, include_inactive=inactive)
    if code is not None:
        found = [one for one in found if one.product.code.lower() == code.strip().lower()]
    states = {key: state.state for key, state in model_states(asked.services).items()}
    return Products(items=[_line(one, states) for one in found])


@router.post("", status_code=201, response_model=ProductShape, summary="Add a product")
def create_product(wanted: ProductWanted, asked: Asked, once: OnceKey = None) -> Response:
    """Add a product."""

    def make() -> ProductShape:
        made = products.create_product(
            asked.services,
            asked.person,
            name=wanted.name,
            name_en=wanted.name_en,
            code=wanted.code,
            description=wanted.description,
            notice=wanted.notice,
        )
        return ProductShape.model_validate(made)

    return answer_once(asked, once, wanted.model_dump(), make, location=lambda made: asked.address("products", made.id))


@router.get("/{product_id}", summary="One product")
def get_product(product_id: Id, asked: Asked) -> ProductShape:
    """Return a product, in use or not."""
    return ProductShape.model_validate(products.get_product(asked.services, product_id))


@router.patch("/{product_id}", summary="Change a product")
def update_product(product_id: Id, change: ProductChange, asked: Asked) -> ProductShape:
    """Change the names, the description or the notice, take the product out of use or bring it back."""
    now = products.get_product(asked.services, product_id)
    row: Product = products.update_product(
        asked.services,
        asked.person,
        product_id,
        row_version=change.row_version,
        name=now.name if change.name is None else change.name,
        name_en=change.name_en,
        description=now.description if change.description is None else change.description,
        notice=change.notice,
    )
    if change.is_active is not None:
        row = products.set_product_active(
            asked.services, asked.person, product_id, change.is_active, row_version=row.row_version
        )
    return ProductShape.model_validate(row)


@router.delete("/{product_id}", summary="Take a product out of use")
def deactivate_product(
    product_id: Id,
    asked: Asked,
    row_version: Annotated[int | None, Query(ge=1, le=LARGEST_ID, description="Refused if it changed since.")] = None,
) -> ProductShape:
    """Take a product out of use; its images, models and inspections stay."""
    row = products.set_product_active(asked.services, asked.person, product_id, False, row_version=row_version)
    return ProductShape.model_validate(row)


def product_id_of(asked: Context, code: str | None) -> int | None:
    """Return the id of the product with this code; None where none was asked for. Raises NotFound product_unknown."""
    return None if code is None else products.find_product(asked.services, code).id


def _line(one: ProductSummary, states: dict[tuple[str, int], str]) -> ProductLine:
    return ProductLine(
        **ProductShape.model_validate(one.product).model_dump(),
        normal_train=one.n_normal_train,
        normal_val=one.n_normal_val,
        normal_test=one.n_normal_test,
        defect_train=one.n_defect_train,
        defect_val=one.n_defect_val,
        defect_test=one.n_defect_test,
        manuals=one.n_manual,
        manual_pages=one.n_manual_pages,
        defect_types=one.n_defect_types,
        good_kinds=one.n_good_kinds,
        models={kind: state for (kind, owner), state in states.items() if owner == one.product.id},
    )
