"""kill -9 of whoever watches a folder, at every point and at any moment: each file has one inspection and is moved."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlmodel import select

from core.accounts.people import open_person
from core.catalog.products import find_product
from core.deliveries.settings import WebhookSettings
from core.deliveries.targets import add_target, set_target_active
from core.operations.stored_objects import find_missing, take_stock
from core.services import Services, build_services
from core.watching.folders import add_folder
from core.watching.settings import WatchSettings
from storage.tables import Delivery, Inspection, WatchFile
from tests.faults.watching_folder import POINTS
from tests.plates import copy_data, encode, folder_settings, plate

pytestmark = [pytest.mark.xdist_group("killed"), pytest.mark.skipif(sys.platform == "win32", reason="needs fork")]

ROOT = Path(__file__).resolve().parents[2]
FILES, BAD = 24, 4
KILLS = 8
SEED = 20_261_127
Start = Callable[..., int]


@pytest.fixture(scope="module")
def start() -> Iterator[Start]:
    """Yield a function that starts a process which watches the folder, and returns its process id."""
    command = [sys.executable, "-m", "tests.faults.watching_folder"]
    env = {**os.environ, "GEOMSA_DEVICE": "cpu"}
    with subprocess.Popen(
        command, cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as starter:
        assert starter.stdin is not None
        assert starter.stdout is not None
        standard_input, output = starter.stdin, starter.stdout
        assert output.readline() == "ready\n"

        def start_one(data_dir: Path, folder: Path, point: str, marker: Path) -> int:
            standard_input.write(f"{data_dir} {folder} {point} {marker}\n")
            return int(output.readline())

        yield start_one
        standard_input.close()


@pytest.fixture
def services(tiny_template: Path, tmp_path: Path) -> Iterator[Services]:
    services = build_services(folder_settings(copy_data(tiny_template, tmp_path / "data")))
    yield services
    services.database.dispose()


@pytest.fixture
def folder(services: Services, tmp_path: Path) -> Path:
    """Return a folder with images and files that are none, watched for the product; results go to a target."""
    path = tmp_path / "in"
    path.mkdir()
    for number in range(FILES):
        (path / f"part-{number:02d}.png").write_bytes(encode(plate(number, ("good", "spot")[number % 2])))
    for number in range(BAD):
        (path / f"bad-{number}.png").write_bytes(b"no image")
    engineer, product = open_person(services, "engineer"), find_product(services, "plate")
    add_folder(services, engineer, path, product_id=product.id, settings=WatchSettings(settle_s=0.0))
    settings = WebhookSettings("http://127.0.0.1:9/nobody")
    target_id = add_target(services, engineer, name="mes", settings=settings)
    set_target_active(services, engineer, target_id, False)
    return path


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    while Path(f"/proc/{pid}").exists():
        time.sleep(0.002)


def _wait_for(marker: Path, pid: int) -> str:
    deadline = time.monotonic() + 120
    while not (marker.exists() and marker.stat().st_size):
        assert Path(f"/proc/{pid}").exists() or marker.exists(), "the process ended by itself"
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.005)
    return marker.read_text()


def _see_it_through(services: Services, folder: Path, start: Start, tmp_path: Path) -> None:
    marker = tmp_path / "end"
    pid = start(services.settings.data_dir, folder, "-", marker)
    assert _wait_for(marker, pid) == "done"
    names = [f"part-{number:02d}.png" for number in range(FILES)]
    with services.database.reading() as session:
        rows = list(session.exec(select(Inspection)))
        deliveries = list(session.exec(select(Delivery)))
        files = list(session.exec(select(WatchFile)))
    assert Counter(row.original_name for row in rows) == Counter(names)
    assert sorted(path.name for path in (folder / "done").rglob("*.png")) == names
    rejected = sorted(path.name for path in (folder / "rejected").iterdir())
    assert rejected == sorted(f"bad-{n}.png{ending}" for n in range(BAD) for ending in ("", ".reason.txt"))
    assert [path.name for path in folder.iterdir() if path.is_file()] == []
    # One message an inspection, in one sequence; and no row names what was not stored.
    assert sorted(row.inspection_id for row in deliveries) == sorted(row.id for row in rows)
    assert sorted(row.sequence for row in deliveries) == list(range(1, FILES + 1))
    assert {row.finished_at is not None for row in files} == {True}
    assert len(files) == FILES + BAD
    assert list(find_missing(services, take_stock(services))) == []


@pytest.mark.parametrize("point", sorted(POINTS))
def test_a_kill_at_a_named_point_leaves_each_file_inspected_once(
    services: Services, folder: Path, start: Start, tmp_path: Path, point: str
) -> None:
    marker = tmp_path / "paused"
    pid = start(services.settings.data_dir, folder, point, marker)
    assert _wait_for(marker, pid) == str(pid)
    _kill(pid)
    _see_it_through(services, folder, start, tmp_path)


def test_kills_at_any_moment_leave_each_file_inspected_once(
    services: Services, folder: Path, start: Start, tmp_path: Path
) -> None:
    rng = random.Random(SEED)
    for number in range(KILLS):
        pid = start(services.settings.data_dir, folder, "-", tmp_path / f"end-{number}")
        time.sleep(rng.uniform(0.3, 1.5))
        _kill(pid)
    _see_it_through(services, folder, start, tmp_path)
