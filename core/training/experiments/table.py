"""The table of runs: filtered by the database, seeds of the same configuration as one line."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlmodel import col, select

from core.access import ENGINEER, require_role
from core.errors import AppError
from core.training.configuration.hashing import hash_configuration
from core.training.configuration.reading import read_configuration
from core.training.runs.overview import list_runs
from core.transactions import HasDatabase, reading
from storage.tables import TrainingRun, User

if TYPE_CHECKING:
    from core.access import Person
    from core.training.runs.records import RunHead


@dataclass(frozen=True)
class TableFilter:
    """Which runs are wanted; None stands for all. `states` are those of their jobs, all where empty."""

    product_id: int | None = None
    experiment: str | None = None
    recipe: str | None = None
    task: str | None = None
    states: tuple[str, ...] = ()
    person_id: int | None = None


@dataclass(frozen=True)
class Choices:
    """What the filters can be set to: names of experiments, recipes, tasks, and who started runs."""

    experiments: tuple[str, ...]
    recipes: tuple[str, ...]
    tasks: tuple[str, ...]
    people: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Spread:
    """The mean of a figure over runs, and its standard deviation (None for one run)."""

    mean: float
    deviation: float | None
    count: int


@dataclass(frozen=True)
class RunGroup:
    """Runs of the same configuration on the same images that differ by their seed alone, the newest first."""

    runs: tuple[RunHead, ...]

    @property
    def best(self) -> RunHead:
        """Return the run that is best on validation: the test images are not what anything is chosen by."""
        return max(self.runs, key=lambda run: (run.val is not None, run.val or 0.0, run.id))

    @property
    def val(self) -> Spread | None:
        """Return mean and spread of the figure of validation."""
        return spread_of(run.val for run in self.runs)

    @property
    def test(self) -> Spread | None:
        """Return mean and spread of the figure of the test images."""
        return spread_of(run.test for run in self.runs)


def read_choices(services: HasDatabase, person: Person, product_id: int | None) -> Choices:
    """Return what the runs of a product, or all runs, can be filtered by. Raises NotAllowed."""
    require_role(services, person, ENGINEER)

    def distinct(column: Any) -> tuple[str, ...]:
        query = select(column).distinct().order_by(column)
        if product_id is not None:
            query = query.where(TrainingRun.product_id == product_id)
        return tuple(found for found in session.exec(query).all() if found)

    with reading(services) as session:
        experiments, recipes, tasks = (
            distinct(column) for column in (TrainingRun.experiment, TrainingRun.recipe, TrainingRun.task)
        )
        people = select(User.id, User.display_name).join(TrainingRun, col(TrainingRun.created_by) == col(User.id))
        if product_id is not None:
            people = people.where(TrainingRun.product_id == product_id)
        found = session.exec(people.distinct().order_by(col(User.display_name))).all()
    return Choices(experiments, recipes, tasks, tuple((int(number), name) for number, name in found))


def list_table(services: HasDatabase, person: Person, wanted: TableFilter, *, limit: int = 100) -> list[RunHead]:
    """Return the newest runs that a filter leaves. Raises NotAllowed."""
    return list_runs(
        services,
        person,
        product_id=wanted.product_id,
        experiment=wanted.experiment,
        task=wanted.task,
        states=wanted.states,
        recipe=wanted.recipe,
        person_id=wanted.person_id,
        limit=limit,
    )


def group_seeds(services: HasDatabase, person: Person, heads: Sequence[RunHead]) -> list[RunGroup]:
    """Return runs in groups: those of the same configuration on the same images, whatever their seed and name.

    The order is that of the newest run of each. Raises NotAllowed.
    """
    require_role(services, person, ENGINEER)
    query = select(TrainingRun.id, TrainingRun.configuration).where(col(TrainingRun.id).in_([one.id for one in heads]))
    with reading(services) as session:
        configurations = dict(session.exec(query).all())
    groups: dict[tuple[int, str], list[RunHead]] = {}
    for head in heads:
        key = (head.dataset_id, _seedless(configurations.get(head.id), head))
        groups.setdefault(key, []).append(head)
    return [RunGroup(tuple(found)) for found in groups.values()]


def spread_of(values: Iterable[float | None]) -> Spread | None:
    """Return mean and sample standard deviation of the figures that are known, None without one."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    return Spread(statistics.fmean(known), statistics.stdev(known) if len(known) > 1 else None, len(known))


def _seedless(configuration: Mapping[str, Any] | None, head: RunHead) -> str:
    try:
        read = read_configuration(configuration or {})
    except AppError:
        # One that an earlier version wrote, and this one cannot read, stands for itself.
        return f"run {head.id}"
    return hash_configuration(replace(read, seed=0))
