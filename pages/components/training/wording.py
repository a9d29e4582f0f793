"""States, figures and goals of runs in the run's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core.errors import NotFound
from core.i18n import N_
from core.training.configuration.goals import FIGURE_NAMES
from core.training.recipes.registry import find_recipe
from pages.components.deployment.job_panel import JOB_STATES
from pages.components.shared.labels import label_of
from pages.components.shared.language import _, duration, escape, moment, percent
from pages.components.training.field_widgets import name_goal

if TYPE_CHECKING:
    from core.training.runs.records import GoalOutcome, RunHead

_ICONS = {
    "queued": ("gray", ":material/schedule:"),
    "running": ("blue", ":material/autorenew:"),
    "succeeded": ("green", ":material/check_circle:"),
    "failed": ("red", ":material/error:"),
    "cancelled": ("gray", ":material/block:"),
}
VERSION_STATES: dict[str, tuple[str, str]] = {
    "active": ("green", N_("In use")),
    "candidate": ("orange", N_("Waits to be put into use")),
    "retired": ("gray", N_("Not in use any more")),
}
_EARLY = N_("It ended early: no epoch was better any more.")
_IN_TIME = N_("It ended at its time limit, with the best epoch so far.")
STOPPED_FOR: dict[str, str] = {
    "time_limit": _IN_TIME,
    "time": _IN_TIME,
    "patience": _EARLY,
    "not_better_than_probe": N_(
        "Training on was no better than the probe on validation, so the probe's network was kept."
    ),
    "no_validation": N_("Without validation images nothing can be compared, so the probe's network was kept."),
}


def describe_state(head: RunHead) -> str:
    """Return the state in a word, with its icon and color."""
    color, icon = _ICONS.get(head.state, ("gray", ":material/help:"))
    return f":{color}[{icon}] **{label_of(JOB_STATES, head.state)}**"


def describe_version(head: RunHead) -> str:
    """Return whether its model is in use, as a badge; nothing without one."""
    if head.version_number is None or head.version_state not in VERSION_STATES:
        return ""
    color, words = VERSION_STATES[head.version_state]
    return f":{color}-badge[{_('Version {number}', number=head.version_number)} · {_(words)}]"


def describe_figures(head: RunHead) -> str:
    """Return the figure that the run is judged by on validation and test, empty before it is known."""
    found = []
    for value, words in ((head.test, _("test {value}")), (head.val, _("validation {value}"))):
        if value is not None:
            found.append(words.format(value=show_figure(value)))
    return f"{_(FIGURE_NAMES.get(head.figure, head.figure))} " + " · ".join(found) if found else ""


def describe_goals(head: RunHead) -> str:
    """Return how many goals are met, with a sign; empty where there are none."""
    if not head.goals:
        return ""
    met = sum(goal.met for goal in head.goals)
    sign = ":green[:material/flag:]" if head.goals_met else ":orange[:material/flag:]"
    return f"{sign} " + _("{met} of {count} goals met", met=met, count=len(head.goals))


def describe_about(head: RunHead) -> str:
    """Return number, recipe, dataset version, when and by whom, in one line."""
    parts = [
        _("Run {number}", number=head.id),
        escape(name_recipe(head.recipe)),
        escape(head.experiment),
        _("dataset version {number}", number=head.dataset_number),
        moment(head.created_at),
        _("started by {name}", name=escape(_(head.created_by_name))) if head.created_by_name else "",
        _("trained in {time}", time=duration(head.train_s)) if head.train_s else "",
    ]
    return " · ".join(part for part in parts if part)


def describe_goal(goal: GoalOutcome) -> str:
    """Return one goal with what was wanted and what was found."""
    sign = ":green[:material/check_circle:]" if goal.met else ":orange[:material/cancel:]"
    found = _("not measured") if goal.found is None else show_figure(goal.found)
    told = _(
        "{goal}: {found}, wanted {wanted}", goal=name_goal(goal.name), found=found, wanted=show_figure(goal.wanted)
    )
    return f"{sign} {escape(told)}"


def name_recipe(name: str) -> str:
    """Return what a recipe is called; its name where it is not there any more."""
    try:
        return _(find_recipe(name).title)
    except NotFound:
        return name


def name_figure(name: str) -> str:
    """Return what a figure is called; its name where this version knows no other."""
    return _(FIGURE_NAMES.get(name, name))


def show_figure(value: object) -> str:
    """Return a figure from 0 to 1 in percent, a dash for none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "–"
    return percent(float(value))


def read_figure(figures: Mapping[str, Any], name: str) -> float | None:
    """Return a figure of a row, None where it is not there or no number."""
    value = figures.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
