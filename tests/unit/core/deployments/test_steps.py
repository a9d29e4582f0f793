"""Every kind of model supplies its steps, and the pipeline refuses what it has no steps or no products for."""

from __future__ import annotations

import pytest
from sqlalchemy import update
from sqlmodel import col

from core.accounts.people import open_person
from core.deployments import pipeline
from core.deployments.kinds.registry import STEPS, find_steps
from core.errors import Conflict, NotFound
from core.jobs import claims
from core.jobs.progress import JobRun
from core.jobs.terms import STAGE_NAMES
from core.models.kinds import KINDS, MEMORY_BANK
from core.registry.versions import active_versions, part_of
from core.services import Services
from storage.tables import Job, Product
from tests.plates import submit_and_claim


def test_every_kind_has_its_steps_after_those_of_the_kinds_it_follows() -> None:
    assert tuple(STEPS) == KINDS
    for kind, steps in STEPS.items():
        assert steps.kind == kind
        assert all(KINDS.index(first) < KINDS.index(kind) for first in steps.follows)


@pytest.mark.parametrize("kind", KINDS)
def test_the_stages_of_a_kind_have_names_and_lie_within_its_work(kind: str) -> None:
    stages = find_steps(kind).stages
    assert stages.keys() <= STAGE_NAMES.keys()
    assert all(0 <= low < high <= 1 for low, high in stages.values())
    assert max(high for _low, high in stages.values()) == 1


def test_the_share_of_a_products_work_follows_stage_and_count(plate_services: Services, plate_product: Product) -> None:
    person = open_person(plate_services, "engineer")
    _job_id, claim = submit_and_claim(plate_services, person, MEMORY_BANK, plate_product.id)
    run = JobRun(plate_services, claim, stages={"extract": (0.2, 0.6)})
    assert run.share_of(("extract", 0, 0)) == pytest.approx(0.2)
    assert run.share_of(("extract", 5, 10)) == pytest.approx(0.4)
    assert run.share_of(("of another kind", 5, 10)) == 0.0


def test_a_job_of_an_unknown_kind_or_without_products_says_so(plate_services: Services, plate_product: Product) -> None:
    person = open_person(plate_services, "engineer")
    job_id, claim = submit_and_claim(plate_services, person, MEMORY_BANK, plate_product.id)

    def work_off(**values: object) -> None:
        with plate_services.database.unit_of_work() as session:
            session.execute(update(Job).where(col(Job.id) == job_id).values(**values))
            session.commit()
        pipeline.work_off(plate_services, claims.reopen_claim(plate_services, job_id, claim.fencing_token))

    with pytest.raises(Conflict) as without:
        work_off(payload={"product_ids": "all"})
    assert without.value.code == "job_without_products"
    with pytest.raises(NotFound) as unknown:
        work_off(kind="batch_inspection")
    assert unknown.value.code == "job_kind_unknown"


def test_the_versions_in_use_are_those_of_every_part(plate_services: Services, plate_product: Product) -> None:
    with plate_services.database.reading() as session:
        versions = active_versions(session, plate_product.id)
    assert [part_of(version) for version in versions] == ["", "normal", "defect", "region"]
    for version in versions:
        find_steps(version.kind).open(plate_services.models, version)
