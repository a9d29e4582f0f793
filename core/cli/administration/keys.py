"""`api-key`: the keys that programs come with."""

from __future__ import annotations

import argparse
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from core.accounts import api_keys, people
from core.accounts.key_scopes import SCOPES
from core.cli.administration.people import add_bindings, read_bindings
from core.cli.terminal import to_json, write_note, write_out
from core.errors import BadInput
from core.services import build_services
from storage.tables import ApiKey


def add_api_key(commands: Any) -> None:
    """Add the command `api-key`."""
    api_key = commands.add_parser("api-key", help="keys of the REST interface")
    key_actions = api_key.add_subparsers(dest="action", required=True, metavar="ACTION")
    new_key = key_actions.add_parser("add", help="make a key; it is shown once")
    new_key.add_argument("name", metavar="NAME", help="the program or station that will use it")
    new_key.add_argument("--role", required=True, choices=("worker", "engineer"))
    new_key.add_argument("--expires", metavar="DATE", help="the last day on which it counts, as 2027-12-31")
    new_key.add_argument(
        "--scope",
        action="append",
        default=[],
        choices=tuple(SCOPES),
        help="what it is for; may be repeated (default: everything that the role may)",
    )
    add_bindings(new_key)
    new_key.add_argument("--json", action="store_true", help="one JSON object")
    key_actions.add_parser("list", help="all keys, without their secrets").add_argument(
        "--json", action="store_true", help="one JSON object a line"
    )
    key_actions.add_parser("revoke", help="end a key at once").add_argument("id", type=int, metavar="ID")


def api_key(wanted: argparse.Namespace) -> int:
    """Make, list and revoke keys."""
    services = build_services(migrate=True)
    person = people.command_line_person(services)
    if wanted.action == "add":
        expires_at = _read_day(wanted.expires) if wanted.expires else None
        made = api_keys.create_key(
            services,
            person,
            name=wanted.name,
            role=wanted.role,
            expires_at=expires_at,
            scopes=wanted.scope,
            **read_bindings(services, wanted),
        )
        write_note("Keep this key: it is shown only now.")
        write_out(to_json({**_describe(made.row), "key": made.text}) if wanted.json else made.text)
    elif wanted.action == "list":
        for row in api_keys.list_keys(services, person):
            write_out(to_json(_describe(row)) if wanted.json else _line(row))
    else:
        api_keys.revoke_key(services, person, wanted.id)
    return 0


def _read_day(text: str) -> datetime:
    """Return the end of a day, in this machine's time zone."""
    try:
        day = date.fromisoformat(text)
        return datetime.combine(day + timedelta(days=1), time.min).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadInput("api_key_expiry_unreadable", value=text[:40]) from error


def _describe(row: ApiKey) -> dict[str, object]:
    return {
        "id": row.id,
        "name": row.name,
        "role": row.role,
        "scopes": list(row.scopes),
        "state": api_keys.key_state(row),
        "prefix": row.prefix,
        "created_at": _moment(row.created_at),
        "expires_at": _moment(row.expires_at),
        "last_used_at": _moment(row.last_used_at),
        "revoked_at": _moment(row.revoked_at),
    }


def _moment(when: datetime | None) -> str | None:
    return None if when is None else when.isoformat(timespec="seconds")


def _line(row: ApiKey) -> str:
    state: str = api_keys.key_state(row).replace("_", " ")
    if row.expires_at is not None and not row.revoked_at:
        state = f"{state}, until the end of {row.expires_at - timedelta(seconds=1):%Y-%m-%d}"
    scopes = ",".join(row.scopes) or "all"
    used = f"used {row.last_used_at:%Y-%m-%d %H:%M} UTC" if row.last_used_at else "never used"
    return f"{row.id}  gms_{row.prefix}_…  {row.role}  {scopes}  {state}  {used}  {row.name}"
