"""`user`: accounts."""

from __future__ import annotations

import argparse
import getpass
import sys
from typing import Any

from core.accounts import people
from core.accounts.first_administrator import withdraw_code
from core.errors import BadInput, NotFound
from core.services import build_services


def add_user(commands: Any) -> None:
    """Add the command `user`."""
    user = commands.add_parser("user", help="accounts, for GEOMSA_AUTH=accounts or oidc")
    actions = user.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="add an account; the password is asked for")
    add.add_argument("login")
    add.add_argument("--name", default="", help="the name to show")
    add.add_argument("--role", default="worker", choices=("worker", "engineer", "admin"))
    add.add_argument("--no-password", action="store_true", help="for people who sign in through OIDC")
    for name, text in (("disable", "disable an account"), ("set-password", "set a password; it is asked for")):
        actions.add_parser(name, help=text).add_argument("login")
    set_role = actions.add_parser("set-role", help="change a role")
    set_role.add_argument("login")
    set_role.add_argument("role", choices=("worker", "engineer", "admin"))


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
        withdraw_code(services)
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
