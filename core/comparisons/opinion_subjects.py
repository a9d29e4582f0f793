"""What a second opinion is about: the picture of one view of an inspected part, and the types of its product."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from sqlmodel import Session, col, select

from core.errors import from_lower
from core.inspections.stored_values import read_preprocessing
from core.methods.records import LabelWords
from core.methods.visual.vlm import load_spread
from core.transactions import HasStores, reading
from inference.errors import InferenceError
from inference.vision.images.bit_depth import BY_IMAGE, Reading
from storage.object_store import ObjectStoreError
from storage.tables import DefectType, Inspection, InspectionView, ProductView

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.services import Services

    Picture = NDArray[np.uint8]

_PLAIN_MODALITY = "rgb"


@dataclass(frozen=True)
class InspectedPicture:
    """One picture of an inspected part. `view` is empty for a product without views."""

    view: str
    modality: str
    image_key: str
    original_name: str
    bit_depth: Reading


def find_picture(session: Session, row: Inspection, view: str = "") -> InspectedPicture | None:
    """Return the picture of a view, the first exposure of it; without a view, the one that decided.

    None where the inspection has no picture of that view.
    """
    rows = session.exec(
        select(InspectionView)
        .where(InspectionView.inspection_id == row.id)
        .order_by(col(InspectionView.exposure), col(InspectionView.id))
    ).all()
    if view:
        shown = next((found for found in rows if found.view == view), None)
        if shown is None:
            return None
    else:
        shown = next((found for found in rows if found.image_key == row.image_key), None)
    if shown is None:
        return _describe(row, view="", modality=_PLAIN_MODALITY)
    setting = session.exec(
        select(ProductView).where(ProductView.product_id == row.product_id, ProductView.code == shown.view)
    ).first()
    return _describe(shown, view=shown.view, modality=_PLAIN_MODALITY if setting is None else setting.modality)


def _describe(row: Inspection | InspectionView, *, view: str, modality: str) -> InspectedPicture:
    preprocessing = read_preprocessing(row.preprocessing)
    depth = BY_IMAGE if preprocessing is None else preprocessing.reading
    return InspectedPicture(view, modality, row.image_key, row.original_name, depth)


def load_picture(services: HasStores, picture: InspectedPicture) -> NDArray[np.uint8]:
    """Return the picture, RGB uint8 (H, W, 3). Raises NotFound(`object_missing`), Unavailable, BadInput."""
    from inference.vision.images.decode import decode

    try:
        return decode(services.objects.get(picture.image_key), bit_depth=picture.bit_depth).pixels
    except (InferenceError, ObjectStoreError) as error:
        raise from_lower(error, name=picture.original_name) from error


def load_good_pictures(services: Services, product_id: int, picture: InspectedPicture, count: int) -> list[Picture]:
    """Return `count` readable good training images of the picture's view, RGB uint8 (H, W, 3).

    They are spread evenly over all of them and always the same, read as the picture itself is. Fewer where there are
    no more. Raises Unavailable where the object store is away.
    """
    from core.images.training import load_pixels, training_rows

    with reading(services) as session:
        rows = training_rows(session, product_id, "normal", picture.view)
        session.expunge_all()
    loaders = [partial(load_pixels, services, row, bit_depth=picture.bit_depth) for row in rows]
    try:
        return load_spread(loaders, count)
    except ObjectStoreError as error:
        raise from_lower(error) from error


def read_types(session: Session, product_id: int) -> tuple[LabelWords, ...]:
    """Return the product's types in use in the order of their codes, with the phrase of each."""
    rows = session.exec(
        select(DefectType)
        .where(DefectType.product_id == product_id, col(DefectType.is_active).is_(True))
        .order_by(col(DefectType.code))
    ).all()
    found = []
    for row in rows:
        english = row.name_en or row.code
        is_good = row.outcome == "good"
        found.append(LabelWords(row.code, row.name_ko, english, is_good, row.phrase or english, row.description))
    return tuple(found)
