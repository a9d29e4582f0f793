"""Training in the terminal: checked, queued, waited for, with its figures and goals at the end."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.accounts import people
from core.cli.job_following import follow
from core.cli.terminal import language, to_json, write_note, write_out
from core.cli.training.tracking import send_what_waits
from core.errors import BadInput, describe
from core.models.judgment_words import reason_sentence
from core.services import Services, build_services
from core.training.configuration.defaults import with_recipe_defaults
from core.training.configuration.reading import read_configuration
from core.training.configuration.yaml_text import parse_configuration
from core.training.runs.overview import describe_end, read_run
from core.training.runs.starting import estimate_run, start_run

if TYPE_CHECKING:
    from core.access import Person
    from core.training.configuration.records import RunConfiguration
    from core.training.runs.records import RunEstimate, RunView

GOALS_MISSED = 3


def train(wanted: argparse.Namespace) -> int:
    """Train what a file describes, or say what it would take; return the exit status."""
    services = build_services()
    person = people.command_line_person(services)
    configuration = change_configuration(parse_configuration(read_text(wanted.file)), wanted.changes)
    if wanted.check:
        _tell_estimate(estimate_run(services, person, configuration), as_json=wanted.json)
        return 0
    run_id = start_run(services, person, configuration)
    if wanted.no_wait:
        started = read_run(services, person, run_id)
        queued = {"run": run_id, "job": started.head.job_id}
        write_out(to_json(queued) if wanted.json else f"{run_id}")
        return 0
    return follow_run(services, person, run_id, as_json=wanted.json)


def follow_run(services: Services, person: Person, run_id: int, *, as_json: bool) -> int:
    """Wait for the end of a run, and say what came of it; return the exit status."""
    started = read_run(services, person, run_id)
    if started.head.job_id is not None:
        job = follow(services, [started.head.job_id], language=language())[0]
        if job.state != "succeeded":
            if job.error is not None:
                raise job.error
            write_note(describe("run_canceled", {}, language()))
            return 1
    run = read_run(services, person, run_id)
    write_out(to_json(describe_end(run)) if as_json else _describe(run))
    _tell_reasons(run)
    # Where no worker keeps running, nobody else would tell the tracking store of it.
    send_what_waits(services)
    missed = [goal.name for goal in run.head.goals if not goal.met]
    if missed:
        write_note(describe("run_goals_not_met", {"goals": ", ".join(missed)}, language()))
    return GOALS_MISSED if missed else 0


def read_text(path: Path) -> str:
    """Return what a file says. Raises BadInput run_file_unreadable."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput("run_file_unreadable", file_name=str(path)) from error


def change_configuration(configuration: RunConfiguration, changes: Sequence[str]) -> RunConfiguration:
    """Return the configuration with other values: `training.epochs=5`, `data.labels=[spot, scratch]`, `seed=3`.

    A value is read as YAML. Raises BadInput run_change_unreadable, and as the whole would be read from a file.
    """
    if not changes:
        return configuration
    values = _without_defaults(configuration)
    for change in changes:
        name, separator, text = change.partition("=")
        path = name.strip().split(".")
        if not separator or not all(path):
            raise BadInput("run_change_unreadable", change=change)
        among: Any = values
        for step in path[:-1]:
            among = among.setdefault(step, {}) if isinstance(among, dict) else None
        if not isinstance(among, dict):
            raise BadInput("run_change_unreadable", change=change)
        among[path[-1]] = _read_value(change, text)
    return read_configuration(values)


def _without_defaults(configuration: RunConfiguration) -> dict[str, Any]:
    """Return the values that differ from the recipe's defaults: with another recipe, its own count for the rest."""
    values = configuration.to_json()
    standard = with_recipe_defaults(configuration.model.recipe, configuration.product).to_json()
    kept: dict[str, Any] = {"product": configuration.product, "model": {"recipe": configuration.model.recipe}}
    for name, value in values.items():
        if isinstance(value, dict):
            own = {field: one for field, one in value.items() if one != standard[name][field]}
            kept[name] = {**kept.get(name, {}), **own}
        elif value != standard[name]:
            kept[name] = value
    return kept


def _read_value(change: str, text: str) -> Any:
    import yaml

    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BadInput("run_change_unreadable", change=change) from error
    if isinstance(found, str):
        try:
            return float(found)  # 1e-3, which is text to YAML 1.1
        except ValueError:
            return found
    return found


def _tell_estimate(found: RunEstimate, *, as_json: bool) -> None:
    if as_json:
        write_out(to_json(found.to_json()))
    else:
        counts = ", ".join(f"{split} {count}" for split, count in found.images.items())
        write_out(f"dataset version {found.dataset_number}: {len(found.labels)} labels, {counts}")
        memory = found.memory_bytes / 1024**3
        write_out(f"{found.epochs} epochs, about {found.seconds:.0f} s, {memory:.2f} GiB")
    for one in found.warnings:
        write_note(one.to_app_error().sentence(language()))


def _tell_reasons(run: RunView) -> None:
    if run.reasons and run.head.version_state == "candidate":
        said = " ".join(reason_sentence(reason, language()) for reason in run.reasons)
        write_note(describe("run_waits", {"run": run.head.id, "reasons": said}, language()))


def _describe(run: RunView) -> str:
    head = run.head
    lines = [f"run {head.id}: {head.name}, {head.epochs_done} epochs (best {head.best_epoch}), {head.train_s:.0f} s"]
    for split, figures in (("val", run.val), ("test", run.test)):
        lines += [f"{split}  {write_figures(figures)}"] if figures else []
    for goal in head.goals:
        found = "-" if goal.found is None else f"{goal.found:.3f}"
        lines.append(f"{'met' if goal.met else 'not met'}  {goal.name} {found} (wanted {goal.wanted:g})")
    return "\n".join(lines)


def write_figures(figures: Mapping[str, Any]) -> str:
    """Return the figures that are plain numbers, in their order."""
    shown = {name: value for name, value in figures.items() if isinstance(value, float)}
    return "  ".join(f"{name} {value:.3f}" for name, value in shown.items())
