"""The figures in the words of Prometheus' own library."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from core.errors import AppError
from core.metrics.gauges import Gauge, read_gauges
from core.metrics.installation import InstallationGauges

if TYPE_CHECKING:
    from core.metrics.gpus import GpuReader
    from core.services import Services

logger = logging.getLogger(__name__)


class InstallationCollector(Collector):
    """Reads at the moment of the question; figures that cannot be read are left out."""

    def __init__(self, services: Services, *, gpus: GpuReader | None = None) -> None:
        self._services = services
        self._gpus = gpus
        self._installation = InstallationGauges(services)

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Return nothing: what there is, is only known when it is read."""
        return []

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Yield every figure."""
        try:
            found = [*read_gauges(self._services, self._services.settings), *self._installation.read_backups()]
        except AppError as error:
            logger.warning("the figures for Prometheus cannot be read: %s", error.code)
            found = []
        found += self._installation.read()
        if self._gpus is not None:
            found += self._gpus.read()
        for gauge in found:
            yield _family(gauge)


def _family(gauge: Gauge) -> GaugeMetricFamily:
    made = GaugeMetricFamily(gauge.name, gauge.words, labels=list(gauge.labels))
    for labels, value in gauge.samples:
        made.add_metric(list(labels), value)
    return made
