"""Asking a trained network about one image, at once: a finished run needs nothing else."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.access import WORKER, require_role
from core.errors import from_lower
from core.methods.trained_networks import load_network
from core.model_exports.making import read_class_words
from core.model_exports.sources import NetworkSource, find_source
from inference.errors import InferenceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.access import Person
    from core.services import Services
    from inference.vision.comparison.predictions import Prediction
    from inference.vision.learning.export.documents import ClassWords


@dataclass(frozen=True)
class NetworkPrediction:
    """What a trained network said of an image. `named` is its likeliest label, empty where a detector found nothing.

    `is_defect` is by the network's own threshold; `image_size_px` is (width, height). `ms` is from bytes to prediction.
    """

    source: NetworkSource = field(repr=False)
    classes: tuple[ClassWords, ...] = field(repr=False)
    named: str
    is_defect: bool
    threshold: float
    prediction: Prediction = field(repr=False)
    image_size_px: tuple[int, int]
    ms: float


def ask_network(
    services: Services, person: Person, reference: str, read: Callable[[], bytes], *, file_name: str = ""
) -> NetworkPrediction:
    """Return what a network, `7` or `run:12`, says of an image file.

    Nothing is stored. Raises NotAllowed; NotFound and NotReady as `find_source`; BadInput for a file that is no image;
    NotReady for a network that cannot be loaded; Unavailable.
    """
    from inference.vision.images.decode import decode

    require_role(services, person, WORKER)
    source = find_source(services, reference)
    method = load_network(services, source.stored)
    description = method.description
    begun = time.perf_counter()
    try:
        # As the network was trained: by the content, whatever the file is called.
        pixels = decode(read(), bit_depth=description.preprocessing.reading).pixels
        (prediction,) = method.predict([pixels])
        if prediction.error is not None:
            raise prediction.error
    except InferenceError as error:
        raise from_lower(error, name=file_name or "image") from error
    ms = (time.perf_counter() - begun) * 1000.0
    score = prediction.score or 0.0
    if description.task == "classification":
        shares = prediction.class_probabilities
        named = max(shares, key=lambda label: shares[label], default="")
    else:
        named = prediction.boxes[0].label if prediction.boxes else ""
    classes = read_class_words(services, source, description.labels, description.good_labels)
    return NetworkPrediction(
        source,
        tuple(classes),
        named,
        score >= description.threshold,
        description.threshold,
        prediction,
        (int(pixels.shape[1]), int(pixels.shape[0])),
        ms,
    )
