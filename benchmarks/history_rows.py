"""A million inspections as rows, made fast: the history of a plant with twelve products over two years."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex

from core.access import WORKER
from core.accounts.people import open_person
from core.services import Services
from storage.tables import METADATA, DefectType, Job, ModelVersion, Product, ThresholdSetting, User

PRODUCTS, TYPES, PEOPLE, LINES, BATCHES = 12, 6, 20, 8, 40
_START = datetime(2024, 1, 1, tzinfo=UTC)
_SPAN = timedelta(days=730)


def fill_history(services: Services, *, rows: int, seed: int = 1) -> dict[str, list[int]]:
    """Add what inspections refer to, and `rows` of them, into a fresh SQLite database; return the ids of the former.

    A product is made on two lines of its own: a filter by a product and a line of others finds nothing, and is the
    worst that can be asked. Every hundredth Review verdict waits.
    """
    ids = add_references(services)
    dice = random.Random(seed)
    load_rows(services, (make_row(number, rows, dice, ids) for number in range(rows)))
    return ids


def load_rows(services: Services, rows: Iterator[dict[str, Any]]) -> None:
    """Put inspections into a fresh SQLite database: without waiting for the disk, and the indexes at the end."""
    table = METADATA.tables["inspections"]
    path = Path(str(services.settings.data_dir)) / "geomsa.db"
    services.database.dispose()
    with closing(sqlite3.connect(path)) as connection:
        # Nothing is to be saved of a database that breaks off here: no page is written twice, nor waited for.
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -200000")
        connection.execute("PRAGMA temp_store = MEMORY")
        for index in table.indexes:
            connection.execute(f"DROP INDEX {index.name}")
        first = next(rows)
        sql = f"INSERT INTO inspections ({', '.join(first)}) VALUES ({', '.join('?' * len(first))})"
        connection.execute(sql, tuple(first.values()))
        connection.executemany(sql, (tuple(row.values()) for row in rows))
        _make_indexes(connection, table)
        connection.commit()
        connection.execute("PRAGMA journal_mode = WAL")


def _make_indexes(connection: sqlite3.Connection, table: Table) -> None:
    for index in table.indexes:
        connection.execute(str(CreateIndex(index).compile(dialect=sqlite.dialect())))


def make_row(
    number: int,
    rows: int,
    dice: random.Random,
    ids: dict[str, list[int]],
    place: int | None = None,
    moment: datetime | None = None,
) -> dict[str, Any]:
    """Return the inspection of that number among so many, by its columns; of the product at `place`, or of any.

    Without a moment of its own it has its place in the span of two years.
    """
    if place is None:
        place = min(PRODUCTS - 1, int(dice.expovariate(0.5)))
    line = f"L{1 + (2 * place + dice.randrange(2)) % LINES}"
    chance = dice.random()
    verdict = "ok" if chance < 0.93 else "review" if chance < 0.96 else "reject"
    final = verdict if verdict != "review" or dice.random() < 0.3 else dice.choice(("ok", "reject"))
    kind = ids["types"][place * TYPES + dice.randrange(TYPES)] if verdict != "ok" else None
    confirmed = kind is not None and dice.random() < 0.6
    moment = moment or _START + _SPAN * (number / rows)
    at = moment.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")
    waits = verdict == "review" and dice.random() < 0.01
    product = ids["products"][place]
    return {
        "product_id": product,
        "created_at": at,
        "created_by": dice.choice(ids["people"]),
        "source": dice.choice(("upload", "camera", "batch", "api", "watch")),
        "batch_job_id": dice.choice(ids["jobs"]) if dice.random() < 0.2 else None,
        "original_name": f"cam{1 + place % 4}_{number:07d}_{dice.choice(('top', 'side'))}.jpg",
        "image_key": f"inspections/2024/01/01/{number:032x}/image.jpg",
        "thumbnail_key": f"inspections/2024/01/01/{number:032x}/thumbnail.jpg",
        "heat_map_key": f"inspections/2024/01/01/{number:032x}/heat_map.png",
        "image_sha256": f"{number:064x}",
        "width_px": 1024,
        "height_px": 768,
        "image_notes": "[]",
        "score": 20.0 + 10 * dice.random(),
        "review_at": 24.5,
        "reject_at": 27.25,
        "memory_bank_version_id": ids["versions"][place],
        "threshold_setting_id": ids["thresholds"][place],
        "normal_index_version_id": None,
        "defect_index_version_id": None,
        "preprocessing": _PREPROCESSING,
        "regions": "[]" if verdict == "ok" else _REGIONS,
        "nearest_image_id": 1 + number % 200,
        "nearest_image_name": f"P{place}_normal_{1 + number % 200:03d}.jpg",
        "verdict": verdict,
        "final_verdict": final,
        "override_reason": "" if final == verdict else "looked at under the lamp",
        "overridden_at": None if final == verdict else at,
        "overridden_by": None if final == verdict else ids["people"][0],
        "suggested_defect_type_id": kind,
        "suggestion_confidence": None if kind is None else 0.8,
        "final_defect_type_id": kind if confirmed else None,
        "confirmed_at": at if confirmed else None,
        "confirmed_by": None,
        "line": line,
        "lot": f"{2400 + number * 2000 // rows}",
        "serial": f"SN{place:02d}{number:08d}",
        "shift": dice.choice(("A", "B", "C")),
        "action_status": "none" if final == "ok" else "open" if dice.random() < 0.02 else "done",
        "action_note": "" if final == "ok" else "part scrapped, nozzle cleaned",
        "action_at": None,
        "action_by": None,
        "review_state": "waiting" if waits else "done" if verdict == "review" else "none",
        "reviewed_at": None,
        "reviewed_by": None,
        "raised_by": 0.0,
        "idempotency_key": None,
        "latency_ms": 41.5,
        "row_version": 1,
    }


_REGIONS = json.dumps([{"x": 10, "y": 20, "w": 64, "h": 48, "area": 2210, "score": 31.25}])
_PREPROCESSING = json.dumps(
    {
        "grayscale": False,
        "clahe": {"on": False, "clip": 2.0, "tiles": 8},
        "equalize": False,
        "smoothing": 0,
        "normalize": True,
        "roi": None,
        "ignored": [],
        "input_px": 256,
        "bit_depth": 0,
    }
)


def add_references(services: Services, *, count: int = PRODUCTS) -> dict[str, list[int]]:
    """Add people, so many products with their types and memory banks, and batches; return the ids of each."""
    open_person(services, WORKER)
    with services.database.unit_of_work() as session:
        people = [User(login=f"p{number}", display_name=f"Person {number}", role=WORKER) for number in range(PEOPLE)]
        products = [Product(code=f"P{number}", name=f"Product {number}") for number in range(count)]
        jobs = [Job(kind="batch", state="succeeded") for _ in range(BATCHES)]
        session.add_all([*people, *products, *jobs])
        session.flush()
        types = [
            DefectType(product_id=product.id, code=f"t{number}", name_ko=f"유형 {number}", name_en=f"Type {number}")
            for product in products
            for number in range(TYPES)
        ]
        versions = [
            ModelVersion(
                kind="memory_bank",
                scope=f"product:{product.id}",
                product_id=product.id,
                number=1,
                state="active",
                active_key=f"memory_bank:product:{product.id}",
                model_name="patchcore",
                object_prefix="models/none",
                manifest_sha256="0" * 64,
                fingerprint="0" * 64,
            )
            for product in products
        ]
        session.add_all([*types, *versions])
        session.flush()
        thresholds = [
            ThresholdSetting(model_version_id=one.id, review_at=24.5, reject_at=27.25, method="percentile")
            for one in versions
        ]
        session.add_all(thresholds)
        session.flush()
        found = {
            "people": [one.id for one in people],
            "products": [one.id for one in products],
            "jobs": [one.id for one in jobs],
            "types": [one.id for one in types],
            "versions": [one.id for one in versions],
            "thresholds": [one.id for one in thresholds],
        }
        session.commit()
    return found
