"""Whether the masks of a dataset version are still those that were frozen with it."""

from __future__ import annotations

import hashlib

from sqlmodel import col, select

from core.datasets.reading import MASK_CHANGED, mark_broken
from core.datasets.records import Dataset
from core.errors import Conflict, from_lower
from core.images.placement.current import get_mask
from core.services import Services
from core.transactions import reading
from storage.object_store import ObjectStoreError
from storage.tables import Image

_AT_ONCE = 400


def check_masks(services: Services, dataset: Dataset) -> None:
    """Raise Conflict dataset_mask_changed where a mask was drawn, changed or removed since, and note it.

    Raises AppError when a store fails.
    """
    frozen = {image.image_id: image.mask_sha256 for image in dataset.images}
    ids = sorted(frozen)
    for start in range(0, len(ids), _AT_ONCE):
        with reading(services) as session:
            rows = session.exec(select(Image).where(col(Image.id).in_(ids[start : start + _AT_ONCE]))).all()
        for row in rows:
            try:
                data = get_mask(services, row)
            except ObjectStoreError as error:
                raise from_lower(error, name=row.stored_name) from error
            if (hashlib.sha256(data).hexdigest() if data is not None else "") != frozen[row.id]:
                mark_broken(services, dataset.head.id, MASK_CHANGED)
                raise Conflict(MASK_CHANGED, number=dataset.head.number)
