"""Deployments: from images to an active version; what fails leaves the active one as it was, and nothing behind."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, update
from sqlmodel import col, select

from core.access import Person
from core.accounts.people import open_person
from core.catalog import products
from core.deployments import candidates, cleanup, estimates, pipeline
from core.deployments.acceptance import BETTER_OR_EQUAL, Acceptance
from core.images import edits, uploads
from core.images.exposures.edits import assign_part
from core.images.records import IncomingFile
from core.inspections import inspection
from core.jobs import claims, queue, terms, views
from core.jobs.progress import JobRun
from core.models.kinds import MEMORY_BANK, SIMILARITY_INDEX
from core.registry import publishing
from core.registry.model_status import model_states
from core.registry.versions import active_version, current_threshold, list_versions
from core.services import Services
from inference.vision.detection.calibration import verdict
from storage.tables import Image, Job, ModelVersion, Product, StoredEmbedding, ThresholdSetting, utc_now
from tests.plates import IMAGE_KINDS, deploy, encode, plate, seed_of, submit_and_claim


@pytest.fixture
def person(plate_services: Services) -> Person:
    return open_person(plate_services, "engineer")


def _add_normal(services: Services, person: Person, product: Product, seed: int) -> int:
    data = encode(plate(seed))
    (outcome,) = uploads.add_images(
        services,
        person,
        product_id=product.id,
        image_type="normal",
        files=[IncomingFile(f"{seed}.png", lambda: data)],
    )
    assert outcome.image_id is not None
    return outcome.image_id


def _objects_of_models(services: Services) -> set[str]:
    return {info.key.rsplit("/", 1)[0] + "/" for info in services.objects.list("models/")}


def _prefixes_of_versions(services: Services) -> set[str]:
    with services.database.reading() as session:
        return set(session.exec(select(ModelVersion.object_prefix)).all())


def _active(services: Services, product: Product) -> ModelVersion:
    with services.database.reading() as session:
        found = active_version(session, MEMORY_BANK, product.id)
    assert found is not None
    return found


def _lose_lease(services: Services, job_id: int) -> None:
    with services.database.unit_of_work() as session:
        past = utc_now() - timedelta(seconds=1)
        session.execute(update(Job).where(col(Job.id) == job_id).values(lease_expires_at=past))
        session.commit()


def test_a_deployment_leaves_one_active_version_and_no_folder(plate_services: Services, plate_product: Product) -> None:
    states = model_states(plate_services)
    for kind in IMAGE_KINDS:
        assert states[(kind, plate_product.id)].state == "current"
    assert _objects_of_models(plate_services) == _prefixes_of_versions(plate_services)
    assert list((plate_services.settings.data_dir / "builds").iterdir()) == []
    bank = _active(plate_services, plate_product)
    assert bank.created_by is not None
    assert bank.job_id is not None
    assert bank.byte_size > 0
    assert bank.metrics["image_auroc"] >= 0.9
    assert (len(bank.sources["image_ids"]["normal"]), len(bank.sources["image_ids"]["defect"])) == (10, 6)


def test_the_job_tells_what_it_did(plate_services: Services, plate_product: Product) -> None:
    view = views.list_jobs(plate_services, kind=MEMORY_BANK)[0]
    assert view.state == "succeeded"
    assert view.outcomes[0].outcome == "activated"
    assert view.outcomes[0].version_id == _active(plate_services, plate_product).id
    codes = [line.code for line in view.log]
    assert codes == ["log_build_started", "log_calibrated", "log_measured", "log_activated"]


def test_test_images_are_in_no_bank_and_in_no_index(plate_services: Services, plate_product: Product) -> None:
    with plate_services.database.reading() as session:
        tests = set(session.exec(select(Image.id).where(Image.split == "test")).all())
        versions = session.exec(select(ModelVersion)).all()
    assert len(tests) == 8
    for version in versions:
        for ids in version.sources["image_ids"].values():
            assert not tests & set(ids)


def test_a_worker_whose_job_was_taken_over_activates_nothing_and_leaves_no_object(
    plate_services: Services, plate_product: Product, person: Person, tmp_path: Path
) -> None:
    before = _active(plate_services, plate_product)
    job_id, first = submit_and_claim(plate_services, person, MEMORY_BANK, plate_product.id)
    late = JobRun(plate_services, first, stages={})
    bundle = plate_services.models.bundle(before)
    published = publishing.publish(
        plate_services, bundle, kind=MEMORY_BANK, manifest_sha256=before.manifest_sha256, attempt=first
    )
    assert published.object_prefix in _objects_of_models(plate_services)
    _lose_lease(plate_services, job_id)
    second = claims.claim_next(plate_services, "second")
    assert second is not None
    assert second.fencing_token > first.fencing_token
    version = ModelVersion(
        kind=MEMORY_BANK,
        scope=before.scope,
        product_id=plate_product.id,
        number=0,
        model_name=before.model_name,
        object_prefix=published.object_prefix,
        manifest_sha256=published.manifest_sha256,
        fingerprint="late",
    )
    with pytest.raises(terms.JobLost):
        candidates.add_candidate(
            late,
            plate_product,
            version,
            acceptance=Acceptance(True, BETTER_OR_EQUAL),
            threshold=ThresholdSetting(model_version_id=0, review_at=1.0, reject_at=2.0, method="percentile"),
        )
    assert _active(plate_services, plate_product).id == before.id
    assert len(list_versions(plate_services, MEMORY_BANK, plate_product.id)) == 1
    assert _objects_of_models(plate_services) == _prefixes_of_versions(plate_services)


@pytest.mark.parametrize("moment", ["before", "inside"])
def test_the_transaction_itself_proves_the_job_to_be_ours(
    moment: str,
    plate_services: Services,
    plate_product: Product,
    person: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Taken over, or cancelled, after the last report and before the commit: `hold` is what stops it."""
    before = _active(plate_services, plate_product)
    job_id, claim = submit_and_claim(plate_services, person, MEMORY_BANK, plate_product.id)
    hold = claims.hold

    def take_over_first(session: object, held: terms.Claim) -> None:
        if moment == "before":
            _lose_lease(plate_services, job_id)
            assert claims.claim_next(plate_services, "rival") is not None
        else:
            queue.cancel(plate_services, person, job_id)
        hold(session, held)  # type: ignore[arg-type]

    monkeypatch.setattr(candidates, "hold", take_over_first)
    with pytest.raises(terms.JobLost if moment == "before" else terms.JobCancelled):
        pipeline.work_off(plate_services, claim)
    assert _active(plate_services, plate_product).id == before.id
    assert _objects_of_models(plate_services) == _prefixes_of_versions(plate_services)
    assert list((plate_services.settings.data_dir / "builds").iterdir()) == []


