"""Figures of what an installation stands on: its parts, the disk, the last backup, certificates."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from datetime import UTC
from typing import TYPE_CHECKING

from sqlalchemy import func
from sqlmodel import col, select

from core.metrics.gauges import Gauge
from core.operations.certificates import Certificate, look_at_certificates
from core.operations.readiness import ReadinessProbe
from core.transactions import reading
from storage.tables import Backup

if TYPE_CHECKING:
    from core.services import Services

_CERTIFICATES_KEPT_S = 3600.0


class InstallationGauges:
    """Reads them; certificates at most once an hour, parts at most once in two seconds."""

    def __init__(self, services: Services, *, probe: ReadinessProbe | None = None) -> None:
        self._services = services
        self._probe = probe or ReadinessProbe(lambda: services)
        self._lock = threading.Lock()
        self._certificates: tuple[float, list[Certificate]] | None = None

    def read(self) -> list[Gauge]:
        """Return what can be read without the database."""
        parts = tuple(((part.name,), float(part.ok)) for part in self._probe.look().parts)
        disk = shutil.disk_usage(self._services.settings.data_dir)
        free, total = (((), float(disk.free)),), (((), float(disk.total)),)
        return [
            Gauge("geomsa_part_up", "Whether a part of the installation works (1) or not (0).", ("part",), parts),
            Gauge("geomsa_disk_free_bytes", "Free on the disk of the data folder.", (), free),
            Gauge("geomsa_disk_total_bytes", "Size of the disk of the data folder.", (), total),
            *self._read_certificates(),
        ]

    def read_backups(self) -> Iterator[Gauge]:
        """Yield when the last backup was finished. Raises AppError when the database fails."""
        query = select(func.max(col(Backup.finished_at))).where(Backup.state == "done")
        with reading(self._services) as session:
            finished_at = session.exec(query).one()
        samples = () if finished_at is None else (((), finished_at.replace(tzinfo=UTC).timestamp()),)
        yield Gauge("geomsa_backup_finished_timestamp_seconds", "When the last good backup was finished.", (), samples)

    def _read_certificates(self) -> list[Gauge]:
        with self._lock:
            if self._certificates is None or time.monotonic() - self._certificates[0] >= _CERTIFICATES_KEPT_S:
                self._certificates = (time.monotonic(), look_at_certificates(self._services.settings))
            found = self._certificates[1]
        left = tuple(((one.host,), float(one.days_left)) for one in found if one.days_left is not None)
        wrong = tuple(((one.host,), float(one.problem in {"expired", "untrusted"})) for one in found)
        return [
            Gauge("geomsa_certificate_days_left", "Days until the certificate of an address ends.", ("host",), left),
            Gauge("geomsa_certificate_refused", "Whether a certificate does not hold (1).", ("host",), wrong),
        ]
