"""Which versions are kept, judged and put into use by themselves."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from core.access import Person
from core.accounts.people import open_person
from core.deployments import acceptance, objections
from core.errors import BadInput, Conflict, NotAllowed
from core.images import uploads
from core.images.records import IncomingFile
from core.inspections import inspection
from core.jobs import views
from core.models.detection_figures import DetectionFigures
from core.models.kinds import MEMORY_BANK, SIMILARITY_INDEX
from core.registry import activation_policy, retention
from core.registry.lineage import regions_stale
from core.registry.model_status import model_states
from core.registry.versions import activate, active_version, list_versions
from core.services import Services
from storage.tables import Job, ModelVersion, Product, utc_now
from tests.plates import deploy, encode, plate, seed_of

BANK, INDEX = MEMORY_BANK, SIMILARITY_INDEX


@pytest.fixture
def person(plate_services: Services) -> Person:
    return open_person(plate_services, "engineer")


def _keep(services: Services, person: Person, count: int, *, by_itself: bool = True) -> None:
    before = activation_policy.current_policy(services)
    activation_policy.save_policy(
        services, person, activate_when_no_worse=by_itself, kept_versions=count, row_version=before.row_version
    )


def _clone(services: Services, version: ModelVersion, *, age_days: int, activated: bool = True) -> int:
    """One more version of the same scope, with files of its own: what an earlier deployment left."""
    with services.database.unit_of_work() as session:
        number = len(session.exec(select(ModelVersion).where(ModelVersion.scope == version.scope)).all()) + 1
        prefix = f"models/{version.kind}/clone-{number}/"
        for info in list(services.objects.list(version.object_prefix)):
            services.objects.put(prefix + info.key.rsplit("/", 1)[-1], services.objects.get(info.key))
        when = utc_now() - timedelta(days=age_days)
        values = version.model_dump(exclude={"id", "active_key"})
        values |= {"number": number, "object_prefix": prefix, "state": "retired", "created_at": when}
        values |= {"activated_at": when if activated else None}
        row = ModelVersion(**values)
        session.add(row)
        session.commit()
        return row.id


def _active(services: Services, product: Product) -> ModelVersion:
    with services.database.reading() as session:
        found = active_version(session, BANK, product.id)
    assert found is not None
    return found


def _kept(services: Services, product: Product) -> dict[int, bool]:
    return {row.id: retention.is_kept(row) for row in list_versions(services, BANK, product.id)}


def _add_test_image(services: Services, person: Person, product: Product, seed: int) -> None:
    data = encode(plate(seed))
    (outcome,) = uploads.add_images(
        services,
        person,
        product_id=product.id,
        image_type="normal",
        split="test",
        files=[IncomingFile(f"{seed}.png", lambda: data)],
    )
    assert outcome.outcome == "added"


def test_after_an_activation_the_oldest_lose_their_files_and_keep_their_rows(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    first = _active(plate_services, plate_product)
    oldest, older, newer = (_clone(plate_services, first, age_days=days) for days in (30, 20, 10))
    _keep(plate_services, person, 3)
    activate(plate_services, person, newer)
    assert _kept(plate_services, plate_product) == {first.id: True, newer: True, older: True, oldest: False}
    assert not list(plate_services.objects.list("models/memory_bank/clone-2/"))
    gone = next(row for row in list_versions(plate_services, BANK, plate_product.id) if row.id == oldest)
    assert (gone.byte_size, gone.metrics) == (first.byte_size, first.metrics)
    with pytest.raises(Conflict) as refused:
        activate(plate_services, person, oldest)
    assert refused.value.code == "version_not_kept"
    assert _active(plate_services, plate_product).id == newer
    # What is kept can be gone back to.
    activate(plate_services, person, older)
    assert _active(plate_services, plate_product).id == older


def test_the_version_before_and_those_that_a_job_needs_outlive_their_turn(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    first = _active(plate_services, plate_product)
    named = _clone(plate_services, first, age_days=40)
    surplus = _clone(plate_services, first, age_days=30)
    target = _clone(plate_services, first, age_days=20)
    later = [_clone(plate_services, first, age_days=-days, activated=False) for days in (1, 2)]
    with plate_services.database.unit_of_work() as session:
        session.add(Job(kind="batch_inspection", payload={"bank": {"memory_bank_version_id": named}}))
        session.commit()
    _keep(plate_services, person, 2)
    activate(plate_services, person, target)
    kept = {first.id, target, named, *later}
    assert _kept(plate_services, plate_product) == {**dict.fromkeys(kept, True), surplus: False}


def test_a_version_that_is_being_released_cannot_become_active(
    plate_services: Services, plate_product: Product, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its files go after it was verified and before the flip: the flip itself refuses."""
    first = _active(plate_services, plate_product)
    other = _clone(plate_services, first, age_days=10)

    def released_meanwhile(version: ModelVersion) -> None:
        with plate_services.database.unit_of_work() as session:
            session.execute(update(ModelVersion).where(col(ModelVersion.id) == version.id).values(object_prefix=""))
            session.commit()

    monkeypatch.setattr(plate_services.models, "verify", released_meanwhile)
    with pytest.raises(Conflict):
        activate(plate_services, person, other)
    assert _active(plate_services, plate_product).id == first.id


