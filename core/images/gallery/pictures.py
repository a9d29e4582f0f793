"""The thumbnails of curated images as files for a browser, by an address that changes with the content.

The token comes from the content's hash: what a browser keeps is right for as long as the address is.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from sqlmodel import select

from core.errors import NotFound, from_lower
from core.transactions import reading
from storage.object_store import ObjectStoreError
from storage.tables import Image, TrashedImage

if TYPE_CHECKING:
    from core.services import Services

CONTENT_TYPE = "image/jpeg"
# Part of each token: raise it when thumbnails are drawn differently, so that browsers fetch them anew.
_DRAWN = 1


def image_token(content_sha256: str) -> str:
    """Return what stands in the address of the thumbnail of the image with this content."""
    return hashlib.sha256(f"{_DRAWN}:image:{content_sha256}".encode()).hexdigest()[:20]


def read_image_thumbnail(services: Services, image_id: int, token: str) -> bytes:
    """Return the thumbnail of a curated image, from memory where it was read a moment ago.

    Also of one that lies in the trash, where it is looked at before it is put back. Raises NotFound for an unknown
    image, another token, a file that is missing; Unavailable where the object store does not answer.
    """
    key = ("image", image_id, token)
    kept = services.pictures.get(key)
    if kept is None:
        kept = _read(services, image_id, token)
        services.pictures.put(key, kept)
    return kept


def _read(services: Services, image_id: int, token: str) -> bytes:
    with reading(services) as session:
        found = session.exec(
            select(Image.thumbnail_key, Image.content_sha256, Image.stored_name).where(Image.id == image_id)
        ).first()
        if found is None:
            trashed = session.exec(select(TrashedImage).where(TrashedImage.image_id == image_id)).first()
            if trashed is not None:
                found = (trashed.thumbnail_key, str(trashed.row.get("content_sha256", "")), trashed.stored_name)
    if found is None or image_token(found[1]) != token:
        raise NotFound("not_found")
    try:
        return services.objects.get(found[0])
    except ObjectStoreError as error:
        raise from_lower(error, name=found[2]) from error
