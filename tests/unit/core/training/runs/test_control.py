"""What a person does with runs: put a model into use, never a worse one unasked, roll back, delete; and who may."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from core.access import Person
from core.accounts.people import open_person
from core.catalog.products import find_product
from core.deployments.cleanup import clean_up
from core.errors import AppError, Conflict, NotAllowed, NotFound, NotReady
from core.models.judgment_words import reason_sentence
from core.models.kinds import TRAINED_MODEL
from core.operations.orphans import list_orphans
from core.operations.stored_objects import find_missing, take_stock
from core.registry.versions import active_version
from core.removal.products import purge_product
from core.services import Services
from core.training.runs.control import activate_run, cancel_run, delete_run, resume_run, retire_run, roll_back
from core.training.runs.overview import describe_end, list_runs, read_epochs, read_run
from core.training.runs.records import RunView
from core.training.runs.results import read_results
from core.training.runs.starting import estimate_run, start_run
from core.training.runs.storing import discard_scratch, scratch_folder
from storage.tables import AuditLog, ModelVersion, RunEpoch, TrackingEvent, TrainingRun
from tests.compared_methods import build_product
from tests.trained_runs import tiny_configuration, train, work_next


def _active(services: Services, view: str = "") -> int | None:
    with services.database.reading() as session:
        found = active_version(session, TRAINED_MODEL, find_product(services, "spots").id, "", view)
    return None if found is None else found.id


def _version(services: Services, person: Person, run_id: int) -> int:
    found = read_run(services, person, run_id).head.model_version_id
    assert found is not None
    return found


def _codes(run: RunView) -> list[str]:
    return [reason.code for reason in run.reasons]


def test_a_good_first_model_goes_into_use_when_a_person_says_so(bench: Services, trainer: Person) -> None:
    run_id = train(bench, trainer)
    assert _codes(read_run(bench, trainer, run_id)) == []
    assert _active(bench) is None
    found = activate_run(bench, trainer, run_id)
    assert _active(bench) == found.id == _version(bench, trainer, run_id)
    assert read_run(bench, trainer, run_id).head.version_state == "active"
    with pytest.raises(Conflict) as again:
        activate_run(bench, trainer, run_id)
    assert again.value.code == "version_already_active"


def test_a_worse_model_waits_with_its_reasons_until_a_person_takes_it_upon_them(
    bench: Services, trainer: Person
) -> None:
    good = train(bench, trainer)
    activate_run(bench, trainer, good)
    worse = train(bench, trainer, options={"shuffled": True})
    run = read_run(bench, trainer, worse)
    assert _codes(run) == ["trained_worse_macro_f1", "trained_near_chance"]
    said = reason_sentence(run.reasons[0], "en")
    assert "worse than version 1" in said
    assert "8 test parts" in said
    assert "{" not in said + reason_sentence(run.reasons[1], "ko")
    assert run.figures["compared_with"] == {"version": 1}
    with pytest.raises(Conflict) as held:
        activate_run(bench, trainer, worse)
    assert held.value.code == "version_held_back"
    assert _active(bench) == _version(bench, trainer, good)
    activate_run(bench, trainer, worse, override=True, reason="The line\nwaits")
    assert _active(bench) == _version(bench, trainer, worse)
    with bench.database.reading() as session:
        rows = session.exec(select(AuditLog).where(AuditLog.action == "training.activate")).all()
        states = session.exec(select(ModelVersion.state).order_by(ModelVersion.id)).all()  # type: ignore[arg-type]
    assert rows[-1].details["reason"] == "The line waits"
    assert rows[-1].details["overridden"] == ["trained_worse_macro_f1", "trained_near_chance"]
    assert states == ["retired", "active"]


def test_an_equally_good_model_does_not_wait(bench: Services, trainer: Person) -> None:
    activate_run(bench, trainer, train(bench, trainer))
    assert _codes(read_run(bench, trainer, train(bench, trainer, seed=9))) == []


def test_a_model_that_knows_fewer_labels_waits(bench: Services, trainer: Person) -> None:
    activate_run(bench, trainer, train(bench, trainer))
    fewer = train(bench, trainer, data={"labels": ["good", "spot"]})
    run = read_run(bench, trainer, fewer)
    assert _codes(run) == ["trained_fewer_labels"]
    assert "knows 1 labels" in reason_sentence(run.reasons[0], "en")
    assert run.figures["left_out"] == [{"label": "scratch", "images": 4, "reason": "run_label_not_asked"}]


def test_the_model_before_comes_back(bench: Services, trainer: Person) -> None:
    first, second = train(bench, trainer), train(bench, trainer, seed=1)
    activate_run(bench, trainer, first)
    with pytest.raises(Conflict) as nothing:
        roll_back(bench, trainer, first)
    assert nothing.value.code == "version_without_previous"
    activate_run(bench, trainer, second)
    back = roll_back(bench, trainer, second)
    assert _active(bench) == back.id == _version(bench, trainer, first)
    with pytest.raises(Conflict) as unused:
        roll_back(bench, trainer, second)
    assert unused.value.code == "version_not_in_use"
    retire_run(bench, trainer, first)
    assert _active(bench) is None
    with pytest.raises(Conflict):
        retire_run(bench, trainer, first)


def test_a_damaged_bundle_does_not_go_into_use(bench: Services, trainer: Person) -> None:
    run_id = train(bench, trainer)
    run = read_run(bench, trainer, run_id)
    bench.objects.put(f"{run.object_prefix}model.onnx", b"something else", content_type="application/octet-stream")
    with pytest.raises(NotReady) as damaged:
        activate_run(bench, trainer, run_id)
    assert damaged.value.code == "artifact_damaged"
    assert _active(bench) is None


def test_each_view_of_a_product_has_its_own_model(bench: Services, trainer: Person) -> None:
    build_product(bench, trainer, views=("ct", "rgb"), code="cells")
    with pytest.raises(AppError) as unsaid:
        start_run(bench, trainer, tiny_configuration("cells"))
    assert unsaid.value.code == "view_not_said"
    runs = {}
    for view, label in (("ct", "spot"), ("rgb", "scratch")):
        runs[view] = train(bench, trainer, product="cells", data={"view": view})
        run = read_run(bench, trainer, runs[view])
        assert run.figures["labels"] == ["good", label]
        assert activate_run(bench, trainer, runs[view]).view == view
    with bench.database.reading() as session:
        number = find_product(bench, "cells").id
        active = {view: active_version(session, TRAINED_MODEL, number, "", view) for view in runs}
    assert {view: one.scope for view, one in active.items() if one is not None} == {
        "ct": f"product:{number}:@ct",
        "rgb": f"product:{number}:@rgb",
    }


def test_a_run_is_deleted_with_its_rows_and_objects_but_not_the_one_in_use(bench: Services, trainer: Person) -> None:
    used, other = train(bench, trainer), train(bench, trainer, experiment="seeds", seed=2)
    activate_run(bench, trainer, used)
    with pytest.raises(NotAllowed):
        delete_run(bench, trainer, other)
    with pytest.raises(Conflict) as refused:
        delete_run(bench, open_person(bench, "admin"), used)
    assert refused.value.code == "run_in_use"
    prefix = read_run(bench, trainer, other).object_prefix
    version_id = _version(bench, trainer, other)
    delete_run(bench, open_person(bench, "admin"), other)
    with pytest.raises(NotFound):
        read_run(bench, trainer, other)
    assert list(bench.objects.list(prefix)) == []
    assert list(bench.objects.list(f"training/{other}/")) == []
    with bench.database.reading() as session:
        for table in (RunEpoch, TrackingEvent):
            assert session.exec(select(table).where(table.run_id == other)).all() == []
        version = session.get_one(ModelVersion, version_id)
    assert (version.object_prefix, version.state) == ("", "retired")
    assert [head.id for head in list_runs(bench, trainer)] == [used]
    waiting = start_run(bench, trainer, tiny_configuration())
    with pytest.raises(Conflict) as going:
        delete_run(bench, open_person(bench, "admin"), waiting)
    assert going.value.code == "run_still_going"


def test_runs_are_listed_and_filtered(bench: Services, trainer: Person) -> None:
    number = find_product(bench, "spots").id
    done = train(bench, trainer, experiment="seeds")
    waiting = start_run(bench, trainer, tiny_configuration(name="named by hand"))
    found = list_runs(bench, trainer, product_id=number)
    assert [(head.id, head.state) for head in found] == [(waiting, "queued"), (done, "succeeded")]
    assert found[0].name == "named by hand"
    assert [head.id for head in list_runs(bench, trainer, experiment="seeds")] == [done]
    assert [head.id for head in list_runs(bench, trainer, states=("queued",))] == [waiting]
    assert list_runs(bench, trainer, product_id=number + 1) == []
    assert list_runs(bench, trainer, task="detection") == []
    cancel_run(bench, trainer, waiting)
    assert read_run(bench, trainer, waiting).head.state == "cancelled"
    end = describe_end(read_run(bench, trainer, done))
    assert {"run", "product", "recipe", "dataset_version", "model_version", "seconds", "val", "test", "goals"} <= set(
        end
    )
    assert (end["product"], end["dataset_version"], end["model_version"]) == ("spots", 1, 1)


def test_what_a_run_stores_is_no_orphan_and_what_no_run_names_is(bench: Services, trainer: Person) -> None:
    run_id = train(bench, trainer, options={"shuffled": True})
    for key in ("training/999/maps/1.png", "models/trained_network/9-9-x/model.onnx"):
        bench.objects.put(key, b"left", content_type="application/octet-stream")
    stock = take_stock(bench)
    assert find_missing(bench, stock) == []
    orphans = {info.key for info in list_orphans(stock, min_age=timedelta(seconds=-60))}
    assert orphans == {"training/999/maps/1.png", "models/trained_network/9-9-x/model.onnx"}
    bench.objects.delete(read_run(bench, trainer, run_id).result_key)
    assert [one.column for one in find_missing(bench)] == ["result_key"]


def test_bundles_of_killed_attempts_are_cleaned_up(bench: Services, trainer: Person) -> None:
    run_id = train(bench, trainer)
    run = read_run(bench, trainer, run_id)
    left = f"models/trained_network/{run.head.job_id}-7-dead/"
    bench.objects.put(f"{left}model.onnx", b"half", content_type="application/octet-stream")
    clean_up(bench, run.head.job_id or 0)
    assert list(bench.objects.list(left)) == []
    assert list(bench.objects.list(run.object_prefix)) != []


def test_work_in_progress_of_runs_that_are_gone_is_discarded(bench: Services, trainer: Person) -> None:
    waiting = start_run(bench, trainer, tiny_configuration())
    for number in (waiting, 99):
        scratch_folder(bench, number).mkdir(parents=True)
    assert discard_scratch(bench) == 1
    assert scratch_folder(bench, waiting).exists()
    assert not scratch_folder(bench, 99).exists()


def test_a_product_is_purged_with_its_runs(bench: Services, trainer: Person) -> None:
    run_id = train(bench, trainer)
    run = read_run(bench, trainer, run_id)
    activate_run(bench, trainer, run_id)
    product = find_product(bench, "spots")
    admin = open_person(bench, "admin")
    purge_product(bench, admin, product.id, row_version=product.row_version, typed_code="spots")
    with bench.database.reading() as session:
        for table in (TrainingRun, RunEpoch, TrackingEvent, ModelVersion):
            assert session.exec(select(table)).all() == []
    assert list(bench.objects.list(f"training/{run_id}/")) == []
    assert list(bench.objects.list(run.object_prefix)) == []


_NAMED: dict[str, Callable[[Services, Person, int], Any]] = {
    "start": lambda services, person, _run: start_run(services, person, tiny_configuration()),
    "estimate": lambda services, person, _run: estimate_run(services, person, tiny_configuration()),
    "list": lambda services, person, _run: list_runs(services, person),
    "read": read_run,
    "epochs": read_epochs,
    "results": read_results,
    "cancel": cancel_run,
    "resume": resume_run,
    "activate": activate_run,
    "roll back": roll_back,
    "retire": retire_run,
    "delete": delete_run,
}


def test_a_worker_may_do_nothing_with_runs(bench: Services, trainer: Person) -> None:
    run_id = start_run(bench, trainer, tiny_configuration())
    worker = open_person(bench, "worker")
    for name, use in _NAMED.items():
        with pytest.raises(NotAllowed) as refused:
            use(bench, worker, run_id)
        assert refused.value.code == "role_too_low", name
    assert read_run(bench, trainer, run_id).head.state == "queued"


def test_a_run_that_is_not_there_is_said_to_be_so(bench: Services) -> None:
    for name, use in _NAMED.items():
        if name not in {"start", "estimate", "list", "experiments"}:
            with pytest.raises(NotFound) as unknown:
                use(bench, open_person(bench, "admin"), 999)
            assert unknown.value.code == "run_unknown", name


def test_a_run_that_failed_has_no_model_and_no_results(bench: Services, trainer: Person) -> None:
    run_id = start_run(bench, trainer, tiny_configuration(options={"memory_gib": 9}, limits={"memory_gib": 1}))
    assert work_next(bench) is not None
    for use, code in ((activate_run, "run_without_model"), (read_results, "run_not_finished")):
        with pytest.raises(NotReady) as unready:
            use(bench, trainer, run_id)
        assert unready.value.code == code
    head = read_run(bench, trainer, run_id).head
    assert head.error is not None
    assert (head.state, head.error.code, head.can_resume) == ("failed", "run_memory_limit", True)
    delete_run(bench, open_person(bench, "admin"), run_id)
    assert list_runs(bench, trainer) == []
