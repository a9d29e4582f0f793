"""kill -9 in the midst of uploads, inspections and overrides: whatever was acknowledged is there afterwards."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlmodel import select

from core.operations.stored_objects import find_missing, take_stock
from core.services import Services, build_services
from storage.tables import AuditLog, Image, Inspection
from tests.plates import copy_data, folder_settings

# `test_random_kills` does the same to a whole installation in each run; this one, more often, to one process.
pytestmark = [
    pytest.mark.full,
    pytest.mark.xdist_group("killed"),
    pytest.mark.skipif(sys.platform == "win32", reason="needs fork"),
]

KILLS = 10
SEED = 20_261_126
FIRST_ACKNOWLEDGEMENT_S = 120.0
ROOT = Path(__file__).resolve().parents[2]
Start = Callable[[Path, str, Path], int]


@pytest.fixture(scope="module")
def start() -> Iterator[Start]:
    """Yield a function that starts a process that does one kind of work without end, and returns its process id."""
    command = [sys.executable, "-m", "tests.faults.acknowledging"]
    env = {**os.environ, "GEOMSA_DEVICE": "cpu"}
    with subprocess.Popen(
        command, cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as starter:
        assert starter.stdin is not None
        assert starter.stdout is not None
        standard_input, output = starter.stdin, starter.stdout
        assert output.readline() == "ready\n"

        def start_one(data_dir: Path, kind: str, acknowledged: Path) -> int:
            standard_input.write(f"{data_dir} {kind} {acknowledged}\n")
            return int(output.readline())

        yield start_one
        standard_input.close()


def _wait_for(file: Path, pid: int) -> None:
    deadline = time.monotonic() + FIRST_ACKNOWLEDGEMENT_S
    while not (file.exists() and file.stat().st_size):
        assert Path(f"/proc/{pid}").exists(), "the process ended by itself"
        assert time.monotonic() < deadline, "nothing was acknowledged"
        time.sleep(0.005)


def _is_kept(services: Services, kind: str, line: str) -> bool:
    with services.database.reading() as session:
        if kind == "uploads":
            image = session.exec(select(Image).where(Image.original_name == line)).one_or_none()
            return image is not None and services.objects.exists(image.object_key)
        inspection_id, name = line.split()
        row = session.get(Inspection, int(inspection_id))
        if row is None or not services.objects.exists(row.image_key):
            return False
        if kind == "inspections":
            return row.serial == name
        entries = session.exec(select(AuditLog).where(AuditLog.subject_id == row.id)).all()
        reasons = {entry.details.get("changes", {}).get("override_reason", ["", ""])[1] for entry in entries}
        return name in reasons


@pytest.mark.parametrize("kind", ["uploads", "inspections", "overrides"])
def test_nothing_that_was_acknowledged_is_lost(tiny_template: Path, tmp_path: Path, start: Start, kind: str) -> None:
    data_dir = copy_data(tiny_template, tmp_path / "data")
    rng = random.Random(f"{SEED}-{kind}")
    lines: list[str] = []
    for number in range(KILLS):
        acknowledged = tmp_path / f"{kind}-{number}"
        pid = start(data_dir, kind, acknowledged)
        _wait_for(acknowledged, pid)
        time.sleep(rng.uniform(0.0, 0.25))
        os.kill(pid, signal.SIGKILL)
        while Path(f"/proc/{pid}").exists():
            time.sleep(0.002)
        lines += acknowledged.read_text(encoding="utf-8").splitlines()
    services = build_services(folder_settings(data_dir), migrate=True)
    try:
        assert len(lines) >= KILLS
        assert [line for line in lines if not _is_kept(services, kind, line)] == []
        # And no row names what was not stored.
        assert list(find_missing(services, take_stock(services))) == []
    finally:
        services.database.dispose()
