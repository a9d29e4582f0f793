"""Measuring a version once more: a job that ends in a report, and changes nothing before its end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import delete, update
from sqlmodel import col, select

from core.access import Person
from core.accounts.people import open_person
from core.errors import Conflict, NotAllowed, NotFound, NotReady
from core.jobs import claims, queue, views
from core.jobs.terms import MEASUREMENT, Claim, JobCancelled, JobLost
from core.model_report.measurement import start_measurement, work_off
from core.model_report.reading import read_report
from core.models.detection_figures import BankFigures
from core.models.kinds import MEMORY_BANK
from core.registry.versions import get_version, list_versions
from core.services import Services
from core.transactions import reading, writing
from core.worker.executors import open_executor
from storage.tables import Image, Job, ModelVersion, TestMeasurement, utc_now
from tests.history_rows import add_product


@pytest.fixture
def person(toy_services: Services) -> Person:
    return open_person(toy_services, "engineer")


@pytest.fixture
def version_id(toy_services: Services) -> int:
    return list_versions(toy_services, MEMORY_BANK, 1)[0].id


def _claim(services: Services) -> Claim:
    claim = claims.claim_next(services, "tests")
    assert claim is not None
    return claim


def test_a_version_without_scores_is_measured_on_all_test_images(
    toy_services: Services, person: Person, version_id: int
) -> None:
    with pytest.raises(NotReady):
        read_report(toy_services, version_id)
    job_id = start_measurement(toy_services, person, version_id)
    claim = _claim(toy_services)
    assert (claim.job_id, claim.kind, claim.payload.version_id) == (job_id, MEASUREMENT, version_id)
    assert open_executor(toy_services.settings, claim.kind).work_off(toy_services, claim) is None
    assert claims.finish(toy_services, claim, state="succeeded")
    found = read_report(toy_services, version_id)
    with reading(toy_services) as session:
        n_test = len(session.exec(select(Image).where(Image.split == "test")).all())
    assert len(found.images) == n_test > 0
    assert found.freshness.is_current
    assert found.auroc is not None
    assert found.auroc.value == 1.0
    assert found.figures.ms_per_image is not None
    (outcome,) = views.view(toy_services, job_id).outcomes
    assert (outcome.outcome, outcome.version_id) == ("measured", version_id)
    assert [line.code for line in views.view(toy_services, job_id).log] == ["log_measured"]
    # The version's own figures are of the same images.
    figures = BankFigures.from_json(get_version(toy_services, version_id).metrics)
    assert figures.detection == found.figures
    assert len(figures.defect_scores) == found.n_defect


def test_other_test_images_make_a_measurement_old_and_measuring_makes_it_new(
    toy_services: Services, person: Person, version_id: int
) -> None:
    start_measurement(toy_services, person, version_id)
    claim = _claim(toy_services)
    assert work_off(toy_services, claim) is None
    claims.finish(toy_services, claim, state="succeeded")
    before = read_report(toy_services, version_id)
    with writing(toy_services) as session:
        session.execute(update(Image).where(col(Image.id) == before.images[0].image_id).values(split="train"))
        session.commit()
    assert not read_report(toy_services, version_id).freshness.is_current
    start_measurement(toy_services, person, version_id)
    assert work_off(toy_services, _claim(toy_services)) is None
    after = read_report(toy_services, version_id)
    assert after.freshness.is_current
    assert len(after.images) == len(before.images) - 1


def test_one_version_waits_for_one_measurement(toy_services: Services, person: Person, version_id: int) -> None:
    start_measurement(toy_services, person, version_id)
    with pytest.raises(Conflict) as caught:
        start_measurement(toy_services, person, version_id)
    assert caught.value.code == "measurement_already_waiting"


def test_a_cancelled_measurement_stores_nothing(toy_services: Services, person: Person, version_id: int) -> None:
    job_id = start_measurement(toy_services, person, version_id)
    claim = _claim(toy_services)
    queue.cancel(toy_services, person, job_id)
    with pytest.raises(JobCancelled):
        work_off(toy_services, claim)
    with reading(toy_services) as session:
        assert session.exec(select(TestMeasurement)).all() == []


def test_a_lost_measurement_is_begun_once_more_and_the_old_worker_stores_nothing(
    toy_services: Services, person: Person, version_id: int
) -> None:
    job_id = start_measurement(toy_services, person, version_id)
    lost = _claim(toy_services)
    with writing(toy_services) as session:
        past = utc_now() - timedelta(seconds=1)
        session.execute(update(Job).where(col(Job.id) == job_id).values(lease_expires_at=past))
        session.commit()
    taken = _claim(toy_services)
    assert taken.attempt == 2
    with pytest.raises(JobLost):
        work_off(toy_services, lost)
    assert work_off(toy_services, taken) is None
    assert read_report(toy_services, version_id).images


def test_an_unreadable_image_is_named_and_the_others_are_measured(
    toy_services: Services, person: Person, version_id: int
) -> None:
    with writing(toy_services) as session:
        row = session.exec(select(Image).where(Image.split == "test", Image.image_type == "defect")).all()[0]
        name = row.stored_name
        session.execute(update(Image).where(col(Image.id) == row.id).values(object_key="images/gone.png"))
        session.commit()
    job_id = start_measurement(toy_services, person, version_id)
    assert work_off(toy_services, _claim(toy_services)) is None
    assert name not in {one.name for one in read_report(toy_services, version_id).images}
    (outcome,) = views.view(toy_services, job_id).outcomes
    assert [one.name for one in outcome.skipped_images or ()] == [name]


def test_what_cannot_be_measured_is_said_before_anything_is_queued(
    toy_services: Services, person: Person, version_id: int
) -> None:
    with pytest.raises(NotAllowed):
        start_measurement(toy_services, open_person(toy_services, "worker"), version_id)
    with pytest.raises(NotFound):
        start_measurement(toy_services, person, 10_000)
    product = add_product(toy_services, person)
    with pytest.raises(NotReady) as caught:
        start_measurement(toy_services, person, list_versions(toy_services, MEMORY_BANK, product.id)[0].id)
    assert caught.value.code == "report_without_test_images"
    with writing(toy_services) as session:
        session.execute(update(ModelVersion).where(col(ModelVersion.id) == version_id).values(object_prefix=""))
        session.commit()
    with pytest.raises(Conflict) as gone:
        start_measurement(toy_services, person, version_id)
    assert gone.value.code == "version_not_kept"
    assert views.list_unfinished(toy_services) == []


def test_images_that_went_before_the_turn_came_end_the_job_with_a_sentence(
    toy_services: Services, person: Person, version_id: int
) -> None:
    start_measurement(toy_services, person, version_id)
    with writing(toy_services) as session:
        session.execute(delete(Image).where(col(Image.split) == "test"))
        session.commit()
    error = work_off(toy_services, _claim(toy_services))
    assert error is not None
    assert error.code == "report_without_test_images"
