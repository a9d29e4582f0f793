"""Measuring stored images: focus, exposure and the fingerprint. New ones are measured when they are stored."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import update
from sqlmodel import col, func, select

from core.images.bit_depth import find_bit_depth
from core.images.placement.current import get_object
from core.transactions import reading, writing
from inference.errors import ImageError
from storage.object_store import ObjectStoreError
from storage.tables import Image

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from core.services import Services

logger = logging.getLogger(__name__)

# The quality of a stored file that cannot be decoded (any more).
UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Measures:
    """What the columns `quality`, `blur_score` and `difference_hash` of an image hold."""

    quality: str
    blur_score: float | None = None
    difference_hash: int | None = None


def measure(pixels: npt.NDArray[np.uint8]) -> Measures:
    """Measure RGB uint8 pixels, height × width × 3."""
    from inference.vision.images.quality import assess
    from inference.vision.learning.difference_hash import difference_hash

    found = assess(pixels)
    return Measures(",".join(found.warnings), found.blur_score, difference_hash(pixels))


def measure_next(services: Services, count: int, *, after: int = 0) -> int | None:
    """Measure up to `count` images that nobody has measured, of higher ids than `after`; return the last id.

    None: there is none left, or the object store does not answer now. Each is kept by itself, so that it goes on where
    it stopped. One whose file is missing stays unmeasured: it may come back. Raises AppError when the database fails.
    """
    from inference.vision.images.decode import decode

    with reading(services) as session:
        query = select(Image).where(col(Image.quality).is_(None), col(Image.id) > after)
        rows = session.exec(query.order_by(col(Image.id)).limit(count)).all()
        depths = {own: find_bit_depth(session, *own) for own in {(row.product_id, row.view) for row in rows}}
    last = None
    for row in rows:
        try:
            measures = measure(decode(get_object(services, row), bit_depth=depths[row.product_id, row.view]).pixels)
        except ImageError as error:
            logger.warning("%s cannot be measured: %s", row.stored_name, error)
            measures = Measures(UNREADABLE)
        except ObjectStoreError as error:
            if error.code != "object_missing":
                logger.warning("images are measured later: %s", error)
                return None
            measures = None
        if measures is not None:
            _keep(services, row.id, measures)
        last = row.id
    return last


def count_unmeasured(services: Services, product_id: int) -> int:
    """Return how many images of the product nobody has measured yet."""
    with reading(services) as session:
        query = select(func.count()).select_from(Image)
        return int(session.exec(query.where(Image.product_id == product_id, col(Image.quality).is_(None))).one())


def _keep(services: Services, image_id: int, measures: Measures) -> None:
    with writing(services) as session:
        # Not `mark_changed`: what the image shows is as it was.
        session.execute(
            update(Image)
            .where(col(Image.id) == image_id, col(Image.quality).is_(None))
            .values(
                quality=measures.quality,
                blur_score=measures.blur_score,
                difference_hash=measures.difference_hash,
            )
        )
        session.commit()
