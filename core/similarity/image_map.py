"""A product's indexed images on a map, and what looks wrong among them: duplicates, outliers, labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sqlmodel import col, func, select

from core.errors import NotReady, from_lower
from core.images.training import of_view
from core.models.kinds import SIMILARITY_INDEX
from core.registry.versions import active_version
from core.services import Services
from core.transactions import reading
from inference.errors import InferenceError
from storage.object_store import ObjectStoreError
from storage.tables import DefectType, Image, ModelVersion

if TYPE_CHECKING:
    from numpy.typing import NDArray

WHOLE, PLACES = "whole", "places"
# t-SNE takes about a second per thousand images; a map of more dots tells a person no more.
MOST_IMAGES = 4000
_PARTS = {WHOLE: ("normal", "defect"), PLACES: ("region",)}
_AT_ONCE = 500


@dataclass(frozen=True)
class Layout:
    """Where each indexed image lies: `ids` int64 (n,), `vectors` float32 (n, d), `points` float32 (n, 2)."""

    ids: NDArray[np.int64]
    vectors: NDArray[np.float32]
    points: NDArray[np.float32]


@dataclass(frozen=True)
class MapImage:
    """One image on the map. `label` is that of now: the defect type, or None for a normal image."""

    image: Image
    label: DefectType | None
    x: float
    y: float


@dataclass(frozen=True)
class Suspicion:
    """An image that is likely labeled wrong: `share` of its nearest carry `label` (None: normal) instead."""

    image: Image
    label: DefectType | None
    share: float


@dataclass(frozen=True)
class ImageMap:
    """The map of now. `n_missing` training images are not in the index yet, `n_indexed` are."""

    images: list[MapImage]
    duplicates: list[tuple[Image, Image, float]]
    outliers: list[Image]
    suspicions: list[Suspicion]
    n_indexed: int
    n_missing: int


def map_versions(services: Services, product_id: int, view: str, product_view: str = "") -> list[ModelVersion]:
    """Return the active indexes that the map of a view (`whole` or `places`) is drawn from. Raises NotReady.

    `product_view` is the code of the view of the product, empty for one without views.
    """
    with reading(services) as session:
        found = [active_version(session, SIMILARITY_INDEX, product_id, part, product_view) for part in _PARTS[view]]
    versions = [version for version in found if version is not None]
    if len({version.model_name for version in versions}) > 1:
        # Vectors of two models do not compare: the newer one is what the next deployments will be made with.
        newest = max(versions, key=lambda version: version.id)
        versions = [version for version in versions if version.model_name == newest.model_name]
    if not versions:
        raise NotReady("image_map_without_index")
    return versions


def lay_out_images(services: Services, versions: list[ModelVersion]) -> Layout:
    """Place the images of these indexes; takes seconds, and stays right for as long as the versions are in use.

    Raises the AppError of an index that cannot be read.
    """
    from inference.vision.search.curation import lay_out

    try:
        indexes = [services.models.similarity_index(version) for version in versions]
    except (InferenceError, ObjectStoreError) as error:
        raise from_lower(error) from error
    ids = np.concatenate([index.ids for index in indexes])
    vectors = np.concatenate([index.vectors for index in indexes])
    # Curated images only: an inspected part is looked at, and labeled, with its inspection.
    kept = np.flatnonzero(ids > 0)
    if len(kept) > MOST_IMAGES:
        kept = np.sort(np.random.default_rng(0).choice(kept, size=MOST_IMAGES, replace=False))
    return Layout(ids[kept], vectors[kept], lay_out(vectors[kept]))


def describe_map(services: Services, product_id: int, layout: Layout, *, view: str, product_view: str = "") -> ImageMap:
    """Return the map with the labels of now; an image that was deleted since is not on it."""
    from inference.vision.search.curation import find_duplicates, find_outliers, find_wrong_labels

    rows: dict[int, Image] = {}
    asked = [int(found) for found in layout.ids]
    with reading(services) as session:
        for start in range(0, len(asked), _AT_ONCE):
            some = session.exec(select(Image).where(col(Image.id).in_(asked[start : start + _AT_ONCE]))).all()
            rows |= {row.id: row for row in some}
        types: dict[int | None, DefectType] = {
            row.id: row for row in session.exec(select(DefectType).where(DefectType.product_id == product_id)).all()
        }
        wanted = (
            select(func.count())
            .select_from(Image)
            .where(Image.product_id == product_id, Image.split == "train", *of_view(product_view))
        )
        if view == PLACES:
            wanted = wanted.where(Image.image_type == "defect")
        n_training = int(session.exec(wanted).one())
    places = [place for place, found in enumerate(asked) if found in rows]
    images = [rows[asked[place]] for place in places]
    vectors, points = layout.vectors[places], layout.points[places]
    labels = np.asarray([_defect_type(row) or 0 for row in images], dtype=np.int64)
    # The whole image mostly shows the product: only the defective place tells one type from another.
    mistakes = find_wrong_labels(vectors, labels) if view == PLACES else []
    # And two places that look the same are no duplicates: the images around them may differ.
    twice = find_duplicates(vectors) if view == WHOLE else []
    return ImageMap(
        images=[
            MapImage(row, types.get(_defect_type(row)), float(x), float(y))
            for row, (x, y) in zip(images, points, strict=True)
        ],
        duplicates=[(images[pair.first], images[pair.second], pair.similarity) for pair in twice],
        outliers=[images[place] for place in find_outliers(vectors, labels)],
        suspicions=[Suspicion(images[found.place], types.get(found.label), found.share) for found in mistakes],
        n_indexed=len(images),
        n_missing=max(0, n_training - len(images)) if len(asked) < MOST_IMAGES else 0,
    )


def _defect_type(row: Image) -> int | None:
    return row.defect_type_id if row.image_type == "defect" else None
