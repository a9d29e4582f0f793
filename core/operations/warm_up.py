"""Opening a product's models before the first part comes: reading and compiling them takes seconds, once a process."""

from __future__ import annotations

import gc
import logging
import threading

from core.deployments.kinds.registry import find_steps
from core.guidance.writer_choice import prepare_writer
from core.models.kinds import MANUAL_INDEX, TRAINED_MODEL
from core.registry.versions import active_versions
from core.services import Services
from core.transactions import reading
from inference.errors import InferenceError
from storage.object_store import ObjectStoreError
from storage.tables import ModelVersion

logger = logging.getLogger(__name__)

_STARTED: set[tuple[int, str]] = set()
_LOCK = threading.Lock()


def warm_up(services: Services, product_id: int) -> threading.Thread | None:
    """Open the product's active models in the background; None when that was begun before, or there are none.

    An inspection that comes meanwhile waits for the same opening and does not begin a second one. What fails here is
    only logged: the inspection meets it again, and says so.
    """
    with reading(services) as session:
        versions = active_versions(session, product_id)
    with _LOCK:
        # Of this process's very cache: tests and tools may hold several.
        new = [version for version in versions if (id(services.models), version.manifest_sha256) not in _STARTED]
        _STARTED.update((id(services.models), version.manifest_sha256) for version in new)
    if not new:
        return None
    thread = threading.Thread(target=_open, args=(services, new), name="warm-up", daemon=True)
    thread.start()
    return thread


def _open(services: Services, versions: list[ModelVersion]) -> None:
    for version in versions:
        try:
            if version.kind == MANUAL_INDEX:
                prepare_writer(services)
            if version.kind == TRAINED_MODEL:
                services.models.trained_network(version)
            else:
                find_steps(version.kind).open(services.models, version)
        except (InferenceError, ObjectStoreError) as error:
            logger.warning("could not open version %s ahead of time: %s", version.id, error.code)
    _spare_the_collector()


def _spare_the_collector() -> None:
    """Take all that is there now out of the sight of the garbage collector, which looks at the rest alone.

    The libraries and models stay for good, and Streamlit collects after each run of a page: 80 ms with them, nothing
    without. What has become garbage since the last time is collected first.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
