"""Whether a process can work: each part is asked, none for longer than a moment, and no secret is told."""

from __future__ import annotations

import dataclasses
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from core.errors import AppError, Unavailable
from core.jobs.heartbeats import beat
from core.operations.readiness import ReadinessProbe
from core.services import Services, build_services
from core.settings import S3Settings
from storage.database import Database
from storage.objects import S3Objects


def _states(services: Services) -> dict[str, str | None]:
    return {part.name: part.code for part in ReadinessProbe(lambda: services).look().parts}


@contextmanager
def _silent_server() -> Iterator[int]:
    """Listen, take connections, and say nothing: a server that hangs."""
    with socket.create_server(("127.0.0.1", 0), backlog=20) as listening:
        yield int(listening.getsockname()[1])


def test_every_part_is_looked_at_and_a_missing_worker_is_no_reason_to_take_no_requests(services: Services) -> None:
    found = ReadinessProbe(lambda: services).look()
    assert (found.is_ready, found.status) == (True, "degraded")
    assert {part.name: part.code for part in found.parts} == {
        "database": None, "object_store": None, "worker": "worker_silent", "models": None,
    }  # fmt: skip
    beat(services, "w1", host="line-1", pid=1, job_id=None)
    assert ReadinessProbe(lambda: services).look().status == "ok"


def test_a_database_that_is_away_is_told_and_noticed_when_it_is_back(services: Services) -> None:
    away = Database("mysql+pymysql://geomsa:s3cret-pass@127.0.0.1:9/geomsa")
    broken = dataclasses.replace(services, database=away)
    probe = ReadinessProbe(lambda: broken)
    found = probe.look()
    assert not found.is_ready
    assert "s3cret-pass" not in json.dumps(found.to_json())
    assert found.to_json()["parts"]["database"] == {"state": "failed", "code": "database_unavailable"}
    with pytest.raises(Unavailable) as raised:
        probe.require_ready()
    assert raised.value.code == "database_unavailable"
    assert _states(services)["database"] is None


def test_a_store_that_hangs_costs_a_moment_and_is_not_asked_twice_at_once(services: Services) -> None:
    with _silent_server() as port:
        stored = S3Settings(f"http://127.0.0.1:{port}", "bucket", "kr-standard", "key", "s3cret-key")
        store = S3Objects(
            endpoint=stored.endpoint, bucket="bucket", region="kr-standard", access_key="key", secret_key="s3cret-key"
        )
        probe = ReadinessProbe(lambda: dataclasses.replace(services, objects=store), timeout_s=0.2)
        before = threading.active_count()
        for _ in range(2):
            found = probe.look()
            assert not found.is_ready
            assert found.find("object_store") is not None
            assert found.to_json()["parts"]["object_store"]["code"] == "part_timed_out"
            assert found.to_json()["parts"]["database"] == {"state": "ok"}
        assert threading.active_count() - before <= 2
        assert "s3cret-key" not in json.dumps(found.to_json())


def test_services_that_cannot_be_opened_are_tried_again(services: Services) -> None:
    tries: list[int] = []

    def open_services() -> Services:
        tries.append(1)
        if len(tries) == 1:
            raise AppError("database_not_migrated")
        return services

    probe = ReadinessProbe(open_services)
    first = probe.look()
    assert (first.is_ready, first.parts[0].code, len(first.parts)) == (False, "database_not_migrated", 1)


def test_a_database_of_another_version_is_not_ready(services: Services) -> None:
    with services.database.unit_of_work() as session:
        from sqlalchemy import text

        session.execute(text("UPDATE alembic_version SET version_num = '0001'"))
        session.commit()
    assert _states(services)["database"] == "database_not_migrated"
    with pytest.raises(AppError):
        build_services(services.settings)


def test_a_model_whose_files_are_gone_is_named(services: Services) -> None:
    from core.models.kinds import MEMORY_BANK
    from storage.tables import ModelVersion

    with services.database.unit_of_work() as session:
        session.add(
            ModelVersion(
                kind=MEMORY_BANK, scope="product:1", number=1, state="active", active_key="memory_bank:product:1",
                model_name="patchcore", object_prefix="models/gone/", manifest_sha256="0" * 64, fingerprint="0" * 64,
            )
        )  # fmt: skip
        session.commit()
    assert _states(services)["models"] == "model_files_missing"
    services.objects.put("models/gone/manifest.json", b"{}")
    assert _states(services)["models"] is None
