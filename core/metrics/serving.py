"""The worker's own address for Prometheus, on `GEOMSA_METRICS_PORT`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from core.metrics.gpus import GpuReader, ask_driver

if TYPE_CHECKING:
    from core.services import Services

logger = logging.getLogger(__name__)


def serve_metrics(services: Services, *, ask_gpus: Callable[[], str] = ask_driver) -> Callable[[], None] | None:
    """Serve the figures in a thread where the settings name a port; return what ends that, None where nothing serves.

    A port that is taken stops no worker: it is said in the log, and the work goes on.
    """
    port, host = services.settings.metrics_port, services.settings.metrics_host
    if port is None:
        return None
    from prometheus_client import (
        CollectorRegistry,
        PlatformCollector,
        ProcessCollector,
        disable_created_metrics,
        start_http_server,
    )

    from core.metrics.collector import InstallationCollector

    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    registry.register(InstallationCollector(services, gpus=GpuReader(ask_gpus)))
    try:
        server, thread = start_http_server(port, addr=host, registry=registry)
    except OSError as error:
        logger.warning("metrics are not served on %s:%d: %s", host, port, error.strerror or error)
        return None
    logger.info("metrics on http://%s:%d/metrics", host, port)

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join(timeout=2.0)

    return stop
