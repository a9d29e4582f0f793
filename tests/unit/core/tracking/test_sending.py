"""Runs in a real MLflow store: once, in order, with everything that was said, also after it was away."""

from __future__ import annotations

import base64
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, update

from core.services import Services
from core.tracking import outbox
from core.tracking.address import StoreAddress, find_address
from core.tracking.events import EPOCH, FINISHED, MODEL, STARTED, forget_events, note_event
from core.tracking.facts import RunFacts
from core.tracking.sending import Sender, send_waiting
from core.tracking.status import read_status
from core.tracking.store import MlflowStore, open_store
from storage.tables import SystemConfig, TrackedRun, TrackingEvent, utc_now
from tests.tracked_runs import TEST, VAL, PlateSet, add_run, add_set, configure
from tests.tracking_server import TrackingServer, tracking_server

EPOCHS = ({"top1": 0.5, "macro_f1": 0.4}, {"top1": 0.75, "macro_f1": 0.7})


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return MLflow's database without a run: making one takes seconds."""
    folder = tmp_path_factory.mktemp("mlflow")
    open_store(StoreAddress(f"sqlite:///{folder / 'mlflow.db'}", "template", "k", folder / "files"))
    return folder / "mlflow.db"


@pytest.fixture
def client(services: Services, empty_store: Path) -> Any:
    """Return a client of the store in the data folder."""
    shutil.copyfile(empty_store, services.settings.data_dir / "mlflow.db")
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracking_uri=f"sqlite:///{services.settings.data_dir / 'mlflow.db'}")


@pytest.fixture
def plates(services: Services) -> PlateSet:
    return add_set(services)


def _note(services: Services, run_id: int, kind: str, payload: dict[str, Any] | None = None) -> None:
    with services.database.unit_of_work() as session:
        note_event(session, run_id, kind, payload or {})
        session.commit()


def _note_whole_run(services: Services, run_id: int) -> None:
    _note(services, run_id, STARTED)
    for epoch, figures in enumerate(EPOCHS, start=1):
        _note(services, run_id, EPOCH, {"epoch": epoch, "figures": figures})
    services.objects.put("models/trained_network/7/model.onnx", b"graph")
    services.objects.put("models/trained_network/7/manifest.json", b"{}")
    _note(services, run_id, MODEL, {"object_prefix": "models/trained_network/7/", "manifest_sha256": "beef"})
    goals = [{"name": "top1", "wanted": 0.4, "found": 0.5, "met": True}]
    _note(services, run_id, FINISHED, {"val": VAL, "test": TEST, "goals": goals, "seconds": 12.5, "state": "succeeded"})


def _runs(client: Any, experiment: str = "plate/default") -> list[Any]:
    found = client.get_experiment_by_name(experiment)
    return [] if found is None else list(client.search_runs([found.experiment_id]))


def test_a_run_stands_in_the_store_with_parameters_curves_figures_files_and_model(
    services: Services, client: Any, plates: PlateSet
) -> None:
    run_id = add_run(services, plates, configure(epochs=2, experiment="빛"), epochs=EPOCHS)
    _note_whole_run(services, run_id)

    report = send_waiting(services)

    assert (report.sent, report.problem) == (5, None)
    (run,) = _runs(client, "plate/빛")
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "probe, 256 px"
    assert run.data.params["training.epochs"] == "2"
    assert run.data.params["model.recipe"] == "probe"
    assert run.data.tags["geomsa.run_id"] == str(run_id)
    assert run.data.tags["geomsa.dataset"] == "3"
    assert run.data.metrics["final/test/per_class/crack/recall"] == 0.5
    assert run.data.metrics["final/val/macro_f1"] == 0.7
    history = client.get_metric_history(run.info.run_id, "val/top1")
    assert [(point.step, point.value) for point in history] == [(1, 0.5), (2, 0.75)]
    assert run.inputs.dataset_inputs[0].dataset.name == "plate #3"
    names = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert names == {"configuration.yaml", "result.json", "confusion_test.csv"}
    table = Path(client.download_artifacts(run.info.run_id, "confusion_test.csv")).read_text(encoding="utf-8")
    assert table == "truth,good,crack\ngood,1,1\ncrack,1,1\n"
    (model,) = client.search_logged_models([run.info.experiment_id])
    assert (model.source_run_id, str(model.status)) == (run.info.run_id, "READY")
    files = {file.path for file in client.list_logged_model_artifacts(model.model_id)}
    assert files == {"MLmodel", "manifest.json", "model.onnx"}


