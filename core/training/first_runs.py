"""The experiment that the demo's pills begin with: the probe at three input sizes, worked off in the background.

One of them is put into use by itself once it has ended and nothing speaks against it; every further one is a person's
choice.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlmodel import select

from core.access import ENGINEER, SYSTEM, Person, as_person, require_role
from core.catalog.products import get_product
from core.errors import AppError
from core.models.kinds import TRAINED_MODEL
from core.registry.versions import active_version
from core.training.configuration.defaults import with_recipe_defaults
from core.training.runs.control import activate_run
from core.training.runs.overview import list_runs, read_run
from core.training.runs.starting import start_run
from core.transactions import HasDatabase, reading, writing
from storage.tables import SystemConfig, TrainingRun, User

if TYPE_CHECKING:
    from core.services import Services
    from core.training.configuration.records import RunConfiguration

EXPERIMENT = "pills"
# Width and height of the input in pixels; the run of the first is the one that is put into use.
SIZES_PX = (256, 192, 320)
_log = logging.getLogger("geomsa.training")


def start_first_runs(
    services: Services, person: Person, product_id: int, configurations: Sequence[RunConfiguration] | None = None
) -> list[int]:
    """Queue the first experiment of a product; return the ids of its runs, none where there was a run already.

    The first of the `configurations` (`first_configurations` where none are given) is that of the model which goes into
    use. Raises as `start_run`.
    """
    require_role(services, person, ENGINEER)
    if list_runs(services, person, product_id=product_id):
        return []
    code = get_product(services, product_id).code
    wanted = first_configurations(code) if configurations is None else configurations
    found = [start_run(services, person, configuration) for configuration in wanted]
    with writing(services) as session:
        session.merge(SystemConfig(key=_key(product_id), value={"run": found[0]}, updated_by=person.id))
        session.commit()
    return found


def first_configurations(product_code: str) -> tuple[RunConfiguration, ...]:
    """Return the configurations of the experiment: the recipe's defaults, at one input size after the other."""
    usual = with_recipe_defaults("probe", product_code)
    return tuple(
        replace(usual, experiment=EXPERIMENT, input=replace(usual.input, width_px=size, height_px=size))
        for size in SIZES_PX
    )


def put_first_run_into_use(services: Services, job_id: int) -> bool:
    """Put the model of a job's run into use, where it is the one that the demo waits for and nothing speaks against it.

    Called by the worker after a run has succeeded; a failure here is logged, for the run itself is done. Returns
    whether it was put into use.
    """
    with reading(services) as session:
        run = session.exec(select(TrainingRun).where(TrainingRun.job_id == job_id)).first()
        marker = None if run is None else session.get(SystemConfig, _key(run.product_id))
        if run is None or marker is None or marker.value.get("run") != run.id:
            return False
        user = session.get(User, run.created_by) if run.created_by is not None else None
        in_use = active_version(session, TRAINED_MODEL, run.product_id, "", run.view)
    done = False
    if user is not None and in_use is None:
        person = as_person(user).acting(SYSTEM)
        try:
            if not read_run(services, person, run.id).reasons:
                activate_run(services, person, run.id)
                done = True
        except AppError as error:
            _log.warning("the demo's first trained model is not put into use: %s", error.code)
    _forget(services, run.product_id)
    return done


def _forget(services: HasDatabase, product_id: int) -> None:
    with writing(services) as session:
        marker = session.get(SystemConfig, _key(product_id))
        if marker is not None:
            session.delete(marker)
            session.commit()


def _key(product_id: int) -> str:
    return f"first_runs.{product_id}"
