"""Two to six runs side by side: settings that differ, curves, figures, classes, and the images they disagree on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from core.access import ENGINEER, require_role
from core.errors import AppError, BadInput
from core.jobs.stored_error import StoredError
from core.training.configuration.differences import Difference, find_differences
from core.training.configuration.reading import read_configuration
from core.training.experiments.figures import FigureRow, measure
from core.training.runs.overview import read_epochs, read_run
from core.training.runs.results import read_results
from storage.json_fields import read_float, read_int, read_object

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services
    from core.training.runs.records import EpochRow, ImageResult, RunResults, RunView

LEAST_RUNS, MOST_RUNS = 2, 6
SPLITS = ("test", "val")


@dataclass(frozen=True)
class ClassRow:
    """One class: how many images it has in each run, and its F1 (IoU, average precision) there; None where unknown."""

    label: str
    counts: tuple[int | None, ...]
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class ComparedImage:
    """One image that all runs were measured on, and what each said of it, in the order of the runs."""

    image_id: int
    truth: str
    part: str
    domain: str
    said: tuple[ImageResult, ...]

    @property
    def differs(self) -> bool:
        """Return whether the runs do not say the same of it."""
        return len({(one.named, one.right, bool(one.error)) for one in self.said}) > 1

    @property
    def is_divided(self) -> bool:
        """Return whether some runs are right and others wrong."""
        return len({one.right for one in self.said}) > 1


@dataclass(frozen=True)
class SideBySide:
    """Runs beside each other on one split.

    `figures` and `images` are over the images that all of them were measured on; `n_own` is how many each run was
    measured on by itself. `problems` says of each run why nothing is known of its images, None where it is.
    """

    split: str
    runs: tuple[RunView, ...]
    epochs: tuple[tuple[EpochRow, ...], ...]
    settings: tuple[Difference, ...]
    unreadable: tuple[int, ...]
    figures: tuple[FigureRow, ...]
    classes: tuple[ClassRow, ...]
    images: tuple[ComparedImage, ...] = field(repr=False)
    n_own: tuple[int, ...]
    problems: tuple[StoredError | None, ...]

    @property
    def task(self) -> str:
        """Return the task of the runs."""
        return self.runs[0].head.task

    @property
    def same_images(self) -> bool:
        """Return whether every run was measured on just these images."""
        return all(own == len(self.images) for own in self.n_own)

    @property
    def differing(self) -> tuple[ComparedImage, ...]:
        """Return the images on which the runs differ: first those that some have right, by number."""
        found = [one for one in self.images if one.differs]
        return tuple(sorted(found, key=lambda one: (not one.is_divided, one.image_id)))


def compare_runs(services: Services, person: Person, run_ids: Sequence[int], *, split: str = "test") -> SideBySide:
    """Return two to six runs of one product and task side by side; the first is what the others are compared with.

    Raises NotAllowed, NotFound run_unknown, BadInput experiments_count, experiments_split, experiments_products,
    experiments_tasks. A run whose results cannot be read stays, without its images.
    """
    require_role(services, person, ENGINEER)
    wanted = list(dict.fromkeys(run_ids))
    if not LEAST_RUNS <= len(wanted) <= MOST_RUNS:
        raise BadInput("experiments_count", count=len(wanted), least=LEAST_RUNS, most=MOST_RUNS)
    if split not in SPLITS:
        raise BadInput("experiments_split", split=split, choices=", ".join(SPLITS))
    runs = tuple(read_run(services, person, number) for number in wanted)
    if len({run.head.product.id for run in runs}) > 1:
        raise BadInput("experiments_products")
    if len({run.head.task for run in runs}) > 1:
        raise BadInput("experiments_tasks")
    settings, unreadable = _compare_settings(runs)
    results, problems = _read_all(services, person, runs)
    images = _common(results, split)
    good = next((one.good_labels for one in results if one is not None), ())
    said = [[image.said[place] for image in images] for place in range(len(runs))] if images else []
    return SideBySide(
        split=split,
        runs=runs,
        epochs=tuple(tuple(read_epochs(services, person, number)) for number in wanted),
        settings=settings,
        unreadable=unreadable,
        figures=measure(runs[0].head.task, said, good) if said else (),
        classes=_list_classes(runs, split),
        images=images,
        n_own=tuple(0 if one is None else len(one.of(split)) for one in results),
        problems=problems,
    )


def _compare_settings(runs: Sequence[RunView]) -> tuple[tuple[Difference, ...], tuple[int, ...]]:
    """Return what the configurations differ in, and the runs whose configuration this version cannot read."""
    read, unreadable = [], []
    for run in runs:
        try:
            read.append(read_configuration(run.configuration))
        except AppError:
            unreadable.append(run.head.id)
    return (() if unreadable else find_differences(read)), tuple(unreadable)


def _read_all(
    services: Services, person: Person, runs: Sequence[RunView]
) -> tuple[list[RunResults | None], tuple[StoredError | None, ...]]:
    found: list[RunResults | None] = []
    problems: list[StoredError | None] = []
    for run in runs:
        try:
            found.append(read_results(services, person, run.head.id))
            problems.append(None)
        except AppError as error:
            found.append(None)
            problems.append(StoredError.from_error(error))
    return found, tuple(problems)


def _common(results: Sequence[RunResults | None], split: str) -> tuple[ComparedImage, ...]:
    """Return the images of a split that every run was measured on with the same truth; none where one is unknown."""
    by_run = [{one.image_id: one for one in found.of(split)} if found is not None else {} for found in results]
    made = []
    for image_id, first in by_run[0].items():
        said = tuple(own[image_id] for own in by_run if image_id in own)
        # An image that was labeled anew between two dataset versions is no longer the same question.
        if len(said) == len(by_run) and all(one.truth == first.truth for one in said):
            made.append(ComparedImage(image_id, first.truth, first.part, first.domain, said))
    return tuple(made)


def _list_classes(runs: Sequence[RunView], split: str) -> tuple[ClassRow, ...]:
    tables = [read_object(read_object(run.test if split == "test" else run.val).get("per_class")) for run in runs]
    labels = list(dict.fromkeys(label for table in tables for label in table))
    rows = []
    for label in labels:
        own = [read_object(table.get(label)) for table in tables]
        rows.append(ClassRow(label, tuple(read_int(one.get("n")) for one in own), tuple(_value(one) for one in own)))
    return tuple(rows)


def _value(figures: Mapping[str, Any]) -> float | None:
    """Return the one figure of a class: F1, IoU, or average precision at an overlap of one half."""
    for name in ("f1", "iou", "ap50", "map50"):
        if (found := read_float(figures.get(name))) is not None:
            return found
    return None