def test_a_run_is_made_once_when_the_sender_dies_before_it_could_remember_it(
    services: Services, client: Any, plates: PlateSet
) -> None:
    run_id = add_run(services, plates, epochs=EPOCHS)
    _note_whole_run(services, run_id)

    class Killed(BaseException):
        pass

    class Dying(MlflowStore):
        def create_run(self, facts: RunFacts) -> str:
            super().create_run(facts)
            raise Killed

    def open_dying(address: StoreAddress) -> MlflowStore:
        return Dying(address, client)

    with pytest.raises(Killed):
        Sender(services, open_one=open_dying).send(10)
    assert len(_runs(client)) == 1
    # A sender that died keeps its turn until it runs out.
    assert send_waiting(services).sent == 0
    _expire_turn(services)
    assert send_waiting(services).sent == 5

    (run,) = _runs(client)
    assert run.info.status == "FINISHED"
    assert len(client.get_metric_history(run.info.run_id, "val/top1")) == 2
    assert len(client.search_logged_models([run.info.experiment_id])) == 1


def _set_all(services: Services, **values: object) -> None:
    with services.database.unit_of_work() as session:
        session.execute(update(TrackingEvent).values(**values))
        session.commit()


def _expire_turn(services: Services) -> None:
    with services.database.unit_of_work() as session:
        row = session.get_one(SystemConfig, outbox.TURN)
        row.value = {**row.value, "until": utc_now().isoformat()}
        session.commit()


def test_what_was_sent_and_not_marked_is_not_there_twice(services: Services, client: Any, plates: PlateSet) -> None:
    run_id = add_run(services, plates, epochs=EPOCHS)
    _note_whole_run(services, run_id)
    send_waiting(services)
    _set_all(services, sent_at=None)

    assert send_waiting(services).sent == 5

    (run,) = _runs(client)
    assert len(client.get_metric_history(run.info.run_id, "val/top1")) == 2
    assert len(client.get_metric_history(run.info.run_id, "final/test/top1")) == 1
    assert len(client.search_logged_models([run.info.experiment_id])) == 1


def test_a_resumed_run_goes_on_in_the_same_place(services: Services, client: Any, plates: PlateSet) -> None:
    run_id = add_run(services, plates, epochs=EPOCHS, state="running")
    _note(services, run_id, STARTED)
    _note(services, run_id, FINISHED, {"state": "failed"})
    send_waiting(services)
    assert _runs(client)[0].info.status == "FAILED"

    _note(services, run_id, STARTED)
    send_waiting(services)

    (run,) = _runs(client)
    assert run.info.status == "RUNNING"


def test_two_installations_share_a_store_without_mixing_their_runs(
    services: Services, client: Any, plates: PlateSet
) -> None:
    run_id = add_run(services, plates)
    _note(services, run_id, STARTED)
    send_waiting(services)
    # The same numbers of runs, another installation: a copy of the program with a database of its own.
    with services.database.unit_of_work() as session:
        row = session.get_one(SystemConfig, "installation")
        row.value = {**row.value, "id": "another"}
        session.execute(delete(TrackedRun))
        session.commit()
    _note(services, run_id, STARTED)
    send_waiting(services)

    assert len({run.data.tags["geomsa.run"] for run in _runs(client)}) == 2


