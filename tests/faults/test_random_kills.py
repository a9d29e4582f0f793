"""App, interface, worker, database and store are killed at random while all six kinds of work go on.

Nothing that was acknowledged is lost, nothing is there twice, and everything is back by itself.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlmodel import col, select

from core.accounts.api_keys import create_key
from core.accounts.people import command_line_person, open_person
from core.catalog.products import create_product, find_product
from core.images.imports.folder_import import import_path
from core.jobs.views import JobView, list_unfinished, view
from core.models.kinds import MEMORY_BANK
from core.operations.stored_objects import find_missing, take_stock
from core.services import Services, build_services
from storage.tables import AuditLog, BatchItem, Image, Inspection, ModelVersion, TrainingRun
from tests.compared_methods import build_product
from tests.faults.conftest import TINY_PARTS
from tests.faults.plant import API, APP, WORKER, Plant, answers, run_plant, until
from tests.faults.plant_clients import BATCH_FILES, PLATE, POOL, Acknowledged, Clients
from tests.plates import deploy, write_plates

pytestmark = [
    pytest.mark.services,
    pytest.mark.xdist_group("plant"),
    pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL"),
]

KILLS, FULL_KILLS = 12, 300
# Between two kills. A worker that dies every ten seconds brings no deployment to its end, however often it is tried.
PAUSE_S = (0.5, 6.0)
SEED = int(os.environ.get("GEOMSA_TEST_SEED", "20261127"))
LAST_JOBS_S = 600.0


def _fill(services: Services, folder: Path) -> str:
    """Make the products, put a memory bank into use, and return the key of the programs."""
    engineer = open_person(services, "engineer")
    write_plates(folder / "plate", parts=TINY_PARTS)
    import_path(services, engineer, folder / "plate")
    deploy(services, find_product(services, PLATE).id, kinds=(MEMORY_BANK,))
    create_product(services, engineer, name="모음", name_en="Pool", code=POOL)
    build_product(services, engineer)
    return create_key(services, command_line_person(services), name="plant", role="engineer").text


def _run(plant: Plant, kills: int) -> Acknowledged:
    services = build_services(plant.settings(), migrate=True)
    key = _fill(services, plant.folder)
    services.database.dispose()
    plant.start()
    done = Acknowledged()
    clients = Clients(key, (plant.app_port, plant.api_port), done)
    clients.start()
    rng = random.Random(SEED)
    names = list(plant.parts)
    killed: Counter[str] = Counter()
    for _ in range(kills):
        time.sleep(rng.uniform(*PAUSE_S))
        name = rng.choice(names)
        plant.kill_and_restart(name, rng.uniform(0.0, 1.0))
        killed[name] += 1
    plant.wait_until_up()
    clients.stop()
    sys.stderr.write(f"killed {dict(killed)}, problems {dict(done.problems)}\n")
    return done


def _not_succeeded(services: Services, job_ids: list[int]) -> list[JobView]:
    return [found for job_id in job_ids if (found := view(services, job_id)).state != "succeeded"]


def _check(services: Services, done: Acknowledged) -> None:
    until(lambda: not list_unfinished(services), "jobs never end", LAST_JOBS_S)
    assert done.faults == []
    for kind in (done.uploads, done.inspections, done.overrides, done.batches, done.jobs, done.runs):
        assert kind, "a kind of work was never acknowledged: nothing was tested"
    with services.database.reading() as session:
        names = Counter(session.exec(select(Image.original_name)).all())
        rows = session.exec(select(Inspection)).all()
        items = session.exec(select(BatchItem)).all()
        overrides = session.exec(select(AuditLog).where(col(AuditLog.action) == "inspection.override")).all()
        active = session.exec(select(ModelVersion).where(ModelVersion.state == "active")).all()
        runs = session.exec(select(TrainingRun)).all()
    assert [name for name in done.uploads if names[name] != 1] == []
    serials = Counter(row.serial for row in rows if row.serial)
    assert {serial: count for serial, count in serials.items() if count != 1} == {}
    ids = {row.serial: row.id for row in rows}
    assert {serial: ids.get(serial) for serial in done.inspections} == done.inspections
    reasons = Counter(str(row.details.get("changes", {}).get("override_reason", ["", ""])[1]) for row in overrides)
    assert {reason: reasons[reason] for reason in done.overrides if reasons[reason] != 1} == {}
    for job_id in done.batches:
        own = [item for item in items if item.job_id == job_id]
        assert len(own) == BATCH_FILES
        assert {item.state for item in own} == {"done"}
    of_batches = [row for row in rows if (row.idempotency_key or "").startswith("batch:")]
    assert len(of_batches) == len(items) == len({row.idempotency_key for row in of_batches})
    # Whoever was answered started one batch, and nobody else did.
    assert len(items) == BATCH_FILES * len(set(done.batches))
    assert _not_succeeded(services, [*done.batches, *done.jobs]) == []
    assert sorted(run.id for run in runs) == sorted(set(done.runs))
    assert _not_succeeded(services, [run.job_id for run in runs if run.job_id]) == []
    assert Counter(row.active_key for row in active).most_common(1)[0][1] == 1
    assert list(find_missing(services, take_stock(services))) == []


def _survive(folder: Path, database: str, kills: int) -> None:
    with run_plant(folder, database=database) as plant:
        try:
            done = _run(plant, kills)
            services = build_services(plant.settings())
            _check(services, done)
            services.database.dispose()
            assert answers(f"http://localhost:{plant.app_port}/_stcore/health")
            assert all(plant.programs[name].responds() for name in (APP, API, WORKER))
        except BaseException:
            sys.stderr.write(plant.log_tails())
            raise


def test_a_dozen_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    with_short_path = Path(os.path.realpath(tmp_path))
    _survive(with_short_path / "p", "mariadb", KILLS)


@pytest.mark.full
@pytest.mark.parametrize("database", ["sqlite", "mariadb", "postgresql"])
def test_three_hundred_kills_lose_nothing_and_double_nothing(tmp_path: Path, database: str) -> None:
    _survive(tmp_path / "p", database, FULL_KILLS // 3)
