"""`python -m core adapters`: added, read, accepted, checked, removed."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from core.accounts.people import command_line_person
from core.adapters.checking import check_adapter
from core.adapters.registry import accept_license, add_adapter, get_adapter, list_adapters, remove_adapter
from core.cli.terminal import StatusLine, language, to_json, write_out
from core.errors import AppError
from core.services import build_services

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.access import Person
    from core.adapters.records import AdapterView
    from core.services import Services


def adapters(wanted: argparse.Namespace) -> int:
    """List, add, accept, check or remove adapters."""
    services = build_services(migrate=True)
    person = command_line_person(services)
    if wanted.action == "list":
        for view in list_adapters(services, person):
            _show(view, as_json=wanted.json)
    elif wanted.action == "add":
        view = add_adapter(services, person, wanted.folder, accept_license=wanted.accept_license)
        _show(view, as_json=wanted.json)
    elif wanted.action == "accept":
        return _accept(services, person, wanted)
    elif wanted.action == "remove":
        remove_adapter(services, person, wanted.name)
        write_out(to_json({"removed": wanted.name}) if wanted.json else f"{wanted.name}: removed")
    else:
        return _check(services, person, wanted)
    return 0


def _accept(services: Services, person: Person, wanted: argparse.Namespace) -> int:
    view = get_adapter(services, person, wanted.name)
    if not wanted.yes:
        for text in (view.license_name, view.license_notice, view.license_text):
            if text:
                sys.stderr.write(text.rstrip() + "\n\n")
        sys.stderr.write(f"accept the license of {view.name}? [y/N] ")
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            return 1
    _show(accept_license(services, person, wanted.name), as_json=wanted.json)
    return 0


def _check(services: Services, person: Person, wanted: argparse.Namespace) -> int:
    names = [wanted.name] if wanted.name else [view.name for view in list_adapters(services, person)]
    failed = False
    status = StatusLine()
    for name in names:
        try:
            check = check_adapter(services, person, name, task=wanted.task, progress=_telling(status, name))
            error = check.error
            found = check.to_json()
        except AppError as refused:
            error, found = refused, {"error_code": refused.code}
        status.clear()
        failed |= error is not None
        message = None if error is None else error.sentence(language())
        if wanted.json:
            write_out(to_json({"name": name, **found, "message": message}))
        else:
            apart = ", ".join(one for one, held in found.get("held_apart", {}).items() if held) or "nothing"
            told = message or f"works ({found['task']}, {found['seconds']:.0f} s); held apart: {apart}"
            write_out(f"{name}: {told}")
    return 1 if failed else 0


def _telling(status: StatusLine, name: str) -> Callable[[str, int, int], None]:
    return lambda stage, done, total: status.show(f"{name}: {stage}", f"{done}/{total}")


def _show(view: AdapterView, *, as_json: bool) -> None:
    if as_json:
        write_out(to_json(view.to_json(language())))
        return
    state = view.obstacle.sentence(language()) if view.obstacle is not None else "ready"
    write_out(f"{view.name} {view.version} ({', '.join(view.tasks)}; {view.license_name}): {state}")
