"""The images that a build learns from: their rows, and loaders that go through the one decoder.

Originals come from the object store; when that is remote they are kept in a local cache by hash, ten fetched at once,
and the cache has a limit.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, select

from core.images.placement.current import find_moved, get_mask, get_object
from core.services import Services
from inference.errors import ImageError
from storage.objects import ObjectStoreError
from storage.tables import Image

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from inference.vision.images.bit_depth import Reading

PARALLEL_FETCHES = 10
CACHE_LIMIT_BYTES = 10 * 1024**3


def training_rows(session: Session, product_id: int, image_type: str, view: str = "") -> list[Image]:
    """Return the training images of a type, in order of id: of one view, or all of them without one.

    Test images are never among them.
    """
    query = select(Image).where(
        Image.product_id == product_id, Image.image_type == image_type, Image.split == "train", *of_view(view)
    )
    return list(session.exec(query.order_by(col(Image.id))).all())


def count_training_images(session: Session, product_id: int, view: str = "") -> int:
    """Return how many training images the product, or one view of it, has, normal and defect."""
    query = select(func.count()).select_from(Image)
    query = query.where(Image.product_id == product_id, Image.split == "train", *of_view(view))
    return int(session.exec(query).one())


def has_training_images(session: Session, product_id: int, view: str = "", *, image_type: str | None = None) -> bool:
    """Return whether the product, or one view of it, has any training image; of one type only where it is named."""
    query = select(Image.id).where(Image.product_id == product_id, Image.split == "train", *of_view(view))
    if image_type is not None:
        query = query.where(Image.image_type == image_type)
    return session.exec(query.limit(1)).first() is not None


def of_view(view: str) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions that leave the images of one view; none at all for a product without views."""
    return (col(Image.view) == view,) if view else ()


def key_of(row: Image) -> str:
    """Return the key under which the engine knows an image."""
    return key_of_id(row.id)


def key_of_id(image_id: int) -> str:
    """Return the same for the number of an image, which may be deleted since."""
    return f"image:{image_id}"


def read_original(services: Services, row: Image) -> bytes:
    """Return the stored bytes, from the local cache when they are there and unchanged. Raises ObjectStoreError."""
    if services.settings.object_store == "local":
        return get_object(services, row)
    cached = services.settings.cache_dir / "images" / row.content_sha256[:2] / row.content_sha256
    if cached.is_file():
        data = cached.read_bytes()
        if hashlib.sha256(data).hexdigest() == row.content_sha256:
            os.utime(cached)  # what was used last is what goes last
            return data
        cached.unlink()
    cached.parent.mkdir(parents=True, exist_ok=True)
    try:
        services.objects.get_to_file(row.object_key, cached)
    except ObjectStoreError as error:
        moved = find_moved(services, row) if error.code == "object_missing" else None
        if moved is None:
            raise
        services.objects.get_to_file(moved, cached)
    return cached.read_bytes()


def trim_cache(services: Services, *, limit_bytes: int = CACHE_LIMIT_BYTES) -> int:
    """Evict the originals and cut-outs that were used longest ago until `limit_bytes` hold the rest; return how many.

    Called between builds: within one, every image that is trained on stays.
    """
    found: list[tuple[float, int, Path]] = []
    cached = chain.from_iterable((services.settings.cache_dir / name).glob("*/*") for name in ("images", "cut_outs"))
    for path in cached:
        with contextlib.suppress(FileNotFoundError):  # another worker evicts here, too
            status = path.stat()
            found.append((status.st_mtime, status.st_size, path))
    surplus = sum(size for _used_at, size, _path in found) - limit_bytes
    count = 0
    for _used_at, size, path in sorted(found):
        if surplus <= 0:
            break
        path.unlink(missing_ok=True)
        surplus -= size
        count += 1
    return count


def load_pixels(services: Services, row: Image, *, bit_depth: Reading) -> NDArray[np.uint8]:
    """Return the decoded image, RGB uint8 (H, W, 3); one of more than 8 bits is read by `bit_depth`.

    Raises ImageError, also for a missing object.
    """
    from inference.vision.images.decode import decode

    try:
        data = read_original(services, row)
    except ObjectStoreError as error:
        if error.code == "object_missing":
            raise ImageError("image_object_missing", name=row.stored_name) from error
        raise
    return decode(data, bit_depth=bit_depth).pixels


def load_mask(services: Services, row: Image) -> NDArray[np.bool_] | None:
    """Return the mask of a defect image, bool (H, W); None without one.

    Raises ImageError, also for a missing object.
    """
    from inference.vision.images.decode import decode_mask

    try:
        data = get_mask(services, row)
    except ObjectStoreError as error:
        if error.code == "object_missing":
            raise ImageError("image_object_missing", name=row.stored_name) from error
        raise
    return None if data is None else decode_mask(data)


def fetch_originals(services: Services, rows: Sequence[Image], progress: Callable[[int, int], None]) -> None:
    """Fetch the originals of a remote store, ten at once; a missing one is left for the build to name."""
    from concurrent.futures import ThreadPoolExecutor, as_completed

    if services.settings.object_store == "local" or not rows:
        progress(len(rows), len(rows))
        return

    def fetch(row: Image) -> None:
        try:
            read_original(services, row)
        except ObjectStoreError as error:
            if error.code != "object_missing":
                raise

    with ThreadPoolExecutor(PARALLEL_FETCHES) as pool:
        futures = [pool.submit(fetch, row) for row in rows]
        try:
            for done, future in enumerate(as_completed(futures), start=1):
                future.result()
                progress(done, len(rows))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
