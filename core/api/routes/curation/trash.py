"""The trash: deleted images, which can be put back for thirty days."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field

from core.api.context import LARGEST_ID, Asked, OnceKey, PageNumber
from core.api.repeats import answer_once
from core.api.shapes import FileError, Shape, Wanted, describe_error
from core.catalog.products import find_product
from core.images.trash.listing import list_trash as list_lines
from core.images.trash.restoring import restore_images

router = APIRouter(prefix="/trash", tags=["images"])

MOST_RESTORED = 1_000


class TrashedShape(Shape):
    """An image in the trash. `id` is its place there; put back, it has `image_id` and its name again."""

    id: int
    image_id: int
    stored_name: str
    image_type: Literal["normal", "defect"]
    defect_type_id: int | None
    split: Literal["train", "val", "test"]
    part: str
    content_sha256: str
    deleted_at: datetime
    deleted_by: str
    days_left: int = Field(description="For so many more days it can be put back.")


class Trash(Shape):
    """One page of a product's trash, the last deleted first."""

    items: list[TrashedShape]
    total: int
    page: int
    pages: int


class RestoreWanted(Wanted):
    """Which images are to be put back, by their `id` in the trash."""

    ids: list[Annotated[int, Field(ge=1, le=LARGEST_ID)]] = Field(min_length=1, max_length=MOST_RESTORED)


class RestoredShape(Shape):
    """What came of one image: put back, or what stands in the way."""

    image_id: int
    stored_name: str
    error: FileError | None


class Restored(Shape):
    """What came of each image."""

    outcomes: list[RestoredShape]
    restored: int


@router.get("", summary="The trash of a product")
def list_trash(
    asked: Asked,
    product: Annotated[str, Query(max_length=64, description="The product's code.")],
    page: PageNumber = 1,
) -> Trash:
    """Return one page of a product's deleted images."""
    product_id = find_product(asked.services, product).id
    found = list_lines(asked.services, asked.person, product_id, page=page)
    lines = [TrashedShape.model_validate(line) for line in found.lines]
    return Trash(items=lines, total=found.total, page=found.page, pages=found.n_pages)


@router.post("/restore", response_model=Restored, summary="Put images back")
def restore(wanted: RestoreWanted, asked: Asked, once: OnceKey = None) -> Response:
    """Put images back with their labels, masks and regions; each is told what stands in its way."""

    def make() -> Restored:
        found = restore_images(asked.services, asked.person, list(dict.fromkeys(wanted.ids)))
        outcomes = [
            RestoredShape(image_id=one.image_id, stored_name=one.name, error=describe_error(one.error, asked.language))
            for one in found
        ]
        return Restored(outcomes=outcomes, restored=sum(one.error is None for one in outcomes))

    return answer_once(asked, once, wanted.model_dump(), make, status=200)
