"""Starting a training run, and saying beforehand what it will take."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from core.access import ENGINEER, require_role
from core.audit import record
from core.errors import from_lower
from core.files.file_names import strip_control
from core.jobs import queue
from core.jobs.records import JobPayload
from core.jobs.terms import TRAINING
from core.tracking.events import note_event
from core.training.configuration.defaults import starting_values
from core.training.configuration.hashing import hash_configuration
from core.training.configuration.naming import name_run
from core.training.recipes.opening import open_recipe
from core.training.runs.preparing import PreparedRun, list_warnings, open_context, prepare_run, refuse_memory
from core.training.runs.records import MAX_ATTEMPTS, PRIORITY, RunEstimate
from core.transactions import writing
from inference.errors import InferenceError
from storage.object_store import ObjectStoreError
from storage.tables import TrainingRun

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services
    from core.training.configuration.records import RunConfiguration
    from inference.vision.learning.recipes.contract import TrainingCost

LONGEST_NAME = 190


def start_run(services: Services, person: Person, configuration: RunConfiguration) -> int:
    """Queue a training; return the id of its run.

    The configuration is stored with the product's code and the number of the dataset version: the one that it names,
    else the newest that is whole, else a new one of the product's images. Whether there is memory for it is looked at
    by the worker, which times a few steps first. Raises NotAllowed, and as `prepare_run`.
    """
    require_role(services, person, ENGINEER)
    run = prepare_run(services, person, configuration)
    named = run.configuration
    with writing(services) as session:
        job_id = queue.add_job(
            session,
            person,
            kind=TRAINING,
            payload=JobPayload((run.product.id,)),
            max_attempts=MAX_ATTEMPTS,
            priority=PRIORITY,
            dataset=run.head.number,
            recipe=named.model.recipe,
        )
        row = TrainingRun(
            product_id=run.product.id,
            dataset_version_id=run.head.id,
            view=named.data.view,
            job_id=job_id,
            name=_clean(name_run(named)),
            experiment=_clean(named.experiment),
            task=named.task,
            recipe=named.model.recipe,
            seed=named.seed,
            configuration=named.to_json(),
            config_hash=hash_configuration(named),
            created_by=person.id,
        )
        session.add(row)
        session.flush()
        record(session, person, "training.start", "training_run", row.id, product=run.product.code, name=row.name)
        payload = {
            "configuration": row.configuration,
            "dataset": {"number": run.head.number, "hash": run.head.content_hash},
            "product": run.product.code,
        }
        note_event(session, row.id, "started", payload)
        found = row.id
        session.commit()
    return found


def estimate_run(services: Services, person: Person, configuration: RunConfiguration) -> RunEstimate:
    """Return what a training will take on this machine: a few of its steps are timed, which takes some seconds.

    Nothing is started; a product without a dataset version gets its first one, as by `start_run`. Raises NotAllowed,
    NotReady(`run_memory_limit`, `memory_too_small`) for what does not fit, what the recipe raises as AppError, and as
    `prepare_run`.
    """
    require_role(services, person, ENGINEER)
    run = prepare_run(services, person, configuration)
    cost = measure_cost(services, run)
    refusal = refuse_memory(services, run.configuration, cost)
    if refusal is not None:
        raise refusal
    return make_estimate(run, cost)


def measure_cost(services: Services, run: PreparedRun) -> TrainingCost:
    """Return what the recipe says after a few of its steps. Raises AppError."""
    context = open_context(services, run.configuration, run.spec)
    try:
        cost = open_recipe(services, run.configuration, run.spec).estimate(run.learned.examples, run.settings, context)
    except (InferenceError, ObjectStoreError, MemoryError, OSError) as error:
        raise from_lower(error) from error
    return replace(cost, ignored=tuple(name for name in cost.ignored if _is_chosen(run.configuration, name)))


def make_estimate(run: PreparedRun, cost: TrainingCost) -> RunEstimate:
    """Return what is said of a run before it starts."""
    return RunEstimate(
        dataset_id=run.head.id,
        dataset_number=run.head.number,
        labels=run.learned.examples.labels,
        images=run.learned.count(),
        epochs=cost.epochs,
        seconds=round(cost.seconds, 2),
        memory_bytes=cost.memory_bytes,
        measured=cost.measured,
        ignored=cost.ignored,
        left_out=tuple(one.to_json() for one in run.learned.chosen.left_out),
        warnings=list_warnings(run, cost),
    )


def _is_chosen(configuration: RunConfiguration, name: str) -> bool:
    """Return whether a setting, `section.field`, differs from what its recipe begins with, which nobody chose."""
    section, _, field = name.partition(".")
    begins = starting_values(configuration.model.recipe, section)
    return field not in begins or getattr(getattr(configuration, section), field) != begins[field]


def _clean(name: str) -> str:
    return strip_control(" ".join(name.split()))[:LONGEST_NAME]
