"""`doctor --repair`: what lies in the store unnamed, what is missing, and what was repaired, one line each."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from core.accounts import people
from core.cli.terminal import write_note, write_out
from core.services import build_services
from core.settings import Settings

if TYPE_CHECKING:
    from core.operations.repair import Repair


def repair_store(settings: Settings, *, yes: bool, thorough: bool = False) -> Repair:
    """Repair what can be repaired, as the person at the command line. Raises AppError when a store fails."""
    from core.operations.repair import repair

    def ask(count: int, total: int) -> bool:
        if yes:
            return True
        if not sys.stdin.isatty():
            return False
        write_note(f"{count} of {total} stored files are named by no row. Move them to the trash? [y/N]")
        return sys.stdin.readline().strip().lower() in {"y", "yes"}

    # Also where the two stores do not belong together: then it only names what it found.
    services = build_services(settings, verify_store=False)
    try:
        return repair(services, people.command_line_person(services), ask=ask, thorough=thorough)
    finally:
        services.database.dispose()


def to_report(done: Repair, language: str) -> dict[str, Any]:
    """Return what was found and done as JSON values."""
    return {
        "orphans": [info.key for info in done.orphans],
        "missing": [
            {"table": one.table, "id": one.row_id, "name": one.name, "column": one.column, "key": one.key}
            for one in done.missing
        ],
        "damaged": [
            {
                "table": one.named.table,
                "id": one.named.row_id,
                "name": one.named.name,
                "column": one.named.column,
                "key": one.named.key,
                "why": one.why,
            }
            for one in done.damaged
        ],
        "restored": done.restored,
        "remade": done.remade,
        "moved_to_trash": done.trashed,
        "moved_to_label_folder": done.moved,
        "recounted": done.recounted,
        "held": None if done.held is None else done.held.sentence(language),
    }


def write_repair(done: Repair, language: str) -> None:
    """Write it for people: the names to standard output, what became of them to standard error."""
    for info in done.orphans:
        write_out(f"orphan   {info.key}")
    for key in done.restored:
        write_out(f"restored {key}")
    for key in done.remade:
        write_out(f"remade   {key}")
    for one in done.missing:
        write_out(f"missing  {one.table} {one.row_id} ({one.name}): {one.key}")
    for broken in done.damaged:
        named = broken.named
        write_out(f"damaged  {named.table} {named.row_id} ({named.name}): {named.key} ({broken.why})")
    if done.recounted:
        write_note("inspections were counted anew")
    if done.moved:
        write_note(f"images moved to the folder of their label: {done.moved}")
    if done.held is not None:
        write_note(f"nothing was touched: {done.held.sentence(language)}")
    elif done.refused:
        write_note("so many orphans go to the trash only with --yes; look at the names first")
    elif done.orphans:
        write_note(f"orphans moved to the trash: {done.trashed}")
