"""Following several jobs at once, with workers of one's own that share the cores."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from core import catalog, job_terms, job_views, jobs, model_kinds, worker
from core.access import Person
from core.command_line.job_following import follow
from core.command_line.terminal import StatusLine
from core.services import Services
from inference.parallel import CORES


@pytest.fixture
def job_ids(services: Services, engineer: Person) -> list[int]:
    products = [catalog.create_product(services, engineer, code=code, name=code) for code in ("left", "right")]
    return [
        jobs.submit(services, engineer, kind=model_kinds.MEMORY_BANK, product_ids=[found.id or 0]) for found in products
    ]


def test_two_jobs_run_side_by_side_and_share_the_cores(
    services: Services, job_ids: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[int | None] = []

    def spawn(claim: job_terms.Claim, threads: int | None) -> subprocess.Popen[bytes]:
        given.append(threads)
        # Ends only when the other one has begun, too.
        (tmp_path / str(claim.job_id)).touch()
        code = (
            f"import pathlib, time\nwhile len(list(pathlib.Path({str(tmp_path)!r}).iterdir())) < 2: time.sleep(0.05)\n"
        )
        return subprocess.Popen([sys.executable, "-c", code + "raise SystemExit(7)"], process_group=0)

    tmp_path = tmp_path / "begun"
    tmp_path.mkdir()
    monkeypatch.setattr(worker, "_spawn_child", spawn)
    views = follow(services, job_ids, language="en", workers=2)
    assert [view.id for view in views] == job_ids
    assert [(view.state, view.error.code if view.error else "") for view in views] == [("failed", "job_crashed")] * 2
    assert given == [max(1, CORES // 2)] * 2


def test_a_worker_alone_has_all_cores(services: Services, job_ids: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[int | None] = []

    def spawn(claim: job_terms.Claim, threads: int | None) -> subprocess.Popen[bytes]:
        given.append(threads)
        return subprocess.Popen([sys.executable, "-c", "raise SystemExit(7)"], process_group=0)

    monkeypatch.setattr(worker, "_spawn_child", spawn)
    follow(services, job_ids, language="en")
    assert given == [None, None]


def test_an_interrupt_cancels_what_is_not_over(
    services: Services, job_ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def spawn(claim: job_terms.Claim, threads: int | None) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], process_group=0)

    def interrupt(*_words: object) -> None:
        if job_views.view(services, job_ids[0]).state == "running":
            raise KeyboardInterrupt

    monkeypatch.setattr(worker, "_spawn_child", spawn)
    monkeypatch.setattr(StatusLine, "show", interrupt)
    with pytest.raises(KeyboardInterrupt):
        follow(services, job_ids, language="en")
    views = [job_views.view(services, job_id) for job_id in job_ids]
    assert all(view.cancel_requested or view.state == "cancelled" for view in views)
