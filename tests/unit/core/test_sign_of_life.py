"""A worker's sign of life, for whoever restarts it on its own machine."""

from __future__ import annotations

import dataclasses
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from core.__main__ import main
from core.services import Services
from core.worker.sign_of_life import SignOfLife, read_signs
from core.worker.supervisor import ChildWorker
from storage.database import Database


def test_a_worker_that_waits_for_the_database_lives_and_says_what_it_waits_for(
    services: Services, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEOMSA_DATA_DIR", str(services.settings.data_dir))
    assert main(["worker", "--health"]) == 1
    away = dataclasses.replace(services, database=Database("mysql+pymysql://geomsa:x@127.0.0.1:9/geomsa"))
    worker = ChildWorker(away)
    seen: list[str | None] = []

    def look(*_: object) -> None:
        if seen:
            return
        seen.extend(sign.waits_for for sign in read_signs(services.settings.data_dir) if sign.is_alive)
        assert main(["worker", "--health"]) == 0
        worker.stop()

    monkeypatch.setattr("core.worker.supervisor.logger.warning", look)
    worker.run()
    assert seen[0] == "database_unavailable"
    assert main(["worker", "--health"]) == 1
    assert "no worker runs" in capsys.readouterr().err


def test_a_sign_of_a_process_that_is_gone_or_hangs_counts_for_nothing(services: Services) -> None:
    data_dir = services.settings.data_dir
    SignOfLife(data_dir).give(5, waits_for="database_unavailable")
    (sign,) = read_signs(data_dir)
    assert (sign.pid, sign.job_id, sign.waits_for, sign.is_alive) == (os.getpid(), 5, "database_unavailable", True)
    assert not dataclasses.replace(sign, age_s=3600.0).is_alive
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    path = next((data_dir / "run").iterdir())
    gone = path.with_name(path.name.replace(str(os.getpid()), ended.stdout.strip()))
    gone.write_text(path.read_text().replace(str(os.getpid()), ended.stdout.strip()))
    assert [one.pid for one in read_signs(data_dir)] == [os.getpid()]
    assert not gone.exists()


def test_systemd_is_told_when_work_begins_goes_on_and_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        sign = SignOfLife(tmp_path)
        sign.give()
        sign.give()  # nothing new, and a moment later: not said again
        sign.give(7)
        sign.end()
        assert [manager.recv(100) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1", b"STOPPING=1"]
