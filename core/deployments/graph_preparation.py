"""Converting the chosen models' networks ahead of the first build, beside whatever else a first start has to do.

The first conversion on a machine imports torch, which takes most of a minute where nothing is compiled or cached yet.
What is converted stays on disk, and every later process opens it without torch. While torch is here it also scores
the reference image of a small model, so that the first real one need not ask it again (`runtime_check`).
"""

from __future__ import annotations

import logging
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from core.errors import AppError, from_lower
from core.models.kinds import MEMORY_BANK
from core.models.options import DETECTION, SIMILARITY
from core.models.weight_paths import find_added
from core.registry.choices import Choice, chosen
from core.services import Services
from core.transactions import reading
from inference.errors import InferenceError
from inference.vision.detection.registry import find_detector

logger = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[2]
SIDE_PX = 64
IMAGE_COUNT = 3


def start_preparing() -> subprocess.Popen[bytes]:
    """Start `python -m core prepare` and return its process, which has to end before a build begins."""
    command = [sys.executable, "-m", "core", "prepare"]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL)  # noqa: S603 - our own interpreter


def prepare(services: Services) -> list[AppError]:
    """Convert what is not converted yet; return what failed. A build meets that again, and says so in its place."""
    with reading(services) as session:
        detection, similarity = chosen(session, DETECTION), chosen(session, SIMILARITY)
    services.models.keep_graphs()
    failed = []
    for prepare_one, choice in ((_prepare_detection, detection), (_prepare_similarity, similarity)):
        try:
            prepare_one(services, choice)
        except InferenceError as error:
            logger.warning("could not prepare %s: %s", choice.option.name, error.code)
            failed.append(from_lower(error))
    return failed


def _prepare_detection(services: Services, choice: Choice) -> None:
    import numpy as np

    from inference.artifact import read_bundle
    from inference.vision.detection.detector import Detector, ImageSource
    from inference.vision.images.preprocessing import Preprocessing

    spec = find_detector(choice.option.method)
    config = spec.make_config(
        backbone=choice.option.backbone,
        preprocessing=Preprocessing(),
        memory_budget_bytes=services.settings.memory_budget_bytes,
        options=choice.options,
    )
    # Square images: another shape of a product's images needs a graph of its own, which its build converts.
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (IMAGE_COUNT, SIDE_PX, SIDE_PX, 3), np.uint8)
    sources = [ImageSource(str(place), partial(images.__getitem__, place)) for place in range(IMAGE_COUNT)]
    weights = find_added(services.settings.weights_dir, choice.option.backbone)
    features = spec.extract(sources, config, device=services.models.device, weights=weights)
    model: Detector = spec.fit(features, weights=weights)
    with tempfile.TemporaryDirectory(prefix="geomsa-prepare-") as folder:
        manifest = model.save(Path(folder) / "model")
        bundle = read_bundle(Path(folder) / "model", kind=MEMORY_BANK, manifest_sha256=manifest.sha256)
        services.models.check_runtimes(model, bundle)


def _prepare_similarity(services: Services, choice: Choice) -> None:
    import numpy as np

    services.models.embedder(choice.option.name).embed([np.full((SIDE_PX, SIDE_PX, 3), 128, np.uint8)])
