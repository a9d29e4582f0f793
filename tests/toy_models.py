"""Models for the plates of `tests.plates` that need no network: what an inspection does around them is tested quickly.

The detector knows how bright a plate is, the embedder counts how much of an image is how bright. Rows name them as
versions in use, and `use_toy_models` gives services that open them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from sqlmodel import select

from core.models.cache import ModelCache
from core.models.kinds import MEMORY_BANK, SIMILARITY_INDEX
from core.registry.versions import IMAGES_OF, PARTS, scope_of
from core.services import Services, build_services
from core.transactions import reading, writing
from inference.vision.images.decode import decode
from inference.vision.search.region_crops import crop_region, peak_region
from inference.vision.search.vector_index import VectorIndex
from storage.tables import Image, ModelVersion, ThresholdSetting
from tests.plates import folder_settings, ingest_plates

REVIEW_AT, REJECT_AT = 30.0, 50.0
_BRIGHTNESS = 140.0  # of a good plate
_STEP_PX = 4


@dataclass(frozen=True, eq=False)
class ToyDetection:
    """What a detector says of an image, as far as an inspection asks."""

    score: float
    anomaly_map: NDArray[np.float32]
    nearest_key: str
    view_share: float = 1.0
    opinion: None = None
    places: None = None
    raised_by: float = 0.0


class ToyDetector:
    """Measures how far each place is from the brightness of a good plate, in gray levels."""

    def __init__(self, nearest_key: str) -> None:
        self._nearest_key = nearest_key

    def inspect(self, image: NDArray[np.uint8]) -> ToyDetection:
        """Inspect RGB uint8 (H, W, 3)."""
        away = np.abs(image.mean(axis=2).astype(np.float32) - _BRIGHTNESS)
        anomaly_map = cv2.blur(away, (_STEP_PX, _STEP_PX))[::_STEP_PX, ::_STEP_PX].astype(np.float32)
        return ToyDetection(float(anomaly_map.max()), anomaly_map, self._nearest_key)

    def inspect_many(self, images: Iterable[NDArray[np.uint8]]) -> Iterator[ToyDetection]:
        """Inspect one after the other."""
        return map(self.inspect, images)


class ToyEmbedder:
    """Makes a vector of how many pixels are how bright."""

    name = "toy"
    key = "toy:1"

    def embed(self, images: list[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Return a unit vector (n, 16) for each RGB uint8 image."""
        counts = [np.histogram(image.mean(axis=2), bins=16, range=(0, 256))[0] for image in images]
        vectors = np.sqrt(np.asarray(counts, np.float32))
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


class ToyModels:
    """Opens the toys for versions of the plates' product, as the cache of the process does for real ones."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._indexes: dict[str, VectorIndex] = {}
        self._derived: dict[tuple[str, str], Any] = {}

    def memory_bank(self, version: ModelVersion) -> ToyDetector:
        """Return the detector; the first normal training image is nearest to every part."""
        first = next(image.id for image in self._images("normal"))
        return ToyDetector(f"image:{first}")

    def embedder(self, name: str) -> ToyEmbedder:
        """Return the embedder, by whatever name."""
        return ToyEmbedder()

    def similarity_index(self, version: ModelVersion) -> VectorIndex:
        """Return the index of the version's part, made of the images that are there at its first use."""
        part = version.scope.rsplit(":", 1)[1]
        if part not in self._indexes:
            images = self._images(IMAGES_OF[part])
            pixels = [decode(self._services.objects.get(image.object_key)).pixels for image in images]
            if part == "region":
                pixels = [_cut_out(one) for one in pixels]
            ids = np.asarray([image.id for image in images], np.int64)
            self._indexes[part] = VectorIndex.build(ToyEmbedder().embed(pixels), ids)
        return self._indexes[part]

    def derive(self, name: str, version: ModelVersion, make: Callable[[], Any]) -> Any:
        """Return what `make` gives, made once for each part."""
        key = (name, version.scope)
        if key not in self._derived:
            self._derived[key] = make()
        return self._derived[key]

    def _images(self, image_type: str) -> list[Image]:
        with reading(self._services) as session:
            wanted = select(Image).where(Image.image_type == image_type, Image.split == "train")
            return list(session.exec(wanted.order_by(Image.id)).all())  # type: ignore[arg-type]


def _cut_out(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    anomaly_map = ToyDetector("").inspect(pixels).anomaly_map
    return crop_region(pixels, peak_region(anomaly_map, image_size_px=(pixels.shape[1], pixels.shape[0])))


def use_toy_models(services: Services) -> Services:
    """Return the services with the toys in the place of their models."""
    return replace(services, models=cast(ModelCache, ToyModels(services)))


def build_toy_folder(data_dir: Path) -> None:
    """Make a data folder with the product "plate", its images, and versions in use that are the toys."""
    services = build_services(folder_settings(data_dir), migrate=True)
    product = ingest_plates(services, data_dir.parent / "plates")
    with writing(services) as session:
        for kind in (MEMORY_BANK, SIMILARITY_INDEX):
            for part in PARTS[kind]:
                session.add(_make_version(kind, product.id, part))
        session.flush()
        bank = session.exec(select(ModelVersion).where(ModelVersion.kind == MEMORY_BANK)).one()
        session.add(
            ThresholdSetting(model_version_id=bank.id, review_at=REVIEW_AT, reject_at=REJECT_AT, method="manual")
        )
        session.commit()
    services.database.dispose()


def _make_version(kind: str, product_id: int, part: str) -> ModelVersion:
    scope = scope_of(product_id, part)
    preprocessing: dict[str, Any] = {"clahe": True} if kind == MEMORY_BANK else {}
    return ModelVersion(
        kind=kind,
        scope=scope,
        product_id=product_id,
        number=1,
        state="active",
        active_key=f"{kind}:{scope}",
        model_name=ToyEmbedder.name,
        object_prefix="models/none/",
        manifest_sha256="0" * 64,
        fingerprint="0" * 64,
        preprocessing=preprocessing,
    )
