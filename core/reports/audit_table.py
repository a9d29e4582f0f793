"""The audit log as a CSV file, made line by line."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, tzinfo

from core.audit_log.exporting import column_titles, to_cells
from core.reports.tables import CellKind, Column, stream_csv
from storage.tables import AuditLog

_KINDS: dict[int, CellKind] = {0: "whole", 1: "moment", 3: "whole", 7: "whole"}


def stream_audit_csv(rows: Iterator[AuditLog], *, language: str, zone: tzinfo = UTC) -> Iterator[bytes]:
    """Yield rows of the audit log as a CSV file in pieces, moments as of `zone`."""
    columns = [Column(title, _KINDS.get(place, "text")) for place, title in enumerate(column_titles(language))]
    return stream_csv(columns, (to_cells(row, language) for row in rows), zone=zone)
