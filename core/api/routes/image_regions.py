"""The regions of an image: what is marked in it, and replacing it."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import Field

from core.api.context import LARGEST_ID, Asked, Id
from core.api.shapes import Shape, Wanted
from core.images.regions.checks import MOST_REGIONS, read_region
from core.images.regions.records import MASK, POLYGON, Region
from core.images.regions.saving import ImageRegions, list_regions, save_regions

router = APIRouter(prefix="/images", tags=["images"])


class RegionShape(Shape):
    """One region, in pixels of the stored image; (0, 0) is the top left corner of its first pixel.

    x, y, width and height bound it.
    """

    shape: Literal["box", "polygon", "mask"]
    x: float
    y: float
    width: float
    height: float
    points: list[tuple[float, float]] | None = Field(description="The corners of a polygon.")
    counts: list[int] | None = Field(
        description="The run lengths of a mask over the whole image, column by column, beginning with what is not "
        "marked (COCO's uncompressed form)."
    )
    defect_type_id: int | None
    origin: Literal["person", "import", "model"]


class Regions(Shape):
    """What is marked in an image. Send `row_version` back with a change."""

    image_id: int
    row_version: int
    image_type: Literal["normal", "defect"]
    defect_type_id: int | None = Field(description="The type that the image itself counts as.")
    width_px: int
    height_px: int
    regions: list[RegionShape]


class RegionWanted(Wanted):
    """A region to store: a box has x, y, width and height, a polygon `points`, a mask `counts`."""

    shape: Literal["box", "polygon", "mask"]
    x: float | None = None
    y: float | None = None
    width: float | None = None
    height: float | None = None
    points: list[tuple[float, float]] | None = None
    counts: list[int] | None = None
    defect_type_id: int | None = Field(
        default=None, ge=1, le=LARGEST_ID, description="Left out: the type that the image itself counts as."
    )
    origin: Literal["person", "import", "model"] = "import"


class RegionsWanted(Wanted):
    """All regions that the image is to have; those that are left out go."""

    row_version: int = Field(ge=1, le=LARGEST_ID)
    # One more than is allowed, so that too many are refused with the sentence that says how many may be.
    regions: list[RegionWanted] = Field(max_length=MOST_REGIONS + 1)
    own_type_id: int | None = Field(
        default=None,
        ge=1,
        le=LARGEST_ID,
        description="The type that the image counts as; left out: its largest region's.",
    )
    make_defect: bool = Field(default=False, description="Whether a normal image becomes a defect image.")


@router.get("/{image_id}/regions", summary="What is marked in an image")
def get_regions(image_id: Id, asked: Asked) -> Regions:
    """Return the regions; those of an image with a mask alone are one mask."""
    return _shape(list_regions(asked.services, image_id))


@router.put("/{image_id}/regions", summary="Replace what is marked in an image")
def put_regions(image_id: Id, wanted: RegionsWanted, asked: Asked) -> Regions:
    """Replace the regions, and the mask by their union."""
    image = list_regions(asked.services, image_id).image
    regions = [
        read_region(
            one.model_dump(exclude_none=True), number=number, width_px=image.width_px, height_px=image.height_px
        )
        for number, one in enumerate(wanted.regions, start=1)
    ]
    saved = save_regions(
        asked.services,
        asked.person,
        image_id,
        regions,
        row_version=wanted.row_version,
        own_type_id=wanted.own_type_id,
        make_defect=wanted.make_defect,
    )
    return _shape(saved)


def _shape(found: ImageRegions) -> Regions:
    image = found.image
    return Regions(
        image_id=image.id,
        row_version=image.row_version,
        image_type=image.image_type,  # type: ignore[arg-type]
        defect_type_id=image.defect_type_id,
        width_px=image.width_px,
        height_px=image.height_px,
        regions=[_describe(region) for region in found.regions],
    )


def _describe(region: Region) -> RegionShape:
    return RegionShape(
        shape=region.shape,
        x=region.x,
        y=region.y,
        width=region.width,
        height=region.height,
        points=list(region.points) if region.shape == POLYGON else None,
        counts=list(region.counts) if region.shape == MASK else None,
        defect_type_id=region.defect_type_id,
        origin=region.origin,  # type: ignore[arg-type]
    )
