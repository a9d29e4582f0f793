"""A database that is gone, swapped or older than its object store: the start refuses or warns, and no file is lost."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from core import identity
from core.errors import Unavailable
from core.identity import AUDIT, OBJECT_KEY
from core.operations import health
from core.operations.orphans import collect_orphans, list_orphans
from core.operations.stored_objects import take_stock
from core.services import Services, build_services
from core.settings import Settings
from core.worker.supervisor import ChildWorker
from tests.stored import add_stored_images, age, objects_folder, put_lost, stored_keys

# Tests that start processes of their own run on one of the two cores, one after the other.
pytestmark = pytest.mark.xdist_group("worker")
ROOT = Path(__file__).resolve().parents[2]


def _run(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {
        **os.environ,
        "GEOMSA_DATA_DIR": str(settings.data_dir),
        "GEOMSA_DEVICE": "cpu",
        "GEOMSA_LANGUAGE": "en",
    }
    done = subprocess.run(
        [sys.executable, "-m", "core", *arguments],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def _snapshot(folder: Path) -> dict[str, tuple[int, float]]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime) for path in files}


def _remove_database(services: Services) -> None:
    services.database.dispose()
    for path in services.settings.data_dir.glob("geomsa.db*"):
        path.unlink()


def _copy_database(services: Services, target: Path) -> None:
    with (
        closing(sqlite3.connect(services.settings.data_dir / "geomsa.db")) as source,
        closing(sqlite3.connect(target)) as copy,
    ):
        source.backup(copy)


@pytest.fixture
def full(services: Services) -> Services:
    """Return 3,005 old objects, all of them named: 1,502 images with their thumbnails, and a lost one."""
    add_stored_images(services, 1502)
    put_lost(services, 1)
    age(services)
    assert len(stored_keys(services)) == 3005
    return services


def test_a_removed_database_is_not_followed_by_an_empty_one(full: Services) -> None:
    before = _snapshot(objects_folder(full))
    _remove_database(full)
    with pytest.raises(Unavailable) as refused:
        build_services(full.settings, migrate=True)
    assert refused.value.code == "store_foreign"
    for arguments in (("migrate",), ("worker",), ("demo",)):
        done = _run(full.settings, *arguments)
        assert done.returncode == 1
        assert "do not belong together" in done.stderr
        assert "Nothing was changed" in done.stderr
    report = json.loads(_run(full.settings, "doctor", "--json").stdout)
    findings = {check["name"]: check for check in report["checks"]}
    assert not report["ok"]
    assert findings["identity"]["code"] == "store_foreign"
    assert (findings["orphans"]["ok"], findings["orphans"]["params"]["count"]) == (False, 3005)
    opened = build_services(full.settings, verify_store=False)
    assert collect_orphans(opened) == 0
    ChildWorker(opened).tidy()
    opened.database.dispose()
    assert _snapshot(objects_folder(full)) == before


def test_a_folder_of_the_version_before_whose_database_was_removed_is_refused_too(full: Services) -> None:
    full.objects.delete(OBJECT_KEY)
    _remove_database(full)
    with pytest.raises(Unavailable) as refused:
        build_services(full.settings, migrate=True)
    assert refused.value.code == "store_foreign"
    assert len(stored_keys(full)) == 3005


@pytest.mark.full
def test_adopting_takes_the_files_over_and_nothing_goes_by_itself(full: Services) -> None:
    _remove_database(full)
    before = {key: value for key, value in _snapshot(objects_folder(full)).items() if key != OBJECT_KEY}
    done = _run(full.settings, "migrate", "--adopt")
    assert done.returncode == 0, done.stderr
    assert "adopted with 3005 files, 3005 of them named by no row" in done.stderr
    again = build_services(full.settings)
    ChildWorker(again).tidy()
    assert collect_orphans(again) == 0
    finding = next(check for check in health.check(again) if check.name == "orphans")
    assert (finding.ok, finding.code, finding.params["count"]) == (False, "check_orphans_many", 3005)
    again.database.dispose()
    after = {
        key: value for key, value in _snapshot(objects_folder(full)).items() if not key.startswith((OBJECT_KEY, AUDIT))
    }
    assert after == before
    refused = _run(full.settings, "doctor", "--repair")
    assert refused.stdout.count("orphan   ") == 3005
    assert "only with --yes" in refused.stderr
    agreed = json.loads(_run(full.settings, "doctor", "--repair", "--yes", "--json").stdout)
    assert (agreed["moved_to_trash"], len(agreed["orphans"]), agreed["missing"]) == (3005, 3005, [])
    assert len(stored_keys(full, "trash/")) == 3005


@pytest.mark.full
def test_a_new_store_leaves_the_files_untouched_beside_it(full: Services) -> None:
    _remove_database(full)
    before = _snapshot(objects_folder(full))
    done = _run(full.settings, "migrate", "--new-store")
    assert done.returncode == 0, done.stderr
    (aside,) = full.settings.data_dir.glob("objects-set-aside-*")
    assert str(aside) in done.stderr
    assert _snapshot(aside) == before
    again = build_services(full.settings)
    assert stored_keys(again) == []
    again.database.dispose()
    assert _run(full.settings, "migrate").returncode == 0


def test_the_two_ways_exclude_each_other(settings: Settings) -> None:
    assert _run(settings, "migrate", "--adopt", "--new-store").returncode == 2


def test_a_disk_that_is_not_mounted_is_told_and_nothing_is_written(full: Services) -> None:
    away = full.settings.data_dir / "elsewhere"
    objects_folder(full).rename(away)
    done = _run(full.settings, "migrate")
    assert done.returncode == 1
    assert "is empty, but the database names files in it" in done.stderr
    assert [path for path in objects_folder(full).rglob("*") if path.is_file()] == []
    shutil.rmtree(objects_folder(full))
    away.rename(objects_folder(full))
    assert _run(full.settings, "migrate").returncode == 0


def test_an_older_copy_of_the_database_loses_none_of_the_newer_files(
    services: Services, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    add_stored_images(services, 200)
    age(services)
    _copy_database(services, tmp_path / "backup.db")
    ChildWorker(services).tidy()
    add_stored_images(services, 4, first=200)
    age(services)
    _remove_database(services)
    shutil.copyfile(tmp_path / "backup.db", services.settings.data_dir / "geomsa.db")
    before = _snapshot(objects_folder(services))

    again = build_services(services.settings)
    assert "older than the object store" in caplog.text
    # Less than a twentieth: without the generation they would go.
    assert len(list_orphans(take_stock(again))) == 8
    ChildWorker(again).tidy()
    assert collect_orphans(again) == 0
    findings = {check.name: check for check in health.check(again)}
    assert (findings["identity"].ok, findings["identity"].code) == (False, "store_newer")
    again.database.dispose()
    assert _snapshot(objects_folder(services)) == before

    assert _run(services.settings, "migrate", "--adopt").returncode == 0
    adopted = build_services(services.settings)
    assert not identity.require_pair(adopted).is_behind
    # Known again, and still nothing of what was unknown then goes by itself.
    ChildWorker(adopted).tidy()
    assert len(stored_keys(adopted)) == 408
    assert stored_keys(adopted, "trash/") == []
    adopted.database.dispose()


def test_the_cleanup_of_an_older_copys_job_keeps_the_bundles_of_the_newer_one(services: Services) -> None:
    from core.deployments import cleanup

    key = "models/memory_bank/7-1-abc/manifest.json"
    services.objects.put(key, b"{}")
    known = identity.establish(services).id
    services.objects.put(OBJECT_KEY, json.dumps({"id": known, "generation": 5}).encode())
    cleanup.clean_up(services, 7)
    assert services.objects.exists(key)
    services.objects.put(OBJECT_KEY, json.dumps({"id": known, "generation": 1}).encode())
    cleanup.clean_up(services, 7)
    assert not services.objects.exists(key)


@pytest.mark.full
def test_five_hundred_deleted_files_are_told_by_number_and_by_name(services: Services) -> None:
    keys = add_stored_images(services, 600)
    for key in keys[:500]:
        (objects_folder(services) / key).unlink()
    trashed = keys[550]
    services.objects.move(trashed, f"trash/20260101/{trashed}")
    found = _report(services, "doctor", "--json")
    assert not found["ok"]
    assert found["checks"]["missing"]["params"]["count"] == 501
    assert "501" in found["checks"]["missing"]["message"]
    repaired = _report(services, "doctor", "--repair", "--json")
    assert repaired["restored"] == [trashed]
    assert sorted(one["key"] for one in repaired["missing"]) == sorted(keys[:500])
    assert {one["name"] for one in repaired["missing"]} == {f"plate_normal_{n:05d}.png" for n in range(500)}
    lines = _run(services.settings, "doctor", "--repair").stdout.splitlines()
    assert sum(line.startswith("missing  images ") for line in lines) == 500
    again = build_services(services.settings)
    with again.database.reading() as session:
        from sqlmodel import func, select

        from storage.tables import Image

        assert session.exec(select(func.count()).select_from(Image)).one() == 600
    again.database.dispose()


def _report(services: Services, *arguments: str) -> Any:
    done = _run(services.settings, *arguments)
    assert done.returncode == 1
    report = json.loads(done.stdout)
    report["checks"] = {check["name"]: check for check in report["checks"]}
    return report


@pytest.mark.full
def test_a_folder_of_before_starts_and_gets_its_identity_once(services: Services) -> None:
    add_stored_images(services, 10)
    services.objects.delete(OBJECT_KEY)
    with services.database.unit_of_work() as session:
        from storage.tables import SystemConfig

        session.delete(session.get_one(SystemConfig, identity.KEY))
        session.commit()
    services.database.dispose()
    first, second = _run(services.settings, "migrate"), _run(services.settings, "migrate")
    assert (first.returncode, second.returncode) == (0, 0)
    assert first.stderr.count("this installation gets an identity") == 1
    assert "identity" not in second.stderr
    report = json.loads(_run(services.settings, "doctor", "--json").stdout)
    assert [check["name"] for check in report["checks"] if not check["ok"]] == []
