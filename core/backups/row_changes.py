"""What becomes of single rows when they are restored: the rest is inserted as it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core import identity
from core.backups.manifest import Header
from core.jobs.records import LogLine, write_line
from core.jobs.terms import BACKUP_KINDS
from storage.tables import utc_now

# The row of `system_config` that tells of the last restoration.
RESTORED = "restored"
Row = dict[str, Any]


@dataclass(frozen=True)
class RowChanges:
    """Changes rows of JSON values on their way into a database; `generation` is the installation's from now on."""

    header: Header
    generation: int
    path: str
    byte_size: int
    manifest_sha256: str
    objects: int

    def change(self, table: str, row: Row) -> Row | None:
        """Return the row as it is to be inserted; None where it is left out."""
        found = _CHANGES.get(table)
        return row if found is None else found(self, row)

    def tell(self) -> Row:
        """Return the row that tells of this restoration."""
        now = utc_now().isoformat()
        told = {"backup": self.header.id, "made_at": self.header.created_at.isoformat(), "at": now}
        return {"key": RESTORED, "value": told, "updated_at": now, "updated_by": None, "row_version": 1}

    def _leave_out(self, _row: Row) -> None:
        return None

    def _change_config(self, row: Row) -> Row | None:
        if row["key"] == RESTORED:
            return None
        if row["key"] == identity.KEY:
            return row | {"value": {**row["value"], "generation": self.generation}}
        return row

    def _change_job(self, row: Row) -> Row:
        if row["state"] not in ("queued", "running"):
            return row
        now = utc_now()
        free = {"worker_id": None, "lease_expires_at": None, "fencing_token": row["fencing_token"] + 1}
        if row["kind"] in BACKUP_KINDS:
            ended = {"state": "failed", "error_code": "backup_job_restored", "error_params": {}}
            return row | free | ended | {"finished_at": now.isoformat()}
        if row["state"] == "queued":
            return row
        if row["cancel_requested"]:
            return row | free | {"state": "cancelled", "finished_at": now.isoformat()}
        line = write_line(LogLine(now, "log_job_restored", {}))
        return row | free | {"state": "queued", "stage": "", "attempts": 0, "log": row["log"] + line}

    def _change_code(self, row: Row) -> Row:
        """A code that was used since must not let in again."""
        is_open = row["used_at"] is None and row["revoked_at"] is None
        return row | {"revoked_at": utc_now().isoformat()} if is_open else row

    def _change_backup(self, row: Row) -> Row:
        if row["state"] != "running":
            return row
        now = utc_now().isoformat()
        if row["figures"].get("id") != self.header.id:
            ended = {"state": "failed", "error_code": "backup_job_restored", "finished_at": now}
            return row | ended
        # The very backup that is restored: it was still being made when its rows were read.
        return row | {
            "state": "done", "path": self.path, "byte_size": self.byte_size, "objects": self.objects,
            "manifest_sha256": self.manifest_sha256, "finished_at": now, "verified_at": now,
        }  # fmt: skip


_CHANGES: dict[str, Callable[[RowChanges, Row], Row | None]] = {
    "sessions": RowChanges._leave_out,
    "workers": RowChanges._leave_out,
    "system_config": RowChanges._change_config,
    "deployment_logs": RowChanges._change_job,
    "sign_in_codes": RowChanges._change_code,
    "backups": RowChanges._change_backup,
}


def moment_of(value: object) -> datetime | None:
    """Return a moment as a driver gives it, without a zone and in UTC; None for anything else."""
    if isinstance(value, datetime):
        return value
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        return None
