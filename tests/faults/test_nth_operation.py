"""Let the N-th operation fail for N = 1, 2, 3 … until the deployment succeeds: the old version or the new one inspects.

After SQLite's way of testing. The job is worked off in this process along the worker's path, so that nothing but the
operation differs from a real one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.accounts.people import open_person
from core.catalog.products import find_product
from core.deployments import candidates, cleanup, pipeline
from core.errors import AppError
from core.jobs import claims, progress, queue, terms, views
from core.models.cache import ModelCache
from core.models.kinds import MEMORY_BANK
from core.registry import publishing, retention
from core.registry.publishing import PublishedBundle
from core.services import Services, build_services
from core.worker import supervisor
from storage.database import DatabaseError
from storage.objects import ObjectStoreError
from tests.faults.deployed_state import find_faults, give_verdict
from tests.faults.failing_parts import FAULTS, Countdown
from tests.plates import copy_data, folder_settings, submit_and_claim

pytestmark = pytest.mark.xdist_group("worker")

MOST_OPERATIONS = 2000
# Every so-manieth operation: `make test` has no time for all of them.
STRIDES = {"objects": 7, "object responses": 11, "database": 41, "commits": 13, "files": 7}


@pytest.fixture
def services(tiny_template: Path, tmp_path: Path) -> Iterator[Services]:
    built = build_services(folder_settings(copy_data(tiny_template, tmp_path / "tiny-data")))
    yield built
    built.database.dispose()


@pytest.fixture
def product_id(services: Services) -> int:
    return find_product(services, "plate").id


@pytest.fixture(autouse=True)
def _nothing_by_clock_or_age(monkeypatch: pytest.MonkeyPatch) -> None:
    # Within a stage, reports come by the clock: on a busy machine the N-th operation would be another one each time.
    monkeypatch.setattr(progress, "REPORT_EVERY_S", math.inf)
    # What a store that is away keeps of versions that are too old is for the collection of orphans.
    monkeypatch.setattr(retention, "expire_versions", lambda *_given, **_more: [])


def _attempt(
    services: Services, product_id: int, fault: str, number: int, *, goes_on: bool = True
) -> tuple[int, Countdown]:
    """Work off one job with its fault, ended as the worker and its child do; the worker itself meets none.

    A job that only met an outage `goes_on`: its next attempt meets none.
    """
    job_id, claim = submit_and_claim(services, open_person(services, "engineer"), MEMORY_BANK, product_id)
    countdown = Countdown(number)
    with FAULTS[fault](services, countdown):
        try:
            status = supervisor.run_claimed_job(services, claim.job_id, claim.fencing_token)
        except (AppError, DatabaseError, ObjectStoreError, OSError):
            status = 1  # what the interpreter ends with
    supervisor.ChildWorker(services).conclude(claim, status, None)
    if goes_on and views.view(services, job_id).state == "queued":
        again = claims.claim_next(services, "w")
        assert again is not None
        status = supervisor.run_claimed_job(services, again.job_id, again.fencing_token)
        supervisor.ChildWorker(services).conclude(again, status, None)
        assert views.view(services, job_id).state == "succeeded"
    return job_id, countdown


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.full)], ids=["some", "every"])
@pytest.mark.parametrize("fault", list(FAULTS))
def test_whichever_operation_fails_the_old_version_or_the_new_one_inspects(
    fault: str, every: bool, services: Services, product_id: int, tmp_path: Path
) -> None:
    before = give_verdict(services, product_id)
    for number in range(1, MOST_OPERATIONS, 1 if every else STRIDES[fault]):
        job_id, countdown = _attempt(services, product_id, fault, number)
        faults = find_faults(services, product_id, before=before, scratch=tmp_path / "scratch", job_id=job_id)
        assert faults == [], f"{fault}: operation {number}, {countdown.name}"
        before = give_verdict(services, product_id)
        if not countdown.reached:
            assert views.view(services, job_id).state == "succeeded"
            assert number > 1
            return
    pytest.fail("every attempt met the fault")


# --- the checks can fail: each of these bugs is noticed ---------------------------------------------------------------


def _plant_row_before_objects(patch: pytest.MonkeyPatch) -> None:
    def promise(services: Services, folder: Path, *, kind: str, manifest_sha256: str, attempt: terms.Claim) -> object:
        prefix = f"{publishing.prefix_of(kind, attempt.job_id, attempt.fencing_token)}late/"
        return PublishedBundle(prefix, manifest_sha256, 0)

    patch.setattr(pipeline, "publishing", _Publishing(promise))
    patch.setattr(ModelCache, "verify", lambda _self, _version: None)


class _Publishing:
    """Stands in for the module `publishing`."""

    def __init__(self, publish: object) -> None:
        self.publish = publish


def _plant_upload_order_reversed(patch: pytest.MonkeyPatch) -> None:
    def publish(services: Services, folder: Path, *, kind: str, manifest_sha256: str, attempt: terms.Claim) -> object:
        prefix = f"{publishing.prefix_of(kind, attempt.job_id, attempt.fencing_token)}reversed/"
        for path in sorted(folder.iterdir(), key=lambda path: path.name != "manifest.json"):
            services.objects.put_file(prefix + path.name, path)
            break  # killed after the first: with the manifest first, half a bundle looks whole
        return PublishedBundle(prefix, manifest_sha256, 0)

    patch.setattr(pipeline, "publishing", _Publishing(publish))
    patch.setattr(ModelCache, "verify", lambda _self, _version: None)


def _plant_no_cleanup(patch: pytest.MonkeyPatch) -> None:
    def publish_and_fail(*given: object, **more: object) -> object:
        publishing.publish(*given, **more)  # type: ignore[arg-type]
        raise OSError("after the upload")

    patch.setattr(pipeline, "publishing", _Publishing(publish_and_fail))
    patch.setattr(cleanup, "clean_up", lambda *_: None)


def _plant_thresholds_left_out(patch: pytest.MonkeyPatch) -> None:
    add = candidates.add_candidate

    def without(run: object, product: object, version: object, **more: object) -> None:
        add(run, product, version, **{**more, "threshold": None})  # type: ignore[arg-type]

    patch.setattr(pipeline, "add_candidate", without)


def _plant_job_left_running(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(claims, "finish", lambda *_given, **_more: True)


@pytest.mark.parametrize(
    ("plant", "noticed"),
    [
        (_plant_row_before_objects, "object_missing"),
        (_plant_upload_order_reversed, "artifact_missing_file"),
        (_plant_no_cleanup, "orphan"),
        (_plant_thresholds_left_out, "thresholds_missing"),
        (_plant_job_left_running, "the job is running"),
    ],
)
def test_the_checks_notice_a_planted_bug(
    plant: object, noticed: str, services: Services, product_id: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = give_verdict(services, product_id)
    with monkeypatch.context() as patch:
        plant(patch)  # type: ignore[operator]
        job_id, _ = _attempt(services, product_id, "files", MOST_OPERATIONS)
        faults = find_faults(services, product_id, before=before, scratch=tmp_path / "scratch", job_id=job_id)
    assert any(noticed in found for found in faults), faults


def test_removing_objects_after_a_lost_commit_would_be_noticed(
    services: Services, product_id: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A commit whose response is lost may have been kept: whoever removes its objects then breaks the version in use.
    before = give_verdict(services, product_id)
    monkeypatch.setattr(candidates, "may_be_named", lambda _services, _prefix: False)
    for number in range(1, MOST_OPERATIONS):
        job_id, countdown = _attempt(services, product_id, "commits", number, goes_on=False)
        faults = find_faults(services, product_id, before=before, scratch=tmp_path / "scratch", job_id=job_id)
        if any("object_missing" in found for found in faults) or not countdown.reached:
            break
        if views.view(services, job_id).state == "queued":
            queue.cancel(services, open_person(services, "engineer"), job_id)
    assert any("object_missing" in found for found in faults), faults
