"""How long the transaction of an inspection, and that of a decision, takes on SQLite, MariaDB and PostgreSQL.

    python -m benchmarks.bench_databases [--inspections 300] [--clients 8] [--only sqlite mariadb postgresql]

Each database keeps its data on disk and waits for the disk at each commit, as in a plant. An inspection is its row, two
searches of look-alikes and its counts in one transaction (the objects are put before it, and not measured); a decision
is an overruled verdict with its record and the moved counts. The last line of stdout is one JSON object, in ms:

    {"sqlite": {"inspection_p50": …, "inspection_p95": …, "decision_p50": …, "decision_p95": …,
                "clients_p50": …, "clients_p95": …, "clients_per_s": …}, …}

`clients_…` are inspections by so many threads at once.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import insert
from sqlmodel import select

from core.access import Person
from core.accounts.people import open_person
from core.inspections.decisions import override_verdict
from core.rollups.counting import count_new
from core.rollups.rebuilding import ensure_counts
from core.services import Services, build_services
from core.settings import read_settings
from core.transactions import reading, writing
from storage.tables import Inspection, ModelVersion, Product, SearchHistory, ThresholdSetting, utc_now
from tests.history_rows import add_product
from tests.services.servers import MariaDbServer, PostgreSqlServer

LOOK_ALIKES = 5


class _MariaDbOnDisk(MariaDbServer):
    def command(self) -> Sequence[str | Path]:
        # The last of an option counts.
        return [*super().command(), "--innodb-flush-log-at-trx-commit=1", "--innodb-flush-method=fsync"]


class _PostgreSqlOnDisk(PostgreSqlServer):
    def command(self) -> Sequence[str | Path]:
        durable = ("fsync", "full_page_writes", "synchronous_commit")
        return [*super().command(), *(word for name in durable for word in ("-c", f"{name}=on"))]


@contextmanager
def _database(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield ""
        return
    server = (_MariaDbOnDisk if kind == "mariadb" else _PostgreSqlOnDisk)(folder)
    server.start()
    driver, name = ("mysql+pymysql", "geomsa") if kind == "mariadb" else ("postgresql+psycopg", "postgres")
    try:
        yield f"{driver}://geomsa:{quote(server.password, safe='')}@127.0.0.1:{server.port}/{name}"
    finally:
        server.stop()


class _Bench:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._person: Person = open_person(services, "engineer")
        self._product: Product = add_product(services, self._person)
        ensure_counts(services)
        with reading(services) as session:
            self._version = session.exec(select(ModelVersion)).one()
            self._threshold = session.exec(select(ThresholdSetting)).one()

    def inspect(self, number: int) -> int:
        verdict = "reject" if number % 10 == 0 else "ok"
        row = Inspection(
            product_id=self._product.id, created_at=utc_now(), created_by=self._person.id, source="upload",
            original_name=f"part_{number}.png", image_key=f"inspections/{number}.png",
            thumbnail_key=f"inspections/{number}.jpg", heat_map_key=f"inspections/{number}.heat",
            image_sha256=f"{number:064d}", width_px=1000, height_px=1000, score=10.0, review_at=20.0, reject_at=25.0,
            memory_bank_version_id=self._version.id, threshold_setting_id=self._threshold.id, verdict=verdict,
            final_verdict=verdict, line=f"L{number % 4}",
        )  # fmt: skip
        with writing(self._services) as session:
            session.add(row)
            session.flush()
            history = [
                SearchHistory(
                    inspection_id=row.id, product_id=row.product_id, created_by=self._person.id, top_k=LOOK_ALIKES,
                    image_type=kind, results=[{"image_id": place, "similarity": 0.9} for place in range(LOOK_ALIKES)],
                ).model_dump(exclude={"id"})
                for kind in ("normal", "defect")
            ]  # fmt: skip
            session.execute(insert(SearchHistory), history)
            count_new(session, [row])
            session.commit()
        return row.id

    def decide(self, inspection_id: int) -> None:
        override_verdict(
            self._services, self._person, inspection_id, row_version=1, verdict="review", reason="benchmark"
        )


def _time(action: Callable[[int], object], values: Sequence[int]) -> list[float]:
    found = []
    for value in values:
        began_s = time.perf_counter()
        action(value)
        found.append((time.perf_counter() - began_s) * 1000)
    return found


def _figures(name: str, times_ms: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(times_ms, n=20)
    return {f"{name}_p50": round(statistics.median(times_ms), 2), f"{name}_p95": round(cuts[18], 2)}


def _measure(kind: str, count: int, clients: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="geomsa-", dir="/tmp") as folder, _database(kind, Path(folder)) as url:
        variables = {"GEOMSA_DATA_DIR": f"{folder}/app", "GEOMSA_DEVICE": "cpu", "GEOMSA_DATABASE_URL": url}
        services = build_services(read_settings(variables), migrate=True)
        bench = _Bench(services)
        ids = [bench.inspect(number) for number in range(20)]  # warm
        found = _figures("inspection", _time(lambda number: ids.append(bench.inspect(number)), range(count)))
        found |= _figures("decision", _time(bench.decide, ids[:count]))
        began_s = time.perf_counter()
        with ThreadPoolExecutor(clients) as pool:
            parts = [range(count + place * count, count + (place + 1) * count) for place in range(clients)]
            times = [one for part in pool.map(lambda part: _time(bench.inspect, part), parts) for one in part]
        lasted_s = time.perf_counter() - began_s
        services.database.dispose()
    return found | _figures("clients", times) | {"clients_per_s": round(len(times) / lasted_s, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inspections", type=int, default=300)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--only", nargs="+", choices=("sqlite", "mariadb", "postgresql"))
    asked = parser.parse_args()
    found = {}
    for kind in asked.only or ("sqlite", "mariadb", "postgresql"):
        found[kind] = _measure(kind, asked.inspections, asked.clients)
        print(kind, found[kind], flush=True)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
