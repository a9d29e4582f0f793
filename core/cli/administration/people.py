"""`user`: accounts."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypedDict

from core.access import ROLES, Person
from core.accounts import people
from core.accounts.bindings import set_bindings
from core.accounts.codes import NewCode, create_code
from core.accounts.directory import STATES, Account, find_account, list_accounts, unlock_account
from core.accounts.first_administrator import withdraw_code
from core.accounts.session_list import end_all_sessions, end_session, list_sessions
from core.catalog.products import find_product
from core.cli.terminal import to_json, write_note, write_out
from core.errors import BadInput
from core.services import Services, build_services


class BoundTo(TypedDict):
    """What an account is to be bound to, as the use cases take it."""

    products: list[int]
    lines: list[str]


_SIMPLE = (
    ("disable", "disable an account: its sessions end now, its history keeps the name"),
    ("enable", "enable a disabled account again"),
    ("set-password", "set a password, which is asked for; it must be changed at the next sign-in"),
    ("reset", "make a code with which the person chooses a new password; it is shown once"),
    ("unlock", "end the wait after wrong passwords"),
)


def add_user(commands: Any) -> None:
    """Add the command `user`."""
    user = commands.add_parser("user", help="accounts, for GEOMSA_AUTH=accounts or oidc")
    actions = user.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="accounts, with role, state and who is signed in")
    listing.add_argument("--role", choices=ROLES)
    listing.add_argument("--state", choices=STATES)
    listing.add_argument("--json", action="store_true", help="one JSON object a line")
    add = actions.add_parser("add", help="add an account; the password is asked for")
    _add_account(add)
    add.add_argument("--no-password", action="store_true", help="for people who sign in through OIDC")
    add.add_argument("--must-change", action="store_true", help="the password must be changed at the first sign-in")
    invite = actions.add_parser("invite", help="add an account (or take one that is there), and make a code for it")
    _add_account(invite)
    invite.add_argument("--json", action="store_true", help="one JSON object")
    for name, text in _SIMPLE:
        simple = actions.add_parser(name, help=text)
        simple.add_argument("login")
        if name == "reset":
            simple.add_argument("--json", action="store_true", help="one JSON object")
    set_role = actions.add_parser("set-role", help="change a role")
    set_role.add_argument("login")
    set_role.add_argument("role", choices=ROLES)
    sessions = actions.add_parser("sessions", help="the browsers in which somebody is signed in")
    sessions.add_argument("login")
    sessions.add_argument("--json", action="store_true", help="one JSON object a line")
    sign_out = actions.add_parser("sign-out", help="end the sessions of an account")
    sign_out.add_argument("login")
    sign_out.add_argument("--session", type=int, metavar="ID", help="this one alone (default: all)")
    bind = actions.add_parser("bind", help="bind a line worker to products and lines, in the place of earlier ones")
    bind.add_argument("login")
    add_bindings(bind)
    bind.add_argument("--none", action="store_true", help="bind to nothing any more: the person sees everything")


def add_bindings(parser: Any) -> None:
    """Add the arguments of what an account in the role of a line worker is bound to."""
    parser.add_argument(
        "--product", action="append", default=[], metavar="CODE|NAME", help="bind to this product; may be repeated"
    )
    parser.add_argument(
        "--line", action="append", default=[], metavar="LINE", help="bind to this line; may be repeated"
    )


def read_bindings(services: Services, wanted: argparse.Namespace) -> BoundTo:
    """Return what `add_bindings` has read, as the use cases take it. Raises NotFound for an unknown product."""
    return BoundTo(products=[find_product(services, name).id for name in wanted.product], lines=list(wanted.line))


def user(wanted: argparse.Namespace) -> int:
    """Manage accounts."""
    services = build_services(migrate=True)
    person = people.command_line_person(services)
    _ACTIONS[wanted.action](services, person, wanted)
    return 0


def _add_account(parser: Any) -> None:
    parser.add_argument("login")
    parser.add_argument("--name", default="", help="the name to show")
    parser.add_argument("--role", default="worker", choices=ROLES)
    add_bindings(parser)


def _list(services: Services, person: Person, wanted: argparse.Namespace) -> None:
    codes = _product_codes(services)
    for account in list_accounts(services, person, role=wanted.role, state=wanted.state):
        told = _describe(account, codes)
        write_out(to_json(told) if wanted.json else _line(account, told))


def _add(services: Services, person: Person, wanted: argparse.Namespace) -> None:
    bindings = read_bindings(services, wanted)
    people.create_user(
        services,
        person,
        login=wanted.login,
        display_name=wanted.name or wanted.login,
        role=wanted.role,
        password=None if wanted.no_password else _ask_password(),
        must_change_password=wanted.must_change,
        **bindings,
    )
    withdraw_code(services)


def _invite(services: Services, person: Person, wanted: argparse.Namespace) -> None:
    known = people.known_login(wanted.login)
    found = next((account for account in list_accounts(services, person) if account.login == known), None)
    if found is not None:
        user_id = found.id
    else:
        user_id = people.create_user(
            services,
            person,
            login=wanted.login,
            display_name=wanted.name or wanted.login,
            role=wanted.role,
            password=None,
            **read_bindings(services, wanted),
        ).id
    _tell_code(create_code(services, person, user_id=user_id, purpose="invitation"), as_json=wanted.json)


def _disable(services: Services, person: Person, wanted: argparse.Namespace) -> None:
    found = find_account(services, person, wanted.login)
    people.disable_user(services, person, found.id, row_version=found.row_version)


def _enable(services: Services, person: Person, wanted: argparse.Namespace) -> None:
    found = find_account(services, person, wanted.login)
    people.enable_user(services, person, found.id, row_version=found.row_version)


def _set_role(services: Services, person: Person, wanted: argparse.Namespace) -> None:
    found = find_account(services, person, wanted.login)
    people.set_role(services, person, found.id, wanted.role, row_version=found.row_version)


def _set_password(services: Services, person: Person, wanted: argparse.Namespace) -> None:
    people.set_password(services, person, find_account(services, person, wanted.login).id, _ask_password())


def _reset(services: Services, person: Person, wanted: argparse.Namespace) -> None:
    user_id = find_account(services, person, wanted.login).id
    _tell_code(create_code(services, person, user_id=user_id, purpose="reset"), as_json=wanted.json)


def _unlock(services: Services, person: Person, wanted: argparse.Namespace) -> None:
    unlock_account(services, person, find_account(services, person, wanted.login).id)


def _sessions(services: Services, person: Person, wanted: argparse.Namespace) -> None:
    for one in list_sessions(services, person, find_account(services, person, wanted.login).id):
        told = {
            "id": one.id,
            "device": one.device,
            "address": one.address,
            "method": one.method,
            "created_at": _moment(one.created_at),
            "last_seen_at": _moment(one.last_seen_at),
        }
        since = f"since {one.created_at:%Y-%m-%d %H:%M}, seen {one.last_seen_at:%Y-%m-%d %H:%M} UTC"
        write_out(to_json(told) if wanted.json else f"{one.id}  {one.address}  {since}  {one.device}")


def _sign_out(services: Services, person: Person, wanted: argparse.Namespace) -> None:
    found = find_account(services, person, wanted.login)
    if wanted.session is None:
        end_all_sessions(services, person, found.id)
    else:
        end_session(services, person, wanted.session)


def _bind(services: Services, person: Person, wanted: argparse.Namespace) -> None:
    bindings = read_bindings(services, wanted)
    if bool(bindings["products"] or bindings["lines"]) == wanted.none:
        raise BadInput("bindings_unsaid")
    found = find_account(services, person, wanted.login)
    set_bindings(services, person, found.id, row_version=found.row_version, **bindings)


_ACTIONS: dict[str, Callable[[Services, Person, argparse.Namespace], None]] = {
    "list": _list,
    "add": _add,
    "invite": _invite,
    "disable": _disable,
    "enable": _enable,
    "set-role": _set_role,
    "set-password": _set_password,
    "reset": _reset,
    "unlock": _unlock,
    "sessions": _sessions,
    "sign-out": _sign_out,
    "bind": _bind,
}


def _tell_code(made: NewCode, *, as_json: bool) -> None:
    address = f"/sign-in?code={made.text}"
    write_note(f"Keep this code: it is shown only now. It is entered at {address} on the app's address.")
    told = {"code": made.text, "path": address, "expires_at": _moment(made.row.expires_at)}
    write_out(to_json(told) if as_json else made.text)


def _product_codes(services: Services) -> dict[int, str]:
    from core.catalog.products import list_products

    return {one.product.id: one.product.code for one in list_products(services, include_inactive=True)}


def _describe(account: Account, codes: dict[int, str]) -> dict[str, Any]:
    bindings = account.bindings
    products = None if bindings.products is None else sorted(codes.get(one, "?") for one in bindings.products)
    return {
        "id": account.id,
        "login": account.login,
        "name": account.display_name,
        "role": account.role,
        "state": account.state,
        "products": products,
        "lines": None if bindings.lines is None else list(bindings.sorted_lines),
        "last_seen_at": _moment(account.last_seen_at),
        "locked_until": _moment(account.locked_until),
        "invited_until": _moment(account.invited_until),
        "sessions": account.sessions,
        "must_change_password": account.must_change_password,
    }


def _line(account: Account, told: dict[str, Any]) -> str:
    seen = f"seen {account.last_seen_at:%Y-%m-%d %H:%M} UTC" if account.last_seen_at else "never seen"
    bound = [*(told["products"] or []), *(told["lines"] or [])]
    place = f"  bound to {', '.join(bound) or 'nothing'}" if account.bindings.is_bound else ""
    return f"{account.login}  {account.role}  {account.state}  {seen}  sessions {account.sessions}{place}"


def _moment(when: datetime | None) -> str | None:
    return None if when is None else when.isoformat(timespec="seconds")


def _ask_password() -> str:
    """Read it from the terminal without echo, or from a script's standard input: never an argument that `ps` shows."""
    if sys.stdin.isatty():
        first, second = getpass.getpass("Password: "), getpass.getpass("Again: ")
        if first != second:
            raise BadInput("passwords_differ")
        return first
    return sys.stdin.readline().rstrip("\n")
