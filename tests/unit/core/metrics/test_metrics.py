"""What Prometheus reads of trainings: figures of now, from worker and interface alike, and the dashboard of them."""

from __future__ import annotations

import json
import logging
import re
import socket
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from core.api.metrics import ApiMetrics
from core.errors import BadSetting
from core.metrics.gpus import GpuReader, read_lines
from core.metrics.installation import InstallationGauges
from core.metrics.serving import serve_metrics
from core.services import Services
from core.settings import read_settings
from core.tracking.events import note_event
from storage.tables import Backup
from tests.tls_server import make_certificate, serve_tls
from tests.tracked_runs import add_run, add_set, configure

DEPLOY = Path(__file__).resolve().parents[4] / "deploy"
GPU = "0, NVIDIA L4, 1024, 23034, 57\n1, NVIDIA L4, 3, 23034, [N/A]\n"


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def scrape(services: Services) -> Iterator[Callable[[], str]]:
    """Yield what asks a worker's address, with GPUs of which the driver tells."""
    port = _free_port()
    served = replace(services, settings=replace(services.settings, metrics_port=port))
    stop = serve_metrics(served, ask_gpus=lambda: GPU)
    assert stop is not None

    def ask() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
            return str(answer.read().decode())

    yield ask
    stop()


def test_the_worker_tells_of_runs_their_last_epoch_the_queue_the_outbox_and_gpus(
    services: Services, scrape: Callable[[], str]
) -> None:
    plates = add_set(services)
    running = add_run(services, plates, state="running", epochs=[{"top1": 0.5}, {"top1": 0.75, "macro_f1": 0.7}])
    add_run(services, plates, configure(recipe="full"), state="queued")
    ended = add_run(services, plates, epochs=[{"top1": 0.9}])
    with services.database.unit_of_work() as session:
        note_event(session, running, "started", {})
        session.commit()

    found = _samples(scrape())

    of_run = (("product", "plate"), ("recipe", "probe"), ("run", str(running)))
    assert found[("geomsa_training_runs", (("state", "running"),))] == 1
    assert found[("geomsa_training_runs", (("state", "queued"),))] == 1
    assert found[("geomsa_training_runs", (("state", "failed"),))] == 0
    assert found[("geomsa_queue_jobs", (("kind", "training"), ("state", "queued")))] == 1
    assert found[("geomsa_training_epoch", of_run)] == 2
    assert found[("geomsa_training_images_seen", of_run)] == 20
    assert found[("geomsa_training_loss", (*of_run, ("split", "val")))] == 0.75
    assert found[("geomsa_training_figure", tuple(sorted((*of_run, ("figure", "macro_f1")))))] == 0.7
    # One that has ended just now is still told of: no scraper misses its last epoch.
    assert (
        found[("geomsa_training_figure", tuple(sorted((*of_run[:2], ("run", str(ended)), ("figure", "top1")))))] == 0.9
    )
    assert found[("geomsa_tracking_waiting", ())] == 1
    assert found[("geomsa_gpu_memory_used_bytes", (("gpu", "0"), ("name", "NVIDIA L4")))] == 1024 * 1024**2
    assert found[("geomsa_gpu_utilization_ratio", (("gpu", "0"), ("name", "NVIDIA L4")))] == pytest.approx(0.57)
    assert ("geomsa_gpu_utilization_ratio", (("gpu", "1"), ("name", "NVIDIA L4"))) not in found


def test_the_interface_tells_the_same(services: Services) -> None:
    running = add_run(services, add_set(services), state="running", epochs=[{"top1": 0.5}])
    found = _samples(ApiMetrics(services, n_waiting=lambda: 0).render().decode())
    told = {name for name, _labels in found}
    assert {"geomsa_training_runs", "geomsa_training_loss", "geomsa_tracking_waiting"} <= told
    assert found[("geomsa_training_epoch", (("product", "plate"), ("recipe", "probe"), ("run", str(running))))] == 1


