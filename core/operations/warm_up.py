"""Opening a product's models before the first part comes: reading and compiling them takes seconds, once a process."""

from __future__ import annotations

import logging
import threading

from core.guidance.writer_choice import prepare_writer
from core.models.kinds import MANUAL_INDEX, MEMORY_BANK, SIMILARITY_INDEX
from core.registry.versions import PARTS, active_version
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
        bank = active_version(session, MEMORY_BANK, product_id)
        found = [active_version(session, SIMILARITY_INDEX, product_id, part) for part in PARTS[SIMILARITY_INDEX]]
        manuals = active_version(session, MANUAL_INDEX, product_id)
    versions = [version for version in (bank, *found, manuals) if version is not None]
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
            if version.kind == MEMORY_BANK:
                services.models.memory_bank(version)
            elif version.kind == MANUAL_INDEX:
                services.models.manual_index(version)
            else:
                services.models.similarity_index(version)
                services.models.embedder(version.model_name)
        except (InferenceError, ObjectStoreError) as error:
            logger.warning("could not open version %s ahead of time: %s", version.id, error.code)
