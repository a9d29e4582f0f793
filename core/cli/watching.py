"""Watching folders, and sending results on."""

from __future__ import annotations

import argparse
import logging
import signal
import threading
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.accounts import people
from core.catalog import products
from core.cli.inspecting import to_line
from core.cli.terminal import language, to_json, write_note, write_out
from core.cli.watch_arguments import WATCH_ACTIONS
from core.errors import AppError, BadInput, NotFound
from core.services import Services, build_services

if TYPE_CHECKING:
    from core.access import Person
    from core.watching.arrived_files import FileResult
    from core.watching.folders import Folder, FolderView
    from core.watching.settings import WatchSettings

logger = logging.getLogger(__name__)
# So long without anything to do, the worker's watcher ends; the worker starts another when there is.
IDLE_S = 30.0


def watch(wanted: argparse.Namespace) -> int:
    """Watch a folder, or set up which are watched."""
    services = build_services(patient=True)
    person = people.command_line_person(services)
    if wanted.action not in WATCH_ACTIONS:
        return _watch_folder(services, person, wanted, Path(wanted.action))
    if wanted.action == "list":
        return _list_folders(services, as_json=wanted.json)
    if wanted.action == "deliveries":
        return _show_deliveries(services, person, wanted)
    if not wanted.folder:
        raise BadInput("watch_needs_folder", action=wanted.action)
    if wanted.action == "add":
        return _add_folder(services, person, wanted)
    return _change_folder(services, person, wanted)


def run_watch(wanted: argparse.Namespace) -> int:
    """Watch all folders that workers are to watch, as the worker's child."""
    from core.watching.watcher import Watcher
    from core.worker.supervisor import prepare_child

    services = build_services(patient=True)
    prepare_child(wanted.parent_pid)
    watcher = Watcher(services)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: watcher.stop())
    watcher.run(until_idle_s=IDLE_S)
    return 0


def targets(wanted: argparse.Namespace) -> int:
    """Set up where results are sent by themselves."""
    from core.deliveries import targets as use_cases

    services = build_services(patient=True)
    person = people.command_line_person(services)
    if wanted.action == "list":
        _write_targets(services, as_json=wanted.json)
    elif wanted.action == "add":
        _add_target(services, person, wanted)
    else:
        found = use_cases.find_target(services, wanted.name)
        if wanted.action == "remove":
            lost = use_cases.remove_target(services, person, found.id)
            if lost:
                write_note(f"{found.name}: messages that were not delivered and are gone: {lost}")
        else:
            use_cases.set_target_active(services, person, found.id, wanted.action == "resume")
    return 0


def _watch_folder(services: Services, person: Person, wanted: argparse.Namespace, path: Path) -> int:
    from core.watching.folders import open_for_command
    from core.watching.watcher import watch_here

    if not wanted.product:
        raise BadInput("watch_needs_product")
    product = products.find_named_product(services, wanted.product)
    folder = open_for_command(
        services, person, path.absolute(), product_id=product.id, line=wanted.line, settings=_settings(services, wanted)
    )
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())

    def write_result(result: FileResult) -> None:
        told = _describe_result(result, folder)
        write_out(to_json(told) if wanted.json else _result_line(told))

    def write_problem(problem: AppError | None) -> None:
        write_note(f"{folder.path}: works again" if problem is None else problem.sentence(language()))

    is_well = watch_here(
        services, folder, once=wanted.once, stop=stop, on_result=write_result, on_problem=write_problem
    )
    return 1 if wanted.once and not is_well else 0


def _settings(services: Services, wanted: argparse.Namespace) -> WatchSettings:
    from core.watching.settings import WatchSettings

    return WatchSettings(
        settle_s=wanted.settle,
        part_wait_s=wanted.part_wait,
        name_rule=wanted.name_rule,
        subfolders=wanted.subfolders,
        lot=wanted.lot,
        shift=wanted.shift,
        language=services.settings.language or language(),
    )


def _describe_result(result: FileResult, folder: Folder) -> dict[str, Any]:
    from core.inspections.description import describe_record

    told: dict[str, Any] = {"file": str(folder.path / result.name)}
    if result.record is not None:
        told |= {**describe_record(result.record), "inspection": result.record.id}
    elif result.error is not None:
        told["error"] = {"code": result.error.code, "message": result.error.sentence(language())}
    else:
        told["again"] = result.is_again
    if not result.is_traced:
        told["name_rule_fits"] = False
    return {**told, "moved_to": result.target}


def _result_line(told: dict[str, Any]) -> str:
    arrow = f"  → {told['moved_to']}"
    return (f"{told['file']}: inspected before" if told.get("again") else to_line(told)) + arrow


