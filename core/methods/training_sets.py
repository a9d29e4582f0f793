"""The images of a dataset version as methods are trained on them: rows of then, pixels by the one decoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from sqlmodel import Session, col, select

from core.errors import NotFound, from_lower
from core.images.regions.records import Region
from core.images.regions.rows import find_mixed
from core.images.regions.typed_masks import draw_types
from core.images.training import key_of_id, load_mask, load_pixels
from core.methods.records import GOOD, ImageKind, LabelWords, Sample, Split, TrainingSet
from core.preprocessing.stored_options import read_preprocessing
from core.transactions import reading
from inference.errors import ImageError, InferenceError
from inference.vision.images.preprocessing import Preprocessing
from storage.tables import DatasetVersion, DatasetVersionImage, DefectType, Image, Product, ProductView

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.services import Services

_AT_ONCE = 400
_PLAIN_MODALITY = "rgb"


def list_training_views(services: Services, dataset_version_id: int) -> tuple[str, ...]:
    """Return the views that the images of a dataset version show, in alphabetical order; `("",)` without views."""
    with reading(services) as session:
        query = (
            select(DatasetVersionImage.view)
            .where(DatasetVersionImage.dataset_version_id == dataset_version_id)
            .distinct()
            .order_by(DatasetVersionImage.view)
        )
        return tuple(session.exec(query).all())


def read_training_set(services: Services, dataset_version_id: int, view: str = "") -> TrainingSet:
    """Return the images of one view of a dataset version, in the order of their numbers.

    What has been deleted since is there, too: loading it raises ImageError(`image_object_missing`). Raises
    NotFound(`dataset_version_unknown`) and NotReady for preprocessing that this version of the program does not know.
    """
    with reading(services) as session:
        version = session.get(DatasetVersion, dataset_version_id)
        if version is None:
            raise NotFound("dataset_version_unknown", number=dataset_version_id)
        product = session.get_one(Product, version.product_id)
        rows = session.exec(
            select(DatasetVersionImage)
            .where(DatasetVersionImage.dataset_version_id == dataset_version_id, DatasetVersionImage.view == view)
            .order_by(col(DatasetVersionImage.image_id))
        ).all()
        preprocessing = _read_chain(session, version, view)
        ids = [row.image_id for row in rows]
        images = _read_images(session, ids)
        mixed = find_mixed(session, ids)
        types = session.exec(select(DefectType).where(DefectType.product_id == product.id)).all()
        codes = {str(one.id): one.code for one in types}
        shown = session.exec(
            select(ProductView).where(ProductView.product_id == product.id, ProductView.code == view)
        ).first()
        labels = _describe_labels({row.label for row in rows}, list(types))
        session.expunge_all()
    reading_of_view = preprocessing.reading
    return TrainingSet(
        dataset_version_id=version.id,
        content_hash=version.content_hash,
        product_id=product.id,
        product_code=product.code,
        product_name_ko=product.name,
        product_name_en=product.name_en or product.name,
        view=view,
        modality=_PLAIN_MODALITY if shown is None else shown.modality,
        preprocessing=preprocessing,
        labels=labels,
        samples=tuple(
            _make_sample(
                services, row, images.get(row.image_id), mixed.get(row.image_id), codes, bit_depth=reading_of_view
            )
            for row in rows
        ),
    )


def _read_chain(session: Session, version: DatasetVersion, view: str) -> Preprocessing:
    """Return how images of a view are read: as it was frozen with the version, so that it teaches the same for ever.

    Versions of before, which froze nothing of the kind, are read as the product is set now. Raises NotReady.
    """
    frozen = version.configuration.get("preprocessing")
    options = frozen.get(view) if isinstance(frozen, dict) else None
    try:
        if isinstance(options, dict):
            return Preprocessing.from_dict(options)
        return read_preprocessing(session, version.product_id, view)
    except InferenceError as error:
        raise from_lower(error) from error


def _read_images(session: Session, ids: list[int]) -> dict[int, Image]:
    found: dict[int, Image] = {}
    for start in range(0, len(ids), _AT_ONCE):
        query = select(Image).where(col(Image.id).in_(ids[start : start + _AT_ONCE]))
        found |= {row.id: row for row in session.exec(query).all()}
    return found


def _describe_labels(labels: set[str], types: list[DefectType]) -> tuple[LabelWords, ...]:
    by_code = {one.code: one for one in types}
    found = []
    for label in sorted(labels):
        row = by_code.get(label)
        if row is None:  # good without a kind, or a type that is gone
            found.append(LabelWords(label, label, label, is_good=label == GOOD))
            continue
        english = row.name_en or row.code
        words = LabelWords(label, row.name_ko, english, row.outcome == "good", row.phrase or english, row.description)
        found.append(words)
    return tuple(found)


def _make_sample(
    services: Services,
    row: DatasetVersionImage,
    image: Image | None,
    regions: list[Region] | None,
    codes: Mapping[str, str],
    *,
    bit_depth: Any,
) -> Sample:
    key = key_of_id(row.image_id)
    return Sample(
        key=key,
        image_id=row.image_id,
        image_type=cast(ImageKind, row.image_type),
        label=row.label,
        part=row.part or key,
        view=row.view,
        split=cast(Split, row.split),
        content_sha256=row.content_sha256,
        load=_missing(key) if image is None else partial(load_pixels, services, image, bit_depth=bit_depth),
        load_mask=_missing(key) if image is None else partial(load_mask, services, image),
        load_marks=_no_marks if image is None or not regions else partial(_draw_marks, regions, image, codes),
    )


def _draw_marks(regions: list[Region], image: Image, codes: Mapping[str, str]) -> dict[str, NDArray[np.bool_]]:
    return {codes[number]: mask for number, mask in draw_types(regions, image).items() if number in codes}


def _no_marks() -> dict[str, NDArray[np.bool_]]:
    return {}


def _missing(key: str) -> Callable[[], Any]:
    def load() -> Any:
        raise ImageError("image_object_missing", name=key)

    return load