def test_one_product_that_fails_does_not_stop_the_others(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    # Products are built in order of id, so make one that comes before nothing and one that comes between.
    empty = products.create_product(plate_services, person, name="Empty", code="empty")
    late = products.create_product(plate_services, person, name="Late", code="late")
    for seed in range(3):
        _add_normal(plate_services, person, late, 7000 + seed)
    (job_id,) = deploy(plate_services, plate_product.id, empty.id, late.id, kinds=(MEMORY_BANK,))
    view = views.view(plate_services, job_id)
    assert view.state == "succeeded"
    assert {outcome.code: outcome.outcome for outcome in view.outcomes} == {
        "plate": "activated",
        "empty": "failed",
        "late": "activated",
    }
    failed = next(outcome for outcome in view.outcomes if outcome.code == "empty")
    assert failed.error is not None
    assert failed.error.code == "no_normal_images"


def test_a_job_of_which_nothing_succeeded_fails_with_the_reason(plate_services: Services, person: Person) -> None:
    empty = products.create_product(plate_services, person, name="Empty", code="empty")
    (job_id,) = deploy(plate_services, empty.id, kinds=(MEMORY_BANK,))
    view = views.view(plate_services, job_id)
    assert view.state == "failed"
    assert view.error is not None
    assert view.error.code == "no_normal_images"
    assert "Empty" in str(view.error)
    reason = pipeline.readiness(plate_services, MEMORY_BANK, empty.id)
    assert reason is not None
    assert reason.code == "no_normal_images"


@pytest.mark.parametrize("fault", ["damaged", "missing"])
def test_a_broken_image_is_skipped_by_name_and_the_build_goes_on(
    fault: str, plate_services: Services, plate_product: Product
) -> None:
    with plate_services.database.reading() as session:
        rows = list(session.exec(select(Image).order_by(col(Image.id))).all())
    broken = [
        next(row for row in rows if (row.image_type, row.split) == place)
        for place in (("normal", "train"), ("defect", "train"), ("defect", "test"))
    ]
    for row in broken:
        if fault == "damaged":
            plate_services.objects.put(row.object_key, b"\x89PNG\r\n\x1a\n and then nothing")
        else:
            plate_services.objects.delete(row.object_key)
    ids = deploy(plate_services, plate_product.id, kinds=(MEMORY_BANK,))
    (outcome,) = views.view(plate_services, ids[0]).outcomes
    assert outcome.outcome == "activated"
    assert outcome.skipped_images is not None
    assert [item.name for item in outcome.skipped_images] == [row.stored_name for row in broken[:2]]
    assert all(item.reason.startswith("image_") for item in outcome.skipped_images)
    assert _active(plate_services, plate_product).metrics["skipped"] == [broken[2].stored_name]
    _out_of_date_index(plate_services, plate_product)
    ids = deploy(plate_services, plate_product.id, kinds=(SIMILARITY_INDEX,))
    (outcome,) = views.view(plate_services, ids[0]).outcomes
    assert {item.name for item in outcome.skipped_images or ()} == {row.stored_name for row in broken[:2]}


def _out_of_date_index(services: Services, product: Product) -> None:
    with services.database.unit_of_work() as session:
        session.execute(
            update(ModelVersion).where(col(ModelVersion.kind) == SIMILARITY_INDEX).values(fingerprint="old")
        )
        # Kept embeddings would spare it the reading of the images.
        session.execute(delete(StoredEmbedding))
        session.commit()


def test_a_mask_that_cannot_be_read_costs_pixel_figures_and_no_deployment(
    plate_services: Services, plate_product: Product
) -> None:
    with plate_services.database.reading() as session:
        masked = session.exec(select(Image).where(col(Image.mask_key).is_not(None)).order_by(col(Image.id))).all()
    assert len(masked) == 4
    plate_services.objects.put(masked[0].mask_key or "", b"no image")
    plate_services.objects.delete(masked[1].mask_key or "")
    deploy(plate_services, plate_product.id, kinds=(MEMORY_BANK,))
    metrics = _active(plate_services, plate_product).metrics
    assert metrics["skipped"] == [f"{row.stored_name} (mask)" for row in masked[:2]]
    assert metrics["pixel_auroc"] > 0.5


def test_an_index_whose_images_are_all_gone_is_retired(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    product_id = plate_product.id
    with plate_services.database.reading() as session:
        defects = session.exec(select(Image.id).where(Image.image_type == "defect")).all()
    edits.delete_images(plate_services, person, [image_id for image_id in defects if image_id is not None])
    assert model_states(plate_services)[(SIMILARITY_INDEX, product_id)].state == "out_of_date"
    deploy(plate_services, product_id, kinds=(SIMILARITY_INDEX,))
    assert model_states(plate_services)[(SIMILARITY_INDEX, product_id)].state == "current"
    record = inspection.inspect(
        plate_services, person, product_id=product_id, data=encode(plate(9000, "spot")), file_name="x.png"
    ).record
    assert not record.has_defect_index
    assert record.similar.defects == ()
    assert len(record.similar.normals) == 6


def test_a_candidate_that_measures_worse_waits_for_a_person(plate_services: Services, plate_product: Product) -> None:
    before = _active(plate_services, plate_product)
    with plate_services.database.unit_of_work() as session:
        row = session.get(ModelVersion, before.id)
        assert row is not None
        row.metrics = {**row.metrics, "image_auroc": 1.1}  # no candidate can be as good
        session.add(row)
        session.commit()
    (job_id,) = deploy(plate_services, plate_product.id, kinds=(MEMORY_BANK,))
    assert views.view(plate_services, job_id).outcomes[0].outcome == "candidate"
    assert _active(plate_services, plate_product).id == before.id
    newest = list_versions(plate_services, MEMORY_BANK, plate_product.id)[0]
    assert (newest.number, newest.state, newest.active_key) == (2, "candidate", None)


def test_a_resumed_job_goes_on_after_the_products_that_are_done(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    late = products.create_product(plate_services, person, name="Late", code="late")
    _add_normal(plate_services, person, late, 7100)
    job_id, first = submit_and_claim(plate_services, person, MEMORY_BANK, plate_product.id, late.id)
    done = {"product_id": plate_product.id, "code": "plate", "outcome": "activated", "version_id": 1}
    claims.report(plate_services, first, result={"outcomes": [done]})
    _lose_lease(plate_services, job_id)
    second = claims.claim_next(plate_services, "second")
    assert second is not None
    assert pipeline.work_off(plate_services, second) is None
    assert [outcome.code for outcome in views.view(plate_services, job_id).outcomes] == ["plate", "late"]
    assert len(list_versions(plate_services, MEMORY_BANK, plate_product.id)) == 1
    # One normal image is enough to begin with.
    assert inspection.examine(
        plate_services, product_id=late.id, data=encode(plate(7101)), file_name="x.png"
    ).verdict in {"ok", "review", "reject"}


def test_what_dead_attempts_left_is_cleaned_up_and_what_runs_or_is_named_stays(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    named = _prefixes_of_versions(plate_services)
    job_id, claim = submit_and_claim(plate_services, person, MEMORY_BANK, plate_product.id)
    builds = plate_services.settings.data_dir / "builds"
    token = claim.fencing_token
    for name in (f"{job_id}-{token}-1", f"{job_id}-{token - 1}-1", "99-4-1", "half"):
        (builds / name).mkdir()
    for attempt in (f"{job_id}-{token}-aa", f"{job_id}-{token - 1}-bb", "99-4-cc"):
        plate_services.objects.put(f"models/memory_bank/{attempt}/manifest.json", b"{}")
    cleanup.clean_up(plate_services, job_id)
    assert [folder.name for folder in builds.iterdir()] == [f"{job_id}-{token}-1"]
    assert _objects_of_models(plate_services) == named | {f"models/memory_bank/{job_id}-{token}-aa/"}


def test_a_job_given_back_although_it_should_be_cancelled_does_not_wait_for_ever(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    job_id, claim = submit_and_claim(plate_services, person, MEMORY_BANK, plate_product.id)
    queue.cancel(plate_services, person, job_id)
    claims.release(plate_services, claim)
    assert views.view(plate_services, job_id).state == "cancelled"
    queue.submit(plate_services, person, kind=MEMORY_BANK, product_ids=[plate_product.id])


def test_an_estimate_grows_with_the_images(plate_services: Services, plate_product: Product, person: Person) -> None:
    product_id = plate_product.id
    before = estimates.estimate(plate_services, MEMORY_BANK, [product_id])
    assert before.n_images == 16
    for seed in (7200, 7201, 7202):  # more than a memory bank is extended by
        _add_normal(plate_services, person, plate_product, seed)
    after = estimates.estimate(plate_services, MEMORY_BANK, [product_id])
    assert after.n_images == 19
    assert after.seconds > before.seconds
    assert after.memory_bytes > 0


def test_a_new_version_inspects_from_the_next_part_on(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    data = encode(plate(seed_of("test", "spot", 60), "spot"))
    for number in (1, 2):
        result = inspection.inspect(plate_services, person, product_id=plate_product.id, data=data, file_name="x.png")
        record = result.record
        assert record.model.number == number
        assert record.verdict == verdict(record.score, record.review_at, record.reject_at) == "reject"
        _add_normal(plate_services, person, plate_product, 7300 + number)
        if number == 1:
            deploy(plate_services, plate_product.id, kinds=(MEMORY_BANK,))


def test_a_part_in_training_and_test_is_a_warning_of_the_estimate_the_log_and_the_outcome(
    plate_services: Services, plate_product: Product, person: Person
) -> None:
    assert estimates.estimate(plate_services, MEMORY_BANK, [plate_product.id]).n_leaked_parts == 0
    with plate_services.database.reading() as session:
        rows = {
            split: session.exec(select(Image).where(Image.split == split, Image.image_type == "normal")).first()
            for split in ("train", "test")
        }
    assign_part(plate_services, person, [row.id for row in rows.values() if row is not None], "piece 1")
    assert estimates.estimate(plate_services, MEMORY_BANK, [plate_product.id]).n_leaked_parts == 1
    assert estimates.estimate(plate_services, SIMILARITY_INDEX, [plate_product.id]).n_leaked_parts == 0
    deploy(plate_services, plate_product.id, kinds=(MEMORY_BANK,))
    view = views.list_jobs(plate_services, kind=MEMORY_BANK)[0]
    (line,) = [line for line in view.log if line.code == "log_split_leak"]
    assert (line.params["n_parts"], line.params["names"]) == (1, "piece 1")
    assert "split_leak" in (view.outcomes[0].warnings or ())
    with plate_services.database.reading() as session:
        version = active_version(session, MEMORY_BANK, plate_product.id)
        assert version is not None
        assert "split_leak" in current_threshold(session, version.id).figures["warnings"]
