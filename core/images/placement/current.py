"""The keys of now, for whoever read a row before its objects were moved: a build of minutes, a page of a while ago."""

from __future__ import annotations

from sqlmodel import select

from core.transactions import HasDatabase, HasStores, reading
from storage.object_store import ObjectStoreError
from storage.tables import Image


def get_object(services: HasStores, image: Image) -> bytes:
    """Return the image's file, also where it was moved since the row was read. Raises ObjectStoreError."""
    try:
        return services.objects.get(image.object_key)
    except ObjectStoreError as error:
        key = find_moved(services, image) if error.code == "object_missing" else None
        if key is None:
            raise
        return services.objects.get(key)


def get_mask(services: HasStores, image: Image) -> bytes | None:
    """Return the image's mask likewise; None where it has none (any more)."""
    if image.mask_key is None:
        return None
    try:
        return services.objects.get(image.mask_key)
    except ObjectStoreError as error:
        if error.code != "object_missing":
            raise
        with reading(services) as session:
            key = session.exec(select(Image.mask_key).where(Image.id == image.id)).first()
        if key is None or key == image.mask_key:
            raise
        return services.objects.get(key)


def find_moved(services: HasDatabase, image: Image) -> str | None:
    """Return the key of the image's file where the row names another than before."""
    with reading(services) as session:
        key = session.exec(select(Image.object_key).where(Image.id == image.id)).first()
    return key if key is not None and key != image.object_key else None
