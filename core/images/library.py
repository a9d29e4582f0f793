"""The image library: list and read the curated images of a product."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlmodel import Session, col, func, select

from core.errors import NotFound, from_lower
from core.images.placement.current import get_mask, get_object
from core.transactions import reading
from storage.object_store import ObjectStoreError
from storage.tables import Image

if TYPE_CHECKING:
    from core.services import Services


@dataclass(frozen=True)
class Page:
    """One page of a listing; `page` counts from 1 and is the last one where a later was asked for."""

    rows: list[Image]
    total: int
    page: int
    page_size: int

    @property
    def n_pages(self) -> int:
        """Pages in all, at least one."""
        return max(1, -(-self.total // self.page_size))


def list_images(
    services: Services,
    product_id: int,
    *,
    image_type: str | None = None,
    defect_type_id: int | None = None,
    split: str | None = None,
    outlier_state: str | None = None,
    view: str | None = None,
    domain: str | None = None,
    page: int = 1,
    page_size: int = 48,
) -> Page:
    """Return one page of a product's images, newest first; `outlier_state` as in `core.images.outliers`."""
    conditions = [col(Image.product_id) == product_id]
    if image_type is not None:
        conditions.append(col(Image.image_type) == image_type)
    if defect_type_id is not None:
        conditions.append(col(Image.defect_type_id) == defect_type_id)
    if split is not None:
        conditions.append(col(Image.split) == split)
    if outlier_state is not None:
        conditions.append(col(Image.outlier_state) == outlier_state)
    if view is not None:
        conditions.append(col(Image.view) == view)
    if domain is not None:
        conditions.append(col(Image.domain) == domain)
    with reading(services) as session:
        total = session.exec(select(func.count()).select_from(Image).where(*conditions)).one()
        page = min(max(1, page), max(1, -(-total // page_size)))
        newest = select(Image).where(*conditions).order_by(col(Image.id).desc())
        rows = session.exec(newest.offset((page - 1) * page_size).limit(page_size)).all()
    return Page(list(rows), total, page, page_size)


def get_image(services: Services, image_id: int) -> Image:
    """Return the image's row. Raises NotFound not_found."""
    with reading(services) as session:
        return get_image_row(session, image_id)


def get_images(services: Services, image_ids: Sequence[int]) -> list[Image]:
    """Return those of the images that are there, in order of id."""
    with reading(services) as session:
        return list(session.exec(select(Image).where(col(Image.id).in_(list(image_ids))).order_by(col(Image.id))).all())


def get_image_row(session: Session, image_id: int) -> Image:
    """Return the image inside the caller's transaction. Raises NotFound not_found."""
    image = session.get(Image, image_id)
    if image is None:
        raise NotFound("not_found")
    return image


def read_image(services: Services, image: Image) -> bytes:
    """Return the file as it was uploaded. Raises NotFound object_missing, Unavailable."""
    try:
        return get_object(services, image)
    except ObjectStoreError as error:
        raise from_lower(error, name=image.stored_name) from error


def read_mask_png(services: Services, image: Image) -> bytes | None:
    """Return the image's mask (gray PNG of 0 and 255), None where it has none. Raises as `read_image`."""
    try:
        return get_mask(services, image)
    except ObjectStoreError as error:
        raise from_lower(error, name=image.stored_name) from error


def read_thumbnails(services: Services, images: Sequence[Image]) -> dict[int, bytes | None]:
    """Return thumbnails (WebP) by image id; None for one that cannot be read now."""
    found = services.objects.get_many([image.thumbnail_key for image in images])
    return {
        image.id: None if isinstance(data, ObjectStoreError) else data
        for image, (_key, data) in zip(images, found, strict=True)
    }
