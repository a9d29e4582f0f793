"""Which file is which picture: read from the names, or from the order in which the pictures were taken.

Nothing is guessed: a name that does not tell part, setup and repeat is named, and a person sees the plan before
anything is stored.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from core.errors import AppError, BadInput
from core.gauge.records import Study, TrialView

_PART = re.compile(r"[_\s]+")
_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True)
class PlannedFile:
    """The file at `place` of those that were given, and the picture it is; `error` says why it is none."""

    place: int
    name: str
    trial: TrialView | None = None
    error: AppError | None = None


def plan_by_name(study: Study, names: Sequence[str]) -> list[PlannedFile]:
    """Return what each file is by its name: `part_repeat`, or `part_setup_repeat` where there are several setups.

    Underscores or blanks stand between; a part and a setup may also be told by their number. Capitals do not count.
    """
    taken: set[int] = set()
    planned = []
    for place, name in enumerate(names):
        try:
            trial = _find_trial(study, name)
            if trial.is_taken:
                raise BadInput("gauge_file_there", name=name)
            if trial.id in taken:
                raise BadInput("gauge_file_twice", name=name)
            taken.add(trial.id)
            planned.append(PlannedFile(place, name, trial))
        except AppError as error:
            planned.append(PlannedFile(place, name, error=error))
    return planned


def plan_by_order(study: Study, names: Sequence[str]) -> list[PlannedFile]:
    """Return the files in the order of their names' numbers as the pictures that are still to be taken, in that order.

    Raises nothing: what is left over when all pictures are there has an error.
    """
    missing = [trial for trial in study.trials if not trial.is_taken]
    ordered = sorted(enumerate(names), key=lambda one: natural_order(one[1]))
    return [
        PlannedFile(place, name, missing[number])
        if number < len(missing)
        else PlannedFile(place, name, error=BadInput("gauge_file_left_over", name=name))
        for number, (place, name) in enumerate(ordered)
    ]


def natural_order(name: str) -> list[tuple[int, int, str]]:
    """Return a key that sorts names as people count: 2 before 10."""
    pieces = _DIGITS.split(name.casefold())
    return [(0, int(piece), "") if piece.isdecimal() and piece.isascii() else (1, 0, piece) for piece in pieces]


def name_of(study: Study, trial: TrialView) -> str:
    """Return the name, without ending, by which a file is known as this picture."""
    part = study.parts_by_id[trial.part_id].name
    pieces = [part, str(trial.repeat_no)]
    if len(study.setups) > 1:
        pieces.insert(1, study.setups[trial.setup])
    return "_".join(pieces)


def _find_trial(study: Study, name: str) -> TrialView:
    stem = PurePosixPath(name.replace("\\", "/")).stem
    asked = _fold(stem)
    for trial in study.trials:
        if asked in _names_of(study, trial):
            return trial
    raise BadInput("gauge_file_unknown", name=name, example=name_of(study, study.trials[0]))


def _names_of(study: Study, trial: TrialView) -> set[str]:
    part = study.parts_by_id[trial.part_id]
    setups = [study.setups[trial.setup], str(trial.setup + 1)] if len(study.setups) > 1 else [None]
    # A part's number is its own only where no part is called like that.
    parts = [part.name]
    if str(part.place) not in {one.name for one in study.parts}:
        parts.append(str(part.place))
    return {
        _fold("_".join([called, *([setup] if setup is not None else []), str(trial.repeat_no)]))
        for called in parts
        for setup in setups
    }


def _fold(text: str) -> str:
    return _PART.sub("_", text.strip().casefold())
