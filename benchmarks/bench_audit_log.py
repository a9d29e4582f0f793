"""How long pages of the audit log take among many rows, its verification, and what sealing adds to a decision (SQLite).

python -m benchmarks.bench_audit_log [--rows 1000000] [--folder DIR]     prints one JSON object
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlmodel import Session, func, select

from core.access import Person
from core.accounts.people import open_person
from core.audit import record
from core.audit_log.filters import AuditFilter
from core.audit_log.listing import list_page
from core.audit_log.verification import verify_chain
from core.audit_log.words import ACTION_NAMES
from core.services import Services, build_services
from core.settings import read_settings
from storage.audit_chain import seal_row
from storage.database import Database
from storage.tables import AuditLog, Product, User

_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
_REPEATS = 7
_DECISIONS = 60


def main() -> int:
    """Fill a database, measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, default=None, help="keep the database there, and use it again")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="geomsa-audit-") as folder:
        data = wanted.folder or Path(folder)
        settings = read_settings({"GEOMSA_DATA_DIR": str(data), "GEOMSA_DEVICE": "cpu"})
        services = build_services(settings, migrate=True)
        admin = open_person(services, "admin")
        with services.database.reading() as session:
            there = session.exec(select(func.max(AuditLog.position))).one() or 0
        cost = measure_decisions(services.database, admin)
        if there < wanted.rows:
            fill(data / "geomsa.db", wanted.rows)
        figures = {"rows": wanted.rows, "pages_ms": measure_pages(services, admin), "decision": cost}
        began_s = time.perf_counter()
        found = verify_chain(services)
        figures["verify"] = {"ok": found.ok, "rows": found.count, "seconds": round(time.perf_counter() - began_s, 1)}
        print(json.dumps(figures))
        services.database.dispose()
    return 0


def fill(path: Path, rows: int) -> None:
    """Add sealed rows until there are `rows`: many decisions, some of everything else, a few refusals."""
    with sqlite3.connect(path) as connection:
        position, seal = connection.execute("SELECT position, seal FROM audit_chain").fetchone()
        names = list(SQL_COLUMNS)
        places = ", ".join("?" for _ in names)
        insert = f"INSERT INTO audit_log ({', '.join(names)}) VALUES ({places})"
        batch: list[tuple[Any, ...]] = []
        for values in make_rows(position, rows):
            seal = seal_row(seal, values)
            moment = values["created_at"].replace(tzinfo=None).strftime("%Y-%m-%d %H:%M:%S.%f")
            stored = {**values, "seal": seal, "created_at": moment, "details": json.dumps(values["details"])}
            batch.append(tuple(stored[name] for name in names))
            if len(batch) == 10_000:
                connection.executemany(insert, batch)
                batch.clear()
        connection.executemany(insert, batch)
        connection.execute("UPDATE audit_chain SET position = ?, seal = ?", (rows, seal))
    connection.close()


SQL_COLUMNS = (
    "created_at", "user_id", "user_name", "action", "subject_type", "subject_id", "details", "outcome", "channel",
    "address", "position", "seal",
)  # fmt: skip


def make_rows(position: int, rows: int) -> Iterator[dict[str, Any]]:
    """Yield the values of rows after `position`."""
    others = sorted(ACTION_NAMES)
    for number in range(position + 1, rows + 1):
        rare = number % 10 == 0
        action = others[number // 10 % len(others)] if rare else "inspection.action"
        refused = number % 5000 == 0
        yield {
            "created_at": _BEGAN + timedelta(seconds=number * 20),
            "user_id": 1 + number % 40,
            "user_name": f"작업자 {number % 40}",
            "action": "access.refused" if refused else action,
            "subject_type": "access" if refused else action.split(".")[0] if rare else "inspection",
            "subject_id": number,
            "details": {"row_version": 2, "changes": {"action_status": ["open", "done"]}, "note": f"조치 {number}"},
            "outcome": "refused" if refused else "done",
            "channel": "page",
            "address": f"10.0.{number % 7}.{number % 250}",
            "position": number,
        }


def measure_pages(services: Services, admin: Person) -> dict[str, float]:
    """Return the milliseconds (median of several) of the page that each filter shows."""
    with services.database.reading() as session:
        highest = session.exec(select(func.max(AuditLog.id))).one() or 0
    asked: dict[str, tuple[AuditFilter, int | None]] = {
        "newest": (AuditFilter(), None),
        "middle": (AuditFilter(), highest // 2),
        "oldest": (AuditFilter(), 40),
        "group": (AuditFilter(group="people"), None),
        "group_middle": (AuditFilter(group="models"), highest // 2),
        "action": (AuditFilter(action="thresholds.changed"), None),
        "refused": (AuditFilter(outcome="refused"), None),
        "person": (AuditFilter(person=7), None),
        "person_nobody": (AuditFilter(person=123456), None),
        "person_and_group": (AuditFilter(person=7, group="catalog"), None),
        "subject": (AuditFilter(subject_type="inspection", subject_id=1), None),
        "subject_kind": (AuditFilter(subject_type="manual"), None),
        "week": (AuditFilter(first_day=date(2026, 3, 2), last_day=date(2026, 3, 8)), None),
        "text": (AuditFilter(text="조치 12345"), None),
        "text_nowhere": (AuditFilter(text="there is no such text"), None),
    }
    return {
        name: _median_ms(partial(list_page, services, admin, wanted, before=before))
        for name, (wanted, before) in asked.items()
    }


def measure_decisions(database: Database, admin: Person) -> dict[str, float]:
    """Return the milliseconds of a small change with its record: with a sealed row, and with a plain one."""
    with database.unit_of_work() as session:
        engine = session.get_bind()

    def change(session: Session, *, sealed: bool) -> None:
        row = session.exec(select(User).where(User.id == admin.id)).one()
        row.row_version += 1
        session.add(row)
        if sealed:
            record(session, admin, "user.changed", "user", admin.id, row_version=row.row_version, changes={"a": [1, 2]})
        else:
            session.add(_plain_row(admin, row.row_version))
        session.commit()

    def sealed() -> None:
        with database.unit_of_work() as session:
            change(session, sealed=True)

    def plain() -> None:
        with Session(engine, expire_on_commit=False) as session:
            change(session, sealed=False)

    # In turns, so that what else the machine does weighs alike. The plain row goes into a table without a chain.
    took: dict[str, list[float]] = {"sealed": [], "unsealed": []}
    for _ in range(_DECISIONS):
        for name, run in (("unsealed", plain), ("sealed", sealed)):
            began_s = time.perf_counter()
            run()
            took[name].append((time.perf_counter() - began_s) * 1000)
    medians = {name: round(statistics.median(values), 2) for name, values in took.items()}
    ratio = round(medians["sealed"] / medians["unsealed"], 2)
    return {**{f"{name}_ms": value for name, value in medians.items()}, "ratio": ratio}


def _plain_row(admin: Person, version: int) -> Product:
    # A row of the same size in a table without a chain.
    return Product(code=f"B{time.time_ns()}", name=f"{admin.display_name} {version}", description="x" * 120)


def _median_ms(run: Callable[[], object]) -> float:
    took = []
    for _ in range(_REPEATS):
        began_s = time.perf_counter()
        run()
        took.append((time.perf_counter() - began_s) * 1000)
    return round(statistics.median(took), 1)


if __name__ == "__main__":
    sys.exit(main())
