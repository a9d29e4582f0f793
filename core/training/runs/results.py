"""What a run's network said of every validation and test image, and the maps of its failed examples."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from core.access import ENGINEER, require_role
from core.errors import AppError, NotFound, NotReady, from_lower
from core.training.runs.overview import read_run
from core.training.runs.records import ImageResult, RunResults
from storage.json_fields import read_float, read_int, read_object, read_objects, read_text, read_texts
from storage.object_store import ObjectStoreError

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services


def read_results(services: Services, person: Person, run_id: int) -> RunResults:
    """Return what was said of each image.

    Raises NotAllowed, NotFound(`run_unknown`, `object_missing`), NotReady(`run_not_finished`,
    `run_results_unreadable`), Unavailable.
    """
    run = read_run(services, person, run_id)
    if not run.result_key:
        raise NotReady("run_not_finished", number=run_id)
    data = _get(services, run.result_key)
    try:
        found = json.loads(data)
    except ValueError as error:
        raise NotReady("run_results_unreadable", number=run_id) from error
    value = read_object(found)
    return RunResults(
        run_id=read_int(value.get("run")) or run_id,
        task=read_text(value.get("task")) or run.head.task,
        labels=read_texts(value.get("labels")),
        good_labels=read_texts(value.get("good_labels")),
        threshold=read_float(value.get("threshold")) or 0.0,
        images=tuple(ImageResult.from_json(one) for one in read_objects(value.get("images"))),
    )


def read_map(services: Services, person: Person, map_key: str) -> bytes:
    """Return the map of a failed example as its gray PNG. Raises NotAllowed, NotFound, Unavailable."""
    require_role(services, person, ENGINEER)
    if not map_key.startswith("training/") or "/maps/" not in map_key:
        raise NotFound("object_missing", key=map_key)
    return _get(services, map_key)


def _get(services: Services, key: str) -> bytes:
    try:
        return services.objects.get(key)
    except ObjectStoreError as error:
        found: AppError = from_lower(error)
        raise found from error