def _add_folder(services: Services, person: Person, wanted: argparse.Namespace) -> int:
    from core.watching.folders import add_folder

    if not wanted.product:
        raise BadInput("watch_needs_product")
    product = products.find_named_product(services, wanted.product)
    folder = add_folder(
        services,
        person,
        Path(wanted.folder).absolute(),
        product_id=product.id,
        line=wanted.line,
        settings=_settings(services, wanted),
    )
    write_out(str(folder.path))
    return 0


def _change_folder(services: Services, person: Person, wanted: argparse.Namespace) -> int:
    from core.watching import folders, switching

    found = folders.find_folder(services, Path(wanted.folder).absolute())
    if found is None:
        raise NotFound("watch_folder_unknown", path=wanted.folder[:200])
    if wanted.action == "remove":
        switching.remove_folder(services, person, found.id)
    else:
        switching.set_folder_active(services, person, found.id, wanted.action == "resume")
    return 0


def _list_folders(services: Services, *, as_json: bool) -> int:
    from core.watching.folders import describe_problem, list_folders

    midnight = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    for view in list_folders(services, since=midnight):
        if as_json:
            write_out(to_json(_describe_folder(view)))
            continue
        counts = f"waiting {view.waiting}, today {view.done}, rejected {view.rejected}"
        write_out(f"{view.state:<9}  {view.folder.path}  {view.product_code}  {counts}")
        if problem := describe_problem(view, language()):
            write_out(f"           {problem}")
    return 0


def _describe_folder(view: FolderView) -> dict[str, Any]:
    from core.watching.folders import describe_problem

    return {
        "path": str(view.folder.path),
        "product": view.product_code,
        "line": view.folder.line,
        **view.folder.settings.to_json(),
        "run_by": view.folder.run_by,
        "state": view.state,
        "waiting": view.waiting,
        "inspected_today": view.done,
        "rejected_today": view.rejected,
        "names_that_do_not_fit_today": view.untraced,
        "inspected_total": view.inspected_total,
        "rejected_total": view.rejected_total,
        "last_seen_at": None if view.last_seen_at is None else view.last_seen_at.isoformat(),
        "last_file_at": None if view.last_file_at is None else view.last_file_at.isoformat(),
        "problem": describe_problem(view, language()) or None,
    }


def _show_deliveries(services: Services, person: Person, wanted: argparse.Namespace) -> int:
    from core.deliveries.sending import Postman
    from core.deliveries.targets import retry_all

    if wanted.retry:
        count = retry_all(services, person)
        sent = Postman(services).send_once()
        write_note(f"to be sent: {count}, arrived: {sent}")
    return 1 if _write_targets(services, as_json=wanted.json) else 0


def _write_targets(services: Services, *, as_json: bool) -> int:
    """Write a line for each target; return how many messages were given up."""
    from core.deliveries.targets import list_targets

    given_up = 0
    for view in list_targets(services):
        given_up += view.given_up
        problem = None if view.last_error is None else view.last_error.to_app_error().sentence(language())
        if as_json:
            write_out(
                to_json(
                    {
                        "name": view.name,
                        "kind": view.kind,
                        "place": view.settings.place,
                        "product": view.product_code,
                        "verdicts": view.verdicts,
                        "active": view.is_active,
                        "waiting": view.waiting,
                        "given_up": view.given_up,
                        "last_delivered_at": view.last_delivered_at.isoformat() if view.last_delivered_at else None,
                        "problem": problem,
                    }
                )
            )
            continue
        state = "active" if view.is_active else "paused"
        counts = f"waiting {view.waiting}, given up {view.given_up}"
        write_out(f"{state}  {view.name}  {view.settings.place}  {view.product_code or '*'}  {view.verdicts}  {counts}")
        if problem:
            write_out(f"        {problem}")
    return given_up


def _add_target(services: Services, person: Person, wanted: argparse.Namespace) -> None:
    from core.deliveries import credentials
    from core.deliveries.settings import DEFAULT_TOPIC, PORT, TLS_PORT, MqttSettings, TargetSettings, WebhookSettings
    from core.deliveries.targets import add_target

    product = products.find_named_product(services, wanted.product) if wanted.product else None
    settings: TargetSettings
    if wanted.webhook:
        settings = WebhookSettings(wanted.webhook, wanted.secret or credentials.DEFAULT_SECRET)
    else:
        host, port = _split_host(wanted.mqtt, TLS_PORT if wanted.tls else PORT)
        settings = MqttSettings(
            host=host,
            port=port,
            tls=wanted.tls,
            topic=wanted.topic or DEFAULT_TOPIC,
            user_name=wanted.user or credentials.DEFAULT_USER,
            password_name=wanted.password or credentials.DEFAULT_PASSWORD,
        )
    add_target(
        services,
        person,
        name=wanted.name,
        settings=settings,
        product_id=None if product is None else product.id,
        verdicts=wanted.verdicts,
    )


def _split_host(text: str, usual_port: int) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        return text.strip("[]"), usual_port
    return host.strip("[]"), int(port) if port.isdecimal() and len(port) <= 5 else 0
