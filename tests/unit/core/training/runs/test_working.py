"""Working a run off: epochs as rows, the test images once, a candidate that waits, and the same network every time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from core.access import Person
from core.errors import BadInput, Conflict, NotFound, NotReady
from core.images.edits import delete_images
from core.jobs import claims, queue
from core.jobs.records import JobPayload
from core.jobs.terms import COMPARISON, JobCancelled, JobLost
from core.models.kinds import TRAINED_MODEL
from core.services import Services
from core.training.runs.control import cancel_run, resume_run
from core.training.runs.overview import read_epochs, read_run
from core.training.runs.results import read_map, read_results
from core.training.runs.starting import estimate_run, start_run
from core.training.runs.storing import scratch_folder
from core.training.runs.working import work_off
from inference.artifact import read_bundle
from inference.vision.images.encoding import decode_map
from storage.database import DatabaseError
from storage.object_store import ObjectStoreError
from storage.tables import AuditLog, Image, Job, ModelVersion, TrackingEvent, TrainingRun
from tests.trained_runs import TinyRecipe, tiny_configuration, train, work_next


class KilledError(BaseException):
    """What ends an attempt as a kill does: nobody stores anything any more."""


def _graph_hash(services: Services, run_id: int) -> str:
    with services.database.reading() as session:
        run = session.get_one(TrainingRun, run_id)
    bundle = read_bundle(services.models.bundle(run), kind="trained_network", manifest_sha256=run.manifest_sha256)
    return bundle.manifest.files["model.onnx"].sha256


def _job(services: Services, run_id: int) -> Job:
    with services.database.reading() as session:
        return session.get_one(Job, session.get_one(TrainingRun, run_id).job_id)


def _kill_at(epoch: int) -> None:
    def end(number: int) -> None:
        if number == epoch:
            raise KilledError

    TinyRecipe.on_epoch = end


def _attempt_that_dies(services: Services) -> None:
    claim = claims.claim_next(services, "killed", lease_s=600.0)
    assert claim is not None
    with pytest.raises(KilledError):
        work_off(services, claim)
    claims.release(services, claim)


def test_a_run_ends_with_figures_and_a_version_that_waits(bench: Services, trainer: Person) -> None:
    run_id = train(bench, trainer, report={"goals": {"top1": 0.9, "field.top1": 0.9}})
    run = read_run(bench, trainer, run_id)
    assert (run.head.state, run.head.epochs_done, run.head.epochs) == ("succeeded", 3, 3)
    assert (run.val["macro_f1"], run.test["top1"], run.head.test) == (1.0, 1.0, 1.0)
    assert [(goal.name, goal.found, goal.met) for goal in run.head.goals] == [
        ("top1", 1.0, True),
        ("field.top1", None, False),
    ]
    assert run.figures["images"] == {"train": 16, "val": 8, "test": 8}
    assert run.figures["verdicts"] == {"good": 4, "overkill": 0, "defect": 4, "escape": 0}
    assert run.figures["threshold"]["method"] == "f1_max"
    assert run.figures["ms_per_image"] > 0
    assert run.estimate["measured"] is True
    assert [reason.code for reason in run.reasons] == ["trained_goals_missed"]
    epochs = read_epochs(bench, trainer, run_id)
    assert [(row.epoch, row.images_seen) for row in epochs] == [(1, 16), (2, 32), (3, 48)]
    assert epochs[0].train_loss is not None
    assert epochs[-1].train_loss is not None
    assert epochs[-1].train_loss < epochs[0].train_loss
    with bench.database.reading() as session:
        version = session.get_one(ModelVersion, run.head.model_version_id)
        told = session.exec(select(TrackingEvent.kind).where(TrackingEvent.run_id == run_id)).all()
        actions = set(session.exec(select(AuditLog.action)).all())
    assert (version.kind, version.scope, version.state, version.active_key) == (
        TRAINED_MODEL, f"product:{run.head.product.id}", "candidate", None,
    )  # fmt: skip
    assert told == ["started", "epoch", "epoch", "epoch", "model", "finished"]
    assert {"training.start", "version.keep"} <= actions
    assert version.object_prefix == run.object_prefix
    assert run.object_prefix.startswith("models/trained_network/")
    assert bench.objects.exists(f"{run.object_prefix}model.onnx")
    assert (run.result_key, run.last_checkpoint_key) == (
        f"training/{run_id}/results.json", f"training/{run_id}/last.safetensors",
    )  # fmt: skip
    assert bench.objects.exists(run.last_checkpoint_key)
    assert not scratch_folder(bench, run_id).exists()


def test_each_validation_and_test_image_is_told_with_maps_of_what_failed(bench: Services, trainer: Person) -> None:
    run_id = train(bench, trainer, options={"shuffled": True}, report={"failed_examples": 3})
    found = read_results(bench, trainer, run_id)
    assert (len(found.of("val")), len(found.of("test")), len(found.images)) == (8, 8, 16)
    assert found.labels == ("good", "scratch", "spot")
    assert found.good_labels == ("good",)
    wrong = [one for one in found.images if not one.right]
    assert {one.named for one in found.images} == {"good"}
    assert {one.truth for one in wrong} == {"spot", "scratch"}
    assert all(abs(sum(one.probabilities.values()) - 1.0) < 1e-4 for one in found.images)
    kept = [one for one in found.images if one.map_key]
    assert len(kept) == 3
    assert all(one in wrong and one.split == "test" for one in kept)
    assert decode_map(read_map(bench, trainer, kept[0].map_key)).shape == (8, 8)
    with pytest.raises(NotFound):
        read_map(bench, trainer, "inspections/2026/01/01/x.png")


def test_the_same_configuration_gives_the_same_network_and_another_seed_another(
    bench: Services, trainer: Person
) -> None:
    one, other = train(bench, trainer), train(bench, trainer)
    assert _graph_hash(bench, one) == _graph_hash(bench, other)
    assert _graph_hash(bench, one) != _graph_hash(bench, train(bench, trainer, seed=4))
    with bench.database.reading() as session:
        hashes = session.exec(select(TrainingRun.config_hash).order_by(TrainingRun.id)).all()  # type: ignore[arg-type]
    assert hashes[0] == hashes[1] != hashes[2]


@pytest.mark.parametrize("epoch", [1, 3])
def test_a_killed_run_goes_on_at_its_last_epoch_to_the_same_network(
    bench: Services, trainer: Person, tmp_path: Path, epoch: int
) -> None:
    undisturbed = train(bench, trainer)
    log = tmp_path / "epochs"
    run_id = start_run(bench, trainer, tiny_configuration(options={"log": str(log)}))
    _kill_at(epoch)
    _attempt_that_dies(bench)
    assert [row.epoch for row in read_epochs(bench, trainer, run_id)] == list(range(1, epoch))
    TinyRecipe.on_epoch = None
    assert work_next(bench) is None
    assert log.read_text().split() == ["1", "2", "3"]
    assert [row.epoch for row in read_epochs(bench, trainer, run_id)] == [1, 2, 3]
    assert _graph_hash(bench, run_id) == _graph_hash(bench, undisturbed)


def test_a_run_that_is_killed_while_it_is_measured_trains_nothing_again(
    bench: Services, trainer: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "epochs"
    run_id = start_run(bench, trainer, tiny_configuration(options={"log": str(log)}))
    put = bench.objects.put

    def die(key: str, *rest: Any, **more: Any) -> Any:
        if key.endswith("results.json"):
            raise KilledError
        return put(key, *rest, **more)

    with monkeypatch.context() as patch:
        patch.setattr(bench.objects, "put", die)
        _attempt_that_dies(bench)
    assert read_run(bench, trainer, run_id).head.model_version_id is None
    assert work_next(bench) is None
    assert log.read_text().split() == ["1", "2", "3"]
    assert read_run(bench, trainer, run_id).head.test == 1.0


def test_a_run_ends_with_its_best_epoch_when_its_minutes_are_over(bench: Services, trainer: Person) -> None:
    options = {"epoch_s": 0.15}
    run_id = train(bench, trainer, options=options, training={"epochs": 200}, limits={"minutes": 0.01})
    run = read_run(bench, trainer, run_id)
    assert run.stopped_for == "time_limit"
    assert 1 <= run.head.epochs_done < 10
    assert run.head.test == 1.0
    assert [row["code"] for row in run.estimate["warnings"]].count("run_longer_than_limit") == 1


def test_a_run_without_an_epoch_in_its_minutes_says_so(bench: Services, trainer: Person) -> None:
    start_run(bench, trainer, tiny_configuration(options={"epoch_s": 5.0}, limits={"minutes": 0.005}))
    error = work_next(bench)
    assert isinstance(error, NotReady)
    assert error.code == "run_time_too_short"
    assert "0.005 minutes" in str(error)


def test_what_needs_more_memory_than_allowed_is_refused_before_and_at_the_start(
    bench: Services, trainer: Person
) -> None:
    wanted = tiny_configuration(options={"memory_gib": 3}, limits={"memory_gib": 1})
    with pytest.raises(NotReady) as refused:
        estimate_run(bench, trainer, wanted)
    assert refused.value.code == "run_memory_limit"
    start_run(bench, trainer, wanted)
    error = work_next(bench)
    assert error is not None
    assert error.code == "run_memory_limit"


def test_a_process_that_grows_over_its_memory_is_ended_with_a_sentence(bench: Services, trainer: Person) -> None:
    # Less than any Python process has in use.
    run_id = start_run(bench, trainer, tiny_configuration(options={"memory_gib": 0.001}, limits={"memory_gib": 0.01}))
    error = work_next(bench)
    assert error is not None
    assert error.code == "run_memory_exceeded"
    assert read_run(bench, trainer, run_id).head.can_resume


def test_a_full_disk_fails_the_run_which_goes_on_when_there_is_room(
    bench: Services, trainer: Person, tmp_path: Path
) -> None:
    full = tmp_path / "full"
    full.touch()
    run_id = start_run(bench, trainer, tiny_configuration(options={"full_disk_while": str(full)}))
    error = work_next(bench)
    assert error is not None
    assert error.code == "disk_full"
    failed = read_run(bench, trainer, run_id)
    assert (failed.head.state, failed.head.epochs_done) == ("failed", 1)
    full.unlink()
    resume_run(bench, trainer, run_id)
    assert work_next(bench) is None
    assert read_run(bench, trainer, run_id).head.state == "succeeded"
    with bench.database.reading() as session:
        told = session.exec(select(TrackingEvent.kind).where(TrackingEvent.run_id == run_id)).all()
    assert told == ["started", "epoch", "finished", "started", "epoch", "epoch", "model", "finished"]


def test_an_object_store_that_is_away_fails_the_run_and_it_can_go_on(
    bench: Services, trainer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = start_run(bench, trainer, tiny_configuration())

    def away(*_: Any, **__: Any) -> Any:
        raise ObjectStoreError("object_store_unavailable", where="tests")

    with monkeypatch.context() as patch:
        for name in ("get", "get_to_file"):
            patch.setattr(bench.objects, name, away)
        error = work_next(bench)
    assert error is not None
    assert error.code == "object_store_unavailable"
    resume_run(bench, trainer, run_id)
    assert work_next(bench) is None
    assert read_run(bench, trainer, run_id).head.test == 1.0


def test_an_image_that_is_learned_from_cannot_be_deleted_meanwhile(bench: Services, trainer: Person) -> None:
    refused: list[str] = []

    def delete(epoch: int) -> None:
        if epoch == 2:
            with pytest.raises(Conflict) as found:
                _delete_one(bench, trainer)
            refused.append(found.value.code)

    TinyRecipe.on_epoch = delete
    run = read_run(bench, trainer, train(bench, trainer))
    assert refused == ["dataset_image_in_training"]
    assert run.head.state == "succeeded"


def test_a_canceled_run_stops_at_its_next_word_and_can_go_on(bench: Services, trainer: Person, tmp_path: Path) -> None:
    log = tmp_path / "epochs"
    run_id = start_run(bench, trainer, tiny_configuration(options={"log": str(log)}))

    def cancel(epoch: int) -> None:
        if epoch == 2:
            cancel_run(bench, trainer, run_id)

    TinyRecipe.on_epoch = cancel
    claim = claims.claim_next(bench, "tests", lease_s=600.0)
    assert claim is not None
    with pytest.raises(JobCancelled):
        work_off(bench, claim)
    claims.finish(bench, claim, state="cancelled")
    stopped = read_run(bench, trainer, run_id)
    assert (stopped.head.state, stopped.head.epochs_done) == ("cancelled", 1)
    TinyRecipe.on_epoch = None
    resume_run(bench, trainer, run_id)
    assert work_next(bench) is None
    assert read_run(bench, trainer, run_id).head.state == "succeeded"
    # Its checkpoint of epoch 2 was written when the cancel was heard: only what follows is trained.
    assert log.read_text().split() == ["1", "2", "3"]


def test_a_training_steps_back_behind_a_job_that_waits(bench: Services, trainer: Person, tmp_path: Path) -> None:
    log = tmp_path / "epochs"
    run_id = start_run(bench, trainer, tiny_configuration(options={"log": str(log)}))
    claim = claims.claim_next(bench, "tests", lease_s=600.0)
    assert claim is not None

    def wait(epoch: int) -> None:
        if epoch == 1:
            with bench.database.unit_of_work() as session:
                number = queue.add_job(session, trainer, kind=COMPARISON, payload=JobPayload())
                job = session.get_one(Job, number)
                job.created_at = job.created_at.replace(year=2020)
                session.add(job)
                session.commit()

    TinyRecipe.on_epoch = wait
    with pytest.raises(JobLost):
        work_off(bench, claim)
    assert (_job(bench, run_id).state, _job(bench, run_id).attempts) == ("queued", 0)
    other = claims.claim_next(bench, "tests", lease_s=600.0)
    assert other is not None
    assert other.kind == COMPARISON
    claims.finish(bench, other, state="succeeded")
    assert work_next(bench) is None
    assert log.read_text().split() == ["1", "2", "3"]
    assert read_run(bench, trainer, run_id).head.state == "succeeded"


def test_a_run_that_another_worker_has_taken_stores_nothing(bench: Services, trainer: Person) -> None:
    run_id = start_run(bench, trainer, tiny_configuration())
    claim = claims.claim_next(bench, "slow", lease_s=600.0)
    assert claim is not None
    stale = replace(claim, fencing_token=claim.fencing_token - 1)
    with pytest.raises(JobLost):
        work_off(bench, stale)
    assert read_epochs(bench, trainer, run_id) == []


def test_a_database_that_is_away_for_a_moment_costs_no_epoch(
    bench: Services, trainer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = start_run(bench, trainer, tiny_configuration())
    monkeypatch.setattr("core.training.runs.listening.RETRY_S", 0.01)
    begin = bench.database.unit_of_work
    refused: list[int] = []

    def away() -> Any:
        if len(refused) < 4:
            refused.append(1)
            raise DatabaseError("database_unavailable")
        return begin()

    def go_away(epoch: int) -> None:
        if epoch == 2:
            monkeypatch.setattr(bench.database, "unit_of_work", away)

    TinyRecipe.on_epoch = go_away
    assert work_next(bench) is None
    assert len(refused) == 4
    assert [row.epoch for row in read_epochs(bench, trainer, run_id)] == [1, 2, 3]


def test_a_database_that_stays_away_ends_the_attempt_and_the_run_can_go_on(
    bench: Services, trainer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = start_run(bench, trainer, tiny_configuration())
    monkeypatch.setattr("core.training.runs.listening.PATIENCE_S", 0.05)
    begin = bench.database.unit_of_work
    is_away = [False]

    def away() -> Any:
        if is_away[0]:
            raise DatabaseError("database_unavailable")
        return begin()

    monkeypatch.setattr(bench.database, "unit_of_work", away)
    TinyRecipe.on_epoch = lambda epoch: is_away.__setitem__(0, epoch == 2)
    claim = claims.claim_next(bench, "tests", lease_s=600.0)
    assert claim is not None
    error = work_off(bench, claim)
    assert error is not None
    assert error.code == "database_unavailable"
    is_away[0], TinyRecipe.on_epoch = False, None
    claims.release(bench, claim)
    assert work_next(bench) is None
    assert read_run(bench, trainer, run_id).head.test == 1.0


def test_a_run_that_is_over_cannot_go_on_nor_be_canceled(bench: Services, trainer: Person) -> None:
    run_id = train(bench, trainer)
    with pytest.raises(Conflict) as refused:
        resume_run(bench, trainer, run_id)
    assert refused.value.code == "run_nothing_left"
    with pytest.raises(Conflict) as over:
        cancel_run(bench, trainer, run_id)
    assert over.value.code == "job_already_over"


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"product": "unknown"}, "product_unknown"),
        ({"data": {"dataset": 77}}, "dataset_unknown"),
        ({"data": {"view": "ct"}}, "run_view_unknown"),
        ({"data": {"labels": ["spot", "crack"]}}, "run_label_unknown"),
        ({"data": {"labels": ["spot"]}}, "run_too_few_labels"),
        ({"data": {"least_images": 1000}}, "run_too_few_labels"),
        ({"model": {"recipe": "tiny", "scratch": False, "backbone": "resnet18"}}, "run_weights_missing"),
        ({"task": "detection"}, "run_recipe_task"),
    ],
)
def test_what_cannot_be_learned_is_refused_before_anything_is_queued(
    bench: Services, trainer: Person, values: dict[str, Any], code: str
) -> None:
    product = values.pop("product", "spots")
    with pytest.raises((BadInput, NotFound, NotReady)) as refused:
        start_run(bench, trainer, tiny_configuration(product, **values))
    assert refused.value.code == code
    with bench.database.reading() as session:
        assert session.exec(select(TrainingRun)).all() == []
        assert session.exec(select(Job)).all() == []


def _delete_one(services: Services, person: Person) -> None:
    with services.database.reading() as session:
        row = session.exec(select(Image).where(Image.split == "train")).first()
    assert row is not None
    delete_images(services, person, [row.id])
