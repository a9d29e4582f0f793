"""Trying a model before it is chosen: it is really built from a few of a product's images and asked about one."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.access import ENGINEER, require_role
from core.catalog.names import spoken_name
from core.errors import NotFound, NotReady, from_lower
from core.images.bit_depth import Reading, Window, get_bit_depth
from core.images.training import key_of, load_pixels, training_rows
from core.models.options import DETECTION, ModelOption, check_options, find_option
from core.models.weight_paths import find_added
from core.transactions import reading
from inference.errors import InferenceError
from inference.vision.detection.registry import find_detector
from storage.objects import ObjectStoreError
from storage.tables import Image, Product

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.access import Person
    from core.services import Services

MAX_IMAGES = 8
_REPEATS = 5


@dataclass(frozen=True)
class Trial:
    """What came of it: `start_s` from nothing to a model of `n_images`, `image_ms` (median) for each image after that.

    `score` is that of the image `image_name`, None for a similarity model. `runtime` is what computed it.
    """

    option: ModelOption
    runtime: str
    n_images: int
    image_name: str
    start_s: float
    image_ms: float
    score: float | None


def try_model(
    services: Services, person: Person, *, name: str, options: Mapping[str, Any], product_id: int, view: str = ""
) -> Trial:
    """Build the model from a few normal images (of one view) and time it on one of them. Nothing is stored.

    Raises NotAllowed, NotFound(`model_unknown`, `not_found`), BadInput(`model_option_…`),
    NotReady(`model_trial_without_images`) and what the engine and the object store report.
    """
    require_role(services, person, ENGINEER)
    option = find_option(name)
    if option is None:
        raise NotFound("model_unknown", name=name)
    checked = check_options(option, options)
    with reading(services) as session:
        product = session.get(Product, product_id)
        rows = training_rows(session, product_id, "normal", view)[:MAX_IMAGES]
    if product is None:
        raise NotFound("not_found")
    if not rows:
        raise NotReady("model_trial_without_images", product=spoken_name(product))
    try:
        depth = get_bit_depth(services, product_id, view)
        pixels = load_pixels(services, rows[-1], bit_depth=depth)
        services.models.keep_graphs()
        if option.purpose == DETECTION:
            return _try_detector(services, option, checked, rows, pixels, depth)
        return _try_embedder(services, option, rows[-1], pixels)
    except (InferenceError, ObjectStoreError) as error:
        raise from_lower(error, **({"name": option.network_title} if _names_weights(error) else {})) from error


def _names_weights(error: Exception) -> bool:
    return str(getattr(error, "code", "")).startswith("backbone_weights")


def _try_detector(
    services: Services,
    option: ModelOption,
    options: dict[str, int],
    rows: list[Image],
    pixels: NDArray[np.uint8],
    depth: Reading,
) -> Trial:
    from inference.vision.detection.detector import Detector, Features, ImageSource
    from inference.vision.images.preprocessing import Preprocessing

    def source(row: Image) -> ImageSource:
        return ImageSource(key_of(row), lambda: load_pixels(services, row, bit_depth=depth))

    weights = find_added(services.settings.weights_dir, option.backbone)
    spec = find_detector(option.method)
    config = spec.make_config(
        backbone=option.backbone,
        preprocessing=Preprocessing(window=depth) if isinstance(depth, Window) else Preprocessing(bit_depth=depth),
        memory_budget_bytes=services.settings.memory_budget_bytes,
        options=options,
    )
    started = time.perf_counter()
    taken: Features = spec.extract(
        [source(row) for row in rows], config, device=services.models.device, weights=weights
    )
    model: Detector = spec.fit(taken, weights=weights)
    start_s = time.perf_counter() - started
    times_ms: list[float] = []
    score = 0.0
    for _ in range(_REPEATS):
        started = time.perf_counter()
        score = model.inspect(pixels).score
        times_ms.append((time.perf_counter() - started) * 1000.0)
    return Trial(
        option=option,
        runtime=model.runtime_name,
        n_images=len(taken.keys),
        image_name=rows[-1].stored_name,
        start_s=start_s,
        image_ms=statistics.median(times_ms),
        score=score,
    )


def _try_embedder(services: Services, option: ModelOption, row: Image, pixels: NDArray[np.uint8]) -> Trial:
    started = time.perf_counter()
    embedder = services.models.embedder(option.name)
    embedder.embed([pixels])
    start_s = time.perf_counter() - started
    times_ms: list[float] = []
    for _ in range(_REPEATS):
        started = time.perf_counter()
        embedder.embed([pixels])
        times_ms.append((time.perf_counter() - started) * 1000.0)
    return Trial(
        option=option,
        runtime=embedder.runtime_name,
        n_images=1,
        image_name=row.stored_name,
        start_s=start_s,
        image_ms=statistics.median(times_ms),
        score=None,
    )
