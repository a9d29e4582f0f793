"""Preprocessing: what is set for a product, and what its model in use was built with."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from core.api.context import LARGEST_ID, Asked, Id
from core.api.shapes import Shape, Wanted
from core.preprocessing import stored_options
from core.preprocessing.stored_options import ProductPreprocessing

router = APIRouter(prefix="/products/{product_id}/preprocessing", tags=["preprocessing"])

ViewCode = Annotated[
    str | None, Query(max_length=64, description="The view, by its code: needed where the product has several.")
]
Rectangle = tuple[float, float, float, float]


class WindowWanted(Wanted):
    """The values of images with more than 8 bits that become 0 (`low` and below) and 255 (`high` and above)."""

    low: int = Field(ge=0, le=65535)
    high: int = Field(ge=0, le=65535)


class Options(Wanted):
    """The chain of a product. Rectangles are (x, y, width, height) as shares of the image, from its top left."""

    grayscale: bool = False
    clahe: bool = False
    clahe_clip_limit: float = 2.0
    clahe_tile_grid: int = 8
    equalize: bool = False
    smoothing: str = Field(default="none", max_length=16)
    smoothing_size_px: int = 3
    normalize: bool = False
    region_of_interest: Rectangle | None = None
    ignore: list[Rectangle] = Field(default_factory=list, max_length=100)
    tile_size_px: int = 0
    tile_height_px: int = 0
    bit_depth: int = 0
    window: WindowWanted | None = Field(default=None, description="Instead of a bit depth.")


class PreprocessingShape(Shape):
    """`options` count from the next deployment on; `deployed` are those of the model in use."""

    product_id: int
    view: str = Field(description="Empty for a product without views.")
    options: dict[str, Any]
    deployed: dict[str, Any] | None
    state: Literal["deployed", "waiting", "no_model"]
    row_version: int = Field(description="0: nothing was saved yet. Send it back with a change.")
    updated_at: datetime | None
    updated_by: str


class PreprocessingWanted(Wanted):
    """All options of the product, for the next deployment; what is left out has its default."""

    row_version: int = Field(ge=0, le=LARGEST_ID)
    options: Options


@router.get("", summary="What is set")
def get_preprocessing(product_id: Id, asked: Asked, view: ViewCode = None) -> PreprocessingShape:
    """Return what is set for a product, or for one of its views."""
    return _shape(stored_options.get_preprocessing(asked.services, product_id, view))


@router.put("", summary="Set the options")
def put_preprocessing(
    product_id: Id, wanted: PreprocessingWanted, asked: Asked, view: ViewCode = None
) -> PreprocessingShape:
    """Save the options for the next deployment; until then inspection goes on with those of the model in use."""
    options = stored_options.parse_options(wanted.options.model_dump())
    saved = stored_options.save_preprocessing(
        asked.services, asked.person, product_id, row_version=wanted.row_version, options=options, view=view
    )
    return _shape(saved)


def _shape(found: ProductPreprocessing) -> PreprocessingShape:
    return PreprocessingShape.model_validate(
        {
            "product_id": found.product.id,
            "view": found.view_code,
            "options": stored_options.all_values(found.options),
            "deployed": None if found.deployed is None else stored_options.all_values(found.deployed),
            "state": found.state,
            "row_version": found.row_version,
            "updated_at": found.updated_at,
            "updated_by": found.updated_by,
        }
    )
