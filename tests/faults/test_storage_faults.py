"""Full disks and processes killed at the worst moment: the old state or the new one, never half of one."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from storage.database import Database
from storage.objects import LocalObjects, ObjectStoreError
from storage.tables import Product

ROOT = Path(__file__).parents[2]

PUT_WITH_LITTLE_ROOM = """
import resource, sys
from pathlib import Path
from storage.objects import LocalObjects, ObjectStoreError
store = LocalObjects(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    store.put("images/1", b"n" * 1_000_000)
except ObjectStoreError as error:
    print(error.code, error.params["reason"])
"""

WRITE_WITH_LITTLE_ROOM = """
import resource, sys
from storage.database import Database, DatabaseError
from storage.tables import Product
database = Database(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    with database.unit_of_work() as session:
        session.add(Product(code="big", name="", description="x" * 2_000_000))
        session.commit()
    print("stored")
except DatabaseError as error:
    print(error.code, error.params["reason"])
"""

STOP_BEFORE_RENAME = """
import sys, time
from pathlib import Path
from storage.objects import LocalObjects
def halt(event, arguments):
    if event == "os.rename":
        print("at the rename", flush=True)
        time.sleep(60)
sys.addaudithook(halt)
LocalObjects(Path(sys.argv[1])).put("images/1", b"new" * 1000)
"""


def _run(program: str, *arguments: str) -> str:
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, timeout=60).stdout.strip()


def _files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_full_disk_keeps_the_old_object_and_leaves_nothing(tmp_path: Path) -> None:
    store = LocalObjects(tmp_path)
    store.put("images/1", b"old")
    assert _run(PUT_WITH_LITTLE_ROOM, str(tmp_path)) == "object_store_full disk"
    assert store.get("images/1") == b"old"
    assert _files(tmp_path) == ["images/1"]


def test_a_process_killed_before_the_rename_leaves_no_visible_object(tmp_path: Path) -> None:
    command = [sys.executable, "-c", STOP_BEFORE_RENAME, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"at the rename\n"
        process.kill()
    store = LocalObjects(tmp_path)
    assert list(store.list()) == []
    assert not store.exists("images/1")
    (abandoned,) = [tmp_path / name for name in _files(tmp_path)]
    store.check()
    assert abandoned.exists()  # it might still be growing
    two_days_ago_s = time.time() - 2 * 24 * 3600
    os.utime(abandoned, (two_days_ago_s, two_days_ago_s))
    store.check()
    assert _files(tmp_path) == []


def test_a_database_without_room_says_so_and_keeps_what_it_had(tmp_path: Path) -> None:
    path = tmp_path / "geomsa.sqlite3"
    database = Database(f"sqlite:///{path}")
    database.migrate()
    with database.unit_of_work() as session:
        session.add(Product(code="kept", name=""))
        session.commit()
    database.dispose()
    room = str(path.stat().st_size + 500_000)
    assert _run(WRITE_WITH_LITTLE_ROOM, f"sqlite:///{path}", room) in {
        "database_full disk",
        "database_unavailable io",
    }
    with database.reading() as session:
        kept = session.get(Product, 1)
    assert kept is not None
    assert kept.code == "kept"
    with database.unit_of_work() as session:
        session.add(Product(code="later", name=""))
        session.commit()
    database.dispose()


@pytest.mark.skipif(os.geteuid() == 0 and not Path("/proc/mounts").exists(), reason="needs Linux")
def test_a_really_full_file_system_is_told_as_full(tmp_path: Path) -> None:
    tiny = tmp_path / "tiny"
    tiny.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(tiny)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("mounting a small file system is not allowed here")
    try:
        store = LocalObjects(tiny / "objects")
        database = Database(f"sqlite:///{tiny / 'geomsa.sqlite3'}")
        database.migrate()
        with pytest.raises(ObjectStoreError) as caught:
            store.put("big", bytes(3 << 20))
        assert caught.value.code == "object_store_full"
        assert _files(tiny / "objects") == []
        printed = _run(WRITE_WITH_LITTLE_ROOM, f"sqlite:///{tiny / 'geomsa.sqlite3'}", str(resource.RLIM_INFINITY))
        assert printed == "database_full disk"
        database.check()
        database.dispose()
    finally:
        subprocess.run(["umount", "-l", str(tiny)], check=False)