def test_a_store_that_was_emptied_gets_the_run_anew(
    services: Services, client: Any, plates: PlateSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "FIRST_WAIT_S", 0.0)
    run_id = add_run(services, plates, epochs=EPOCHS, state="running")
    with services.database.unit_of_work() as session:
        session.add(TrackedRun(run_id=run_id, store=find_address(services.settings).key, external_id="0" * 32))
        session.commit()
    _note(services, run_id, EPOCH, {"epoch": 2, "figures": {}})

    first, second = send_waiting(services), send_waiting(services)

    assert first.problem is not None
    assert first.problem.code == "tracking_refused"
    assert second.sent == 1
    (run,) = _runs(client)
    assert [point.step for point in client.get_metric_history(run.info.run_id, "val/top1")] == [1, 2]
    assert run.data.params["training.epochs"] == "3"


def test_what_the_store_refuses_again_and_again_is_given_up_and_shows(
    services: Services, client: Any, plates: PlateSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "FIRST_WAIT_S", 0.0)
    run_id, other = add_run(services, plates), add_run(services, plates)
    _note(services, run_id, STARTED)
    send_waiting(services)
    (run,) = _runs(client)
    client.delete_run(run.info.run_id)
    _note(services, run_id, FINISHED, {"state": "succeeded"})
    _note(services, other, STARTED)

    for _ in range(outbox.MOST_REFUSALS):
        send_waiting(services)

    # The other run was not held up, nothing waits any more, and what was lost is said.
    assert [found.data.tags["geomsa.run_id"] for found in _runs(client)] == [str(other)]
    state = read_status(services, services.settings).outbox
    assert (state.waiting, state.given_up) == (0, 1)
    assert state.given_up_problem is not None
    assert state.given_up_problem.code == "tracking_refused"


def _served(services: Services, url: str) -> Services:
    return replace(services, settings=replace(services.settings, mlflow_uri=url))


def test_trainings_go_on_while_the_server_is_away_and_everything_arrives_when_it_is_back(
    services: Services, plates: PlateSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "FIRST_WAIT_S", 0.0)
    told = TrackingServer()
    with tracking_server(told):
        url, port = told.url, told.port
    away = _served(services, url)
    run_id = add_run(services, plates, epochs=EPOCHS)
    _note_whole_run(services, run_id)

    failed = send_waiting(away)
    assert (failed.sent, failed.problem and failed.problem.code) == (0, "tracking_store_away")
    status = read_status(away, away.settings)
    assert (status.outbox.waiting, status.problem and status.problem.code) == (5, "tracking_store_away")

    with tracking_server(told, port=port):
        assert send_waiting(away).sent == 5

    assert list(told.experiments) == ["plate/default"]
    (run,) = told.runs.values()
    assert run["status"] == "FINISHED"
    assert ("val/macro_f1", 0.7, 2) in run["metrics"]
    names = {name.split("/artifacts/")[1] for name in told.files}
    # A server that knows no models gets the network as files.
    assert names == {
        "configuration.yaml", "result.json", "confusion_test.csv", "model/model.onnx", "model/manifest.json",
    }  # fmt: skip
    assert read_status(away, away.settings).outbox.waiting == 0


def test_a_store_that_is_away_is_asked_once_and_then_left_alone_for_a_while(
    services: Services, plates: PlateSet
) -> None:
    told = TrackingServer(refuses=(503, "TEMPORARILY_UNAVAILABLE"))
    for _ in range(3):
        _note(services, add_run(services, plates), STARTED)
    with tracking_server(told):
        served = _served(services, told.url)
        assert send_waiting(served).sent == 0
        asked = told.asked
        assert send_waiting(served).sent == 0
        assert told.asked == asked
        assert not outbox.is_due(services)
        outbox.try_again(services)
        told.refuses = None
        assert send_waiting(served).sent == 3


def test_user_and_password_reach_the_server_and_nobody_else(
    services: Services, plates: PlateSet, caplog: pytest.LogCaptureFixture
) -> None:
    told = TrackingServer(refuses=(401, "UNAUTHENTICATED"))
    _note(services, add_run(services, plates), STARTED)
    with tracking_server(told):
        url = told.url.replace("://", "://trainer:s3cr%40t@")
        served = _served(services, url)
        report = send_waiting(served)

    expected = "Basic " + base64.b64encode(b"trainer:s3cr@t").decode()
    assert told.authorizations
    assert set(told.authorizations) == {expected}
    assert report.problem is not None
    assert report.problem.code == "tracking_store_denied"
    status = read_status(served, served.settings)
    shown = f"{caplog.text} {report} {report.problem} {status} {find_address(served.settings)!r}"
    assert "s3cr" not in shown
    assert "trainer" not in shown
    assert told.url in shown


