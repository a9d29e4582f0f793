"""Looking after an installation: its accounts, and whether every part of it works."""

from __future__ import annotations

import argparse
import getpass
import sys

from core.accounts import people
from core.cli.repairing import repair_store, to_report, write_repair
from core.cli.terminal import language, to_json, write_out
from core.errors import BadInput, NotFound
from core.services import build_services
from core.settings import read_settings


def user(wanted: argparse.Namespace) -> int:
    """Manage accounts."""
    services = build_services(migrate=True)
    person = people.command_line_person(services)
    if wanted.action == "add":
        password = None if wanted.no_password else _ask_password()
        people.create_user(
            services,
            person,
            login=wanted.login,
            display_name=wanted.name or wanted.login,
            role=wanted.role,
            password=password,
        )
        return 0
    found = next((row for row in people.list_users(services, person) if row.login == wanted.login), None)
    if found is None:
        raise NotFound("user_unknown", login=wanted.login)
    if wanted.action == "disable":
        people.disable_user(services, person, found.id, row_version=found.row_version)
    elif wanted.action == "set-role":
        people.set_role(services, person, found.id, wanted.role, row_version=found.row_version)
    else:
        people.set_password(services, person, found.id, _ask_password())
    return 0


def _ask_password() -> str:
    """Read it from the terminal without echo, or from a script's standard input: never an argument that `ps` shows."""
    if sys.stdin.isatty():
        first, second = getpass.getpass("Password: "), getpass.getpass("Again: ")
        if first != second:
            raise BadInput("passwords_differ")
        return first
    return sys.stdin.readline().rstrip("\n")


def doctor(wanted: argparse.Namespace) -> int:
    """Check every part; the exit status is 1 when one does not work. With --repair, repair first what it can."""
    from core.operations import health as checks

    settings = read_settings()
    done = repair_store(settings, yes=wanted.yes) if wanted.repair else None
    found = checks.check(settings)
    lang = language()
    if wanted.json:
        write_out(
            to_json(
                {
                    "ok": all(check.ok for check in found),
                    "checks": [
                        {
                            "name": check.name,
                            "ok": check.ok,
                            "warning": bool(check.weak),
                            "code": check.code,
                            "params": check.params,
                            "message": check.sentence(lang),
                        }
                        for check in found
                    ],
                    **({} if done is None else to_report(done, lang)),
                }
            )
        )
    else:
        if done is not None:
            write_repair(done, lang)
        for check in found:
            state = "warn" if check.weak else ("ok  " if check.ok else "FAIL")
            write_out(f"{state}  {check.name}: {check.sentence(lang)}")
    return 0 if all(check.ok for check in found) else 1
