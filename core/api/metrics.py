"""What Prometheus reads: requests and inspections of this process, and what waits in the installation."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from core.errors import AppError
from core.jobs.heartbeats import workers_alive
from core.jobs.views import list_unfinished
from core.metrics.collector import InstallationCollector

if TYPE_CHECKING:
    from core.services import Services

disable_created_metrics()  # type: ignore[no-untyped-call]
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class ApiMetrics:
    """The counters of one interface, in a registry of its own."""

    def __init__(self, services: Services, *, n_waiting: Callable[[], int]) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self.registry.register(_State(services, n_waiting))
        self.registry.register(InstallationCollector(services))
        self.requests = Counter(
            "geomsa_api_requests",
            "Answers by route, method and status.",
            ("route", "method", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "geomsa_api_request_seconds",
            "Seconds from a request to its answer, by route.",
            ("route",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.inspections = Counter(
            "geomsa_api_inspections",
            "Inspections made for programs, by the model's verdict.",
            ("verdict",),
            registry=self.registry,
        )

    def note(self, *, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answer; `route` is the pattern of the address, so that ids do not become labels."""
        self.requests.labels(route, method, str(status)).inc()
        self.seconds.labels(route).observe(seconds)

    def render(self) -> bytes:
        """Return all figures in Prometheus' text format."""
        return generate_latest(self.registry)


class _State(Collector):
    """What is read at the moment of the question; a figure that cannot be read is left out."""

    def __init__(self, services: Services, n_waiting: Callable[[], int]) -> None:
        self._services = services
        self._n_waiting = n_waiting

    def describe(self) -> Iterable[GaugeMetricFamily]:
        return []

    def collect(self) -> Iterable[GaugeMetricFamily]:
        waiting = GaugeMetricFamily("geomsa_api_inspections_waiting", "Inspections that have not been begun with.")
        waiting.add_metric([], self._n_waiting())
        yield waiting
        up = GaugeMetricFamily("geomsa_database_up", "Whether the database answers (1) or not (0).")
        try:
            jobs = list_unfinished(self._services)
            alive = workers_alive(self._services)
        except AppError:
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        by_state = GaugeMetricFamily("geomsa_jobs", "Jobs that are not over, by state.", labels=["state"])
        for state in ("queued", "running"):
            by_state.add_metric([state], sum(job.state == state for job in jobs))
        yield by_state
        workers = GaugeMetricFamily("geomsa_workers_alive", "Workers whose heartbeat is fresh.")
        workers.add_metric([], alive)
        yield workers
