"""Where the objects of a run and its work in progress lie."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlmodel import col, select

from core.errors import from_lower
from core.identity import TRAINING_FOLDER
from core.transactions import HasStores, reading
from storage.object_store import ObjectStoreError
from storage.tables import TrainingRun

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.services import Services
    from core.training.runs.records import ImageResult

logger = logging.getLogger(__name__)

# Maps are kept in so many pixels on the longer side: enough to look at.
_LONGEST_PX = 160
RESULT_NAME, CHECKPOINT_NAME = "results.json", "last.safetensors"


def folder_of(run_id: int) -> str:
    """Return what the keys of all objects of a run begin with, but for its bundle."""
    return f"{TRAINING_FOLDER}{run_id}/"


def scratch_folder(services: Services, run_id: int) -> Path:
    """Return where a run keeps what it goes on from: the same for every try at it on this machine."""
    return services.settings.cache_dir / "training_runs" / str(run_id)


def put_object(services: HasStores, key: str, data: bytes, content_type: str) -> None:
    """Store an object. Raises AppError of a store that fails."""
    try:
        services.objects.put(key, data, content_type=content_type)
    except ObjectStoreError as error:
        raise from_lower(error) from error


def put_map(services: HasStores, run_id: int, image_id: int, values: NDArray[Any]) -> str:
    """Store a map, float H×W, as a gray PNG; return its key. The same name at every try. Raises AppError."""
    import cv2
    import numpy as np

    from inference.vision.images.encoding import encode_map

    if values.ndim != 2 or not values.size or not np.isfinite(values).all():
        return ""
    scale = _LONGEST_PX / max(values.shape)
    if scale < 1.0:
        size = (max(1, round(values.shape[1] * scale)), max(1, round(values.shape[0] * scale)))
        values = cv2.resize(values.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    key = f"{folder_of(run_id)}maps/{image_id}.png"
    put_object(services, key, encode_map(np.asarray(values, np.float32)), "image/png")
    return key


def put_results(services: HasStores, run_id: int, about: dict[str, Any], images: Sequence[ImageResult]) -> str:
    """Store what the network said of every image as one JSON file; return its key. Raises AppError."""
    key = f"{folder_of(run_id)}{RESULT_NAME}"
    value = {"run": run_id, **about, "images": [image.to_json() for image in images]}
    data = json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    put_object(services, key, data, "application/json")
    return key


def discard_scratch(services: Services) -> int:
    """Delete what runs left in the cache of this machine that are gone or have succeeded; return how many.

    What a failed or canceled run left stays: a person may let it go on. Raises AppError when the database fails.
    """
    folders = {path.name: path for path in (services.settings.cache_dir / "training_runs").glob("*")}
    numbers = [int(name) for name in folders if name.isdecimal()]
    if not numbers:
        return 0
    query = select(TrainingRun.id).where(col(TrainingRun.id).in_(numbers), col(TrainingRun.finished_at).is_(None))
    with reading(services) as session:
        wanted = {str(number) for number in session.exec(query).all()}
    gone = [path for name, path in folders.items() if name not in wanted]
    for path in gone:
        shutil.rmtree(path, ignore_errors=True)
    return len(gone)