def test_every_series_of_the_dashboard_is_told_of(services: Services, scrape: Callable[[], str]) -> None:
    run_id = add_run(services, add_set(services), state="running", epochs=[{"top1": 0.5, "macro_f1": 0.4}])
    with services.database.unit_of_work() as session:
        note_event(session, run_id, "started", {})
        session.commit()
    api = ApiMetrics(services, n_waiting=lambda: 0)
    api.note(route="/v1/inspect", method="POST", status=200, seconds=0.1)
    api.inspections.labels("ok").inc()
    samples = [*_samples(scrape()), *_samples(api.render().decode())]
    labels_of: dict[str, set[str]] = {}
    for name, labels in samples:
        labels_of.setdefault(name, set()).update(label for label, _value in labels)

    board = json.loads((DEPLOY / "grafana" / "geomsa.json").read_text(encoding="utf-8"))
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    asked += [one["definition"] for one in board["templating"]["list"] if "definition" in one]
    assert len(asked) > 15
    used = {name for expression in asked for name in re.findall(r"geomsa_\w+", expression)}
    # These two are there where there is a backup, and a server with a certificate.
    elsewhere = {"geomsa_backup_finished_timestamp_seconds", "geomsa_certificate_days_left"}
    assert sorted(used - set(labels_of)) == sorted(elsewhere)
    for expression in asked:
        names = [one for one in re.findall(r"geomsa_\w+", expression) if one not in elsewhere]
        by = {word.strip() for found in re.findall(r"by \(([^)]*)\)", expression) for word in found.split(",")}
        assert by - set().union(*(labels_of[name] for name in names)) <= {"instance"}, expression
    # Every figure about trainings is drawn somewhere.
    about = ("geomsa_training", "geomsa_gpu", "geomsa_tracking")
    assert sorted(name for name in labels_of if name.startswith(about) and name not in used) == []


def test_the_last_good_backup_the_disk_and_a_certificate_are_told_of(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished_at = datetime(2026, 11, 1, 3, tzinfo=UTC)
    with services.database.unit_of_work() as session:
        session.add(Backup(state="done", path="a", finished_at=finished_at))
        session.add(Backup(state="failed", path="b", finished_at=finished_at + timedelta(days=1)))
        session.commit()
    certificate = make_certificate(tmp_path / "server.pem", days=12)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serve_tls(certificate) as port:
        settings = replace(services.settings, llm_base_url=f"https://localhost:{port}/v1")
        gauges = InstallationGauges(replace(services, settings=settings))
        found = {gauge.name: dict(gauge.samples) for gauge in [*gauges.read(), *gauges.read_backups()]}
    assert found["geomsa_backup_finished_timestamp_seconds"] == {(): finished_at.timestamp()}
    assert found["geomsa_certificate_days_left"] == {("localhost",): 12}
    assert found["geomsa_certificate_refused"] == {("localhost",): 0}
    assert found["geomsa_part_up"] == {("database",): 1, ("object_store",): 1, ("worker",): 0, ("models",): 1}
    assert 0 < found["geomsa_disk_free_bytes"][()] <= found["geomsa_disk_total_bytes"][()]


def test_the_dashboard_can_be_imported_and_its_panels_do_not_overlap() -> None:
    board = json.loads((DEPLOY / "grafana" / "geomsa.json").read_text(encoding="utf-8"))
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _y in cells) < 24
        taken |= cells
        assert panel["datasource"]["uid"] == "${source}"


def test_the_example_for_prometheus_asks_addresses_that_there_are() -> None:
    found = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    jobs = {job["job_name"]: job for job in found["scrape_configs"]}
    assert jobs["geomsa-api"]["metrics_path"] == "/api/v1/metrics"
    assert jobs["geomsa-worker"]["static_configs"] == [{"targets": ["127.0.0.1:9108"]}]


def test_nothing_is_served_without_a_port_and_a_taken_one_stops_no_worker(
    services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    assert serve_metrics(services) is None
    with socket.socket() as other, caplog.at_level(logging.WARNING):
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert serve_metrics(replace(services, settings=replace(services.settings, metrics_port=port))) is None
    assert f"127.0.0.1:{port}" in caplog.text


def test_a_database_that_is_away_leaves_the_address_up(
    services: Services, scrape: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.errors import Unavailable
    from core.metrics import collector

    def fail(*_: object) -> list[object]:
        raise Unavailable("database_unavailable")

    monkeypatch.setattr(collector, "read_gauges", fail)
    text = scrape()
    assert "geomsa_training_runs" not in text
    assert "geomsa_gpu_memory_used_bytes" in text


def test_the_driver_is_asked_once_in_a_while_however_many_ask_here() -> None:
    asked: list[int] = []

    def ask() -> str:
        asked.append(1)
        return GPU

    reader = GpuReader(ask)
    assert reader.read() == reader.read()
    assert len(asked) == 1


def test_what_a_driver_says_otherwise_is_no_figure() -> None:
    for told in ("", "NVIDIA-SMI has failed\n", "0, A, B, 1, 2, 3\n", "0, X, [N/A], [N/A], [N/A]\n"):
        assert [gauge.samples for gauge in read_lines(told)] == [(), (), ()]


@pytest.mark.parametrize("value", ["0.0.0.0:9108", "http://x", "a b", "x/y", "user@host"])
def test_an_address_to_listen_on_is_a_host_alone(tmp_path: Path, value: str) -> None:
    with pytest.raises(BadSetting) as raised:
        read_settings({"GEOMSA_DATA_DIR": str(tmp_path), "GEOMSA_METRICS_HOST": value})
    assert raised.value.code == "setting_not_host"
