"""Training runs in the terminal: list and show them, cancel, resume, put into use, delete."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from core.access import Person
from core.accounts import people
from core.catalog.products import find_named_product
from core.cli.terminal import language, to_json, write_out
from core.cli.training.training import follow_run, write_figures
from core.models.judgment_words import reason_sentence
from core.services import Services, build_services
from core.training.runs import control
from core.training.runs.overview import describe_end, describe_head, list_runs, read_epochs, read_run
from core.training.runs.records import RunHead


def runs(wanted: argparse.Namespace) -> int:
    """Do what is asked with training runs; return the exit status."""
    actions: dict[str, Callable[[Services, Person, argparse.Namespace], int]] = {
        "list": _list,
        "show": _show,
        "cancel": _cancel,
        "resume": _resume,
        "activate": _activate,
        "roll-back": _roll_back,
        "delete": _delete,
    }
    services = build_services()
    return actions[wanted.action](services, people.command_line_person(services), wanted)


def _list(services: Services, person: Person, wanted: argparse.Namespace) -> int:
    product = find_named_product(services, wanted.product) if wanted.product else None
    found = list_runs(
        services,
        person,
        product_id=None if product is None else product.id,
        experiment=wanted.experiment,
        states=() if wanted.state is None else (wanted.state,),
        limit=max(1, wanted.limit),
    )
    for head in found:
        write_out(to_json(describe_head(head)) if wanted.json else _line(head))
    return 0


def _show(services: Services, person: Person, wanted: argparse.Namespace) -> int:
    run = read_run(services, person, wanted.run)
    epochs = read_epochs(services, person, wanted.run)
    if wanted.json:
        told = {**describe_head(run.head), **describe_end(run)}
        more = {"configuration": run.configuration, "estimate": run.estimate, "figures": run.figures}
        write_out(to_json({**told, **more, "epochs": [epoch.to_json() for epoch in epochs]}))
        return 0
    write_out(_line(run.head))
    for epoch in epochs:
        losses = "  ".join(
            f"{name} {value:.4f}"
            for name, value in (("train loss", epoch.train_loss), ("val loss", epoch.val_loss))
            if value is not None
        )
        write_out(f"epoch {epoch.epoch}  {losses}  {write_figures(epoch.metrics)}  {epoch.seconds:.1f} s")
    for split, figures in (("val", run.val), ("test", run.test)):
        if figures:
            write_out(f"{split}  {write_figures(figures)}")
    for reason in run.reasons:
        write_out(reason_sentence(reason, language()))
    if run.head.error is not None and run.head.state == "failed":
        write_out(run.head.error.to_app_error().sentence(language()))
    return 0


def _cancel(services: Services, person: Person, wanted: argparse.Namespace) -> int:
    control.cancel_run(services, person, wanted.run)
    return _tell(services, person, wanted)


def _resume(services: Services, person: Person, wanted: argparse.Namespace) -> int:
    control.resume_run(services, person, wanted.run)
    if wanted.no_wait:
        return _tell(services, person, wanted)
    return follow_run(services, person, wanted.run, as_json=wanted.json)


def _activate(services: Services, person: Person, wanted: argparse.Namespace) -> int:
    control.activate_run(services, person, wanted.run, override=wanted.activate, reason=wanted.reason)
    return _tell(services, person, wanted)


def _roll_back(services: Services, person: Person, wanted: argparse.Namespace) -> int:
    version = control.roll_back(services, person, wanted.run)
    told = {"run": version.sources.get("run_id"), "model_version": version.number}
    write_out(to_json(told) if wanted.json else f"{version.number}")
    return 0


def _delete(services: Services, person: Person, wanted: argparse.Namespace) -> int:
    control.delete_run(services, person, wanted.run)
    write_out(to_json({"run": wanted.run, "deleted": True}) if wanted.json else f"{wanted.run}")
    return 0


def _tell(services: Services, person: Person, wanted: argparse.Namespace) -> int:
    head = read_run(services, person, wanted.run).head
    write_out(to_json(describe_head(head)) if wanted.json else _line(head))
    return 0


def _line(head: RunHead) -> str:
    value = head.test if head.test is not None else head.val
    figure = "" if value is None else f"  {head.figure} {value:.3f}"
    version = "" if head.version_number is None else f"  version {head.version_number} ({head.version_state})"
    return f"{head.id}  {head.state}  {head.epochs_done}/{head.epochs}{figure}{version}  {head.name}"
