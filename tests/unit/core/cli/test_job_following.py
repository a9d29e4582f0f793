"""Following several jobs at once, with workers of one's own that share the cores."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from core.__main__ import main
from core.access import Person
from core.catalog import products
from core.cli.job_following import follow
from core.cli.terminal import StatusLine
from core.jobs import claims, queue, terms, views
from core.jobs.outages import OUTAGE_ATTEMPTS
from core.models.kinds import MEMORY_BANK
from core.services import Services
from core.worker import supervisor
from inference.parallel import CORES


@pytest.fixture
def job_ids(services: Services, engineer: Person) -> list[int]:
    made = [products.create_product(services, engineer, code=code, name=code) for code in ("left", "right")]
    return [queue.submit(services, engineer, kind=MEMORY_BANK, product_ids=[found.id]) for found in made]


def test_two_jobs_run_side_by_side_and_share_the_cores(
    services: Services, job_ids: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[int | None] = []

    def spawn(claim: terms.Claim, threads: int | None) -> subprocess.Popen[bytes]:
        given.append(threads)
        # Ends only when the other one has begun, too.
        (tmp_path / str(claim.job_id)).touch()
        code = (
            f"import pathlib, time\nwhile len(list(pathlib.Path({str(tmp_path)!r}).iterdir())) < 2: time.sleep(0.05)\n"
        )
        return subprocess.Popen([sys.executable, "-c", code + "raise SystemExit(7)"], process_group=0)

    tmp_path = tmp_path / "begun"
    tmp_path.mkdir()
    monkeypatch.setattr(supervisor, "spawn_child", spawn)
    views = follow(services, job_ids, language="en", workers=2)
    assert [view.id for view in views] == job_ids
    assert [(view.state, view.error.code if view.error else "") for view in views] == [("failed", "job_crashed")] * 2
    assert given == [max(1, CORES // 2)] * 2


def test_a_worker_alone_has_all_cores(services: Services, job_ids: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[int | None] = []

    def spawn(claim: terms.Claim, threads: int | None) -> subprocess.Popen[bytes]:
        given.append(threads)
        return subprocess.Popen([sys.executable, "-c", "raise SystemExit(7)"], process_group=0)

    monkeypatch.setattr(supervisor, "spawn_child", spawn)
    follow(services, job_ids, language="en")
    assert given == [None, None]


def test_an_interrupt_cancels_what_is_not_over(
    services: Services, job_ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def spawn(claim: terms.Claim, threads: int | None) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], process_group=0)

    def interrupt(*_words: object) -> None:
        if views.view(services, job_ids[0]).state == "running":
            raise KeyboardInterrupt

    monkeypatch.setattr(supervisor, "spawn_child", spawn)
    monkeypatch.setattr(StatusLine, "show", interrupt)
    with pytest.raises(KeyboardInterrupt):
        follow(services, job_ids, language="en")
    left = [views.view(services, job_id) for job_id in job_ids]
    assert all(view.cancel_requested or view.state == "cancelled" for view in left)


def test_a_child_that_finds_the_database_away_costs_an_attempt_and_not_the_job(
    services: Services, job_ids: list[int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    worker = supervisor.ChildWorker(services)
    for attempt in range(1, OUTAGE_ATTEMPTS + 1):
        claim = claims.claim_next(services, "w")
        assert claim is not None
        assert (claim.job_id, claim.attempt) == (job_ids[0], attempt)
        with monkeypatch.context() as patch:
            patch.setenv("GEOMSA_DATA_DIR", str(services.settings.data_dir))
            patch.setenv("GEOMSA_DATABASE_URL", "postgresql+psycopg://u:p@127.0.0.1:9/none")
            status = main(["run-job", str(claim.job_id), str(claim.fencing_token)])
        assert status == supervisor.AWAY
        assert "does not answer" in capsys.readouterr().err
        worker.conclude(claim, status, None)
        ended = views.view(services, claim.job_id)
        assert ended.state == ("queued" if attempt < OUTAGE_ATTEMPTS else "failed")
    assert ended.error is not None
    assert ended.error.code == "job_crashed"