def test_with_the_policy_off_a_candidate_waits_and_a_first_version_does_not(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    _keep(plate_services, person, 5, by_itself=False)
    before = _active(plate_services, plate_product)
    (job_id,) = deploy(plate_services, plate_product.id, kinds=(BANK,))
    (outcome,) = views.view(plate_services, job_id).outcomes
    assert (outcome.outcome, outcome.reason) == ("candidate", acceptance.BY_HAND)
    assert _active(plate_services, plate_product).id == before.id
    assert outcome.version_id is not None
    activate(plate_services, person, outcome.version_id)
    with plate_services.database.unit_of_work() as session:
        session.execute(update(ModelVersion).values(active_key=None, state="retired"))
        session.commit()
    (job_id,) = deploy(plate_services, plate_product.id, kinds=(BANK,))
    assert views.view(plate_services, job_id).outcomes[0].reason == acceptance.FIRST


def test_the_active_version_is_measured_again_when_the_test_images_changed(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    before = _active(plate_services, plate_product)
    for seed in range(3):
        _add_test_image(plate_services, person, plate_product, 9100 + seed)
    _keep(plate_services, person, 5, by_itself=False)
    (job_id,) = deploy(plate_services, plate_product.id, kinds=(BANK,))
    view = views.view(plate_services, job_id)
    candidate, active = list_versions(plate_services, BANK, plate_product.id)[:2]
    assert active.id == before.id
    assert active.metrics["test_fingerprint"] == candidate.metrics["test_fingerprint"]
    assert active.metrics["test_fingerprint"] != before.metrics["test_fingerprint"]
    assert active.metrics["n_normal"] == before.metrics["n_normal"] + 3
    assert active.metrics["bank_size"] == before.metrics["bank_size"]
    assert "log_active_measured" in [line.code for line in view.log]


def test_an_active_version_whose_files_are_gone_does_not_hold_back_the_next(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    before = _active(plate_services, plate_product)
    plate_services.objects.delete_prefix(before.object_prefix)
    plate_services.models.evict(before)
    _add_test_image(plate_services, person, plate_product, 9200)
    (job_id,) = deploy(plate_services, plate_product.id, kinds=(BANK,))
    assert views.view(plate_services, job_id).outcomes[0].outcome == "activated"


@pytest.mark.parametrize(
    ("new", "worse"),
    [
        ({"image_auroc": 0.950, "escape": 2}, False),
        ({"image_auroc": 0.946, "escape": 1}, False),
        ({"image_auroc": 0.944, "escape": 2}, True),
        ({"image_auroc": 0.990, "escape": 3}, False),  # one in a hundred
        ({"image_auroc": 0.990, "escape": 4}, True),
        ({"image_auroc": 0.100, "escape": 9, "test_fingerprint": "other"}, False),
    ],
)
def test_no_worse_means_auroc_and_escapes_on_the_same_images(new: dict[str, object], worse: bool) -> None:
    same = {"test_fingerprint": "same", "n_defect": 100}
    active = DetectionFigures.from_json({**same, "image_auroc": 0.950, "escape": 2})
    assert objections.is_worse(DetectionFigures.from_json({**same, **new}), active) is worse


def test_the_policy_is_saved_by_an_engineer_within_bounds_and_never_over_a_colleague(
    services: Services, engineer: Person, worker_person: Person
) -> None:
    shown = activation_policy.current_policy(services)
    assert (shown.activate_when_no_worse, shown.kept_versions) == (True, 5)
    with pytest.raises(NotAllowed):
        _keep(services, worker_person, 3)
    with pytest.raises(BadInput):
        _keep(services, engineer, 1)
    _keep(services, engineer, 3, by_itself=False)
    assert activation_policy.current_policy(services).kept_versions == 3
    with pytest.raises(Conflict) as refused:
        activation_policy.save_policy(
            services, engineer, activate_when_no_worse=True, kept_versions=9, row_version=shown.row_version
        )
    assert refused.value.code == "stale_save"


def test_another_memory_bank_makes_the_index_of_defective_places_out_of_date(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    product_id = plate_product.id
    (job_id,) = deploy(plate_services, product_id, kinds=(BANK,))
    assert "log_regions_stale" in [line.code for line in views.view(plate_services, job_id).log]
    assert regions_stale(plate_services, product_id)
    state = model_states(plate_services)[(INDEX, product_id)]
    assert (state.state, state.changes) == ("out_of_date", {"bank": 1})
    deploy(plate_services, product_id, kinds=(INDEX,))
    assert not regions_stale(plate_services, product_id)
    assert model_states(plate_services)[(INDEX, product_id)].state == "current"
    result = inspection.inspect(
        plate_services,
        person,
        product_id=product_id,
        data=encode(plate(seed_of("test", "spot", 61), "spot")),
        file_name="x.png",
    )
    assert result.record.similar.defects
