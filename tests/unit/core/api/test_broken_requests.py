"""A request whose process was killed before it answered: sent again, it makes nothing twice and is answered at once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from sqlmodel import select

from core.errors import Unavailable
from core.jobs import views
from core.services import Services
from inference.processes import has_certainly_ended, name_process
from storage.tables import ApiAnswer, Job
from tests.api_server import ApiClient, make_client, serve_api
from tests.plates import ingest_plates


@pytest.fixture
def client(services: Services) -> Iterator[ApiClient]:
    ingest_plates(services, services.settings.data_dir.parent)
    with serve_api(services) as port:
        yield make_client(services, port)


def _ask(client: ApiClient) -> tuple[int, list[int]]:
    answer = client.ask(
        "POST", "/v1/deployments", body={"kind": "memory_bank", "products": ["plate"]}, headers={"Idempotency-Key": "k"}
    )
    return answer.status, [one["id"] for one in answer.json().get("items", [])]


def _jobs(services: Services) -> list[int]:
    with services.database.reading() as session:
        return list(session.exec(select(Job.id)).all())


def test_a_job_that_was_queued_before_the_answer_broke_off_is_the_answer(
    services: Services, client: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:

        def break_off(_services: Services, _job_id: int) -> None:
            raise Unavailable("database_unavailable")

        patch.setattr(views, "view", break_off)
        assert _ask(client)[0] == 503
    (job_id,) = _jobs(services)
    assert _ask(client) == (202, [job_id])
    assert _ask(client) == (202, [job_id])
    assert _jobs(services) == [job_id]


def test_a_request_of_an_ended_process_that_queued_nothing_begins_anew(services: Services, client: ApiClient) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", "from inference.processes import name_process; print(name_process())"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    status, job_ids = _ask(client)
    assert status == 202
    with services.database.unit_of_work() as session:
        row = session.exec(select(ApiAnswer)).one()
        row.status, row.body, row.location = 0, ended, ""
        session.add(row)
        for job in session.exec(select(Job)):
            job.state = "cancelled"
            session.add(job)
        session.commit()
    status, again = _ask(client)
    assert status == 202
    assert again != job_ids


def test_a_process_is_only_taken_for_ended_when_it_certainly_is() -> None:
    own = name_process()
    assert own.split("/")[2] == str(os.getpid())
    assert not has_certainly_ended(own)
    boot, space, pid, started = own.split("/")
    assert has_certainly_ended("/".join([boot, space, pid, str(int(started) + 1)]))
    assert not has_certainly_ended("/".join(["another machine", space, pid, "1"]))
    assert not has_certainly_ended("/".join([boot, "another space", pid, "1"]))
    assert not has_certainly_ended("")