def test_files_are_not_written_into_a_folder_that_a_server_names_on_its_own_machine(
    services: Services, plates: PlateSet, tmp_path: Path
) -> None:
    told = TrackingServer(artifacts=f"{tmp_path}/elsewhere/")
    _note(services, add_run(services, plates), STARTED)
    with tracking_server(told):
        report = send_waiting(_served(services, told.url))
    assert report.problem is not None
    assert report.problem.code == "tracking_files_elsewhere"
    assert not (tmp_path / "elsewhere").exists()


def test_nothing_is_sent_where_tracking_is_off(services: Services, plates: PlateSet) -> None:
    _note(services, add_run(services, plates), STARTED)
    off = replace(services, settings=replace(services.settings, mlflow_tracking="off"))

    def never(address: StoreAddress) -> MlflowStore:
        raise AssertionError(address)

    assert send_waiting(off, open_one=never).sent == 0
    assert not read_status(off, off.settings).is_on


def test_one_process_sends_at_a_time(services: Services) -> None:
    assert outbox.take_turn(services, "one")
    assert not outbox.take_turn(services, "two")
    assert outbox.take_turn(services, "one")
    outbox.give_turn_back(services, "two")
    assert not outbox.take_turn(services, "two")
    outbox.give_turn_back(services, "one")
    assert outbox.take_turn(services, "two")


def test_the_messages_of_a_deleted_run_are_forgotten(services: Services, plates: PlateSet) -> None:
    run_id, other = add_run(services, plates), add_run(services, plates)
    for number in (run_id, other):
        _note(services, number, STARTED)
    with services.database.unit_of_work() as session:
        session.add(TrackedRun(run_id=run_id, store="k", external_id="x"))
        session.commit()
    with services.database.unit_of_work() as session:
        forget_events(session, run_id)
        session.commit()
    assert [event.run_id for event in outbox.waiting_of(services, other, 10)] == [other]
    assert outbox.waiting_of(services, run_id, 10) == []
    assert outbox.find_external_id(services, run_id, "k") is None


@pytest.mark.parametrize(
    ("kind", "payload", "error"),
    [("begun", {}, ValueError), (EPOCH, {"figures": {"top1": object()}}, TypeError)],
)
def test_only_known_messages_of_plain_values_are_noted(
    services: Services, plates: PlateSet, kind: str, payload: dict[str, Any], error: type[Exception]
) -> None:
    run_id = add_run(services, plates)
    with services.database.unit_of_work() as session, pytest.raises(error):
        note_event(session, run_id, kind, payload)


def test_figures_that_are_no_numbers_are_noted_as_nothing(services: Services, plates: PlateSet) -> None:
    run_id = add_run(services, plates)
    _note(services, run_id, EPOCH, {"epoch": 1, "figures": {"loss": float("nan"), "top1": 0.5}})
    (event,) = outbox.waiting_of(services, run_id, 10)
    assert event.payload == {"epoch": 1, "figures": {"loss": None, "top1": 0.5}}


def _age(services: Services, *, days: float, is_sent: bool) -> None:
    at = utc_now() - timedelta(days=days)
    _set_all(services, created_at=at, sent_at=at if is_sent else None)


def test_what_was_sent_weeks_ago_is_deleted_and_what_waits_is_not(services: Services, plates: PlateSet) -> None:
    run_id = add_run(services, plates)
    _note(services, run_id, STARTED)
    for days, is_sent, gone in ((100, False, 0), (1, True, 0), (20, True, 1)):
        _age(services, days=days, is_sent=is_sent)
        assert outbox.purge(services) == gone
    _note(services, run_id, STARTED)
    _age(services, days=100, is_sent=False)
    assert outbox.purge(services, everything_old=True) == 1
