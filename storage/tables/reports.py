"""Reports that are made on a schedule, and each one that was made or is still due."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from storage.tables.columns import (
    NEVER_REUSE_IDS,
    Versioned,
    json_list,
    json_object,
    moment,
    reference,
    row_id,
)


class ReportSchedule(Versioned, table=True):
    """When a report is made, of what, and where it goes. A removed one keeps its reports.

    What falls due after `counted_from` is made; `last_due_at` is the last time that was taken up.
    """

    __tablename__: ClassVar[str] = "report_schedules"
    __table_args__ = (
        CheckConstraint("kind IN ('shift', 'day', 'week')", name="kind"),
        NEVER_REUSE_IDS,
    )

    id: int = row_id()
    name: str = Field(max_length=64)
    kind: str = Field(max_length=8)
    product_id: int | None = reference("products.id", optional=True)
    line: str = Field(default="", max_length=64)
    # The full path of the folder on the server; empty: the object store.
    folder: str = Field(default="", max_length=700)
    settings: dict[str, Any] = json_object()
    is_active: bool = Field(default=True, index=True)
    counted_from: datetime = moment()
    last_due_at: datetime | None = moment(optional=True)
    created_at: datetime = moment()
    created_by: int | None = reference("users.id", optional=True, index=False)
    removed_at: datetime | None = moment(optional=True)
    row_version: int = 1


class ReportRun(SQLModel, table=True):
    """The report of one period of a schedule: waiting for its job, made, failed, or left out because it was empty."""

    __tablename__: ClassVar[str] = "report_runs"
    __table_args__ = (
        UniqueConstraint("schedule_id", "period_key", name="uq_report_runs_schedule_period"),
        CheckConstraint("state IN ('waiting', 'made', 'empty', 'failed')", name="state"),
        Index("ix_report_runs_state", "state", "next_attempt_at"),
        Index("ix_report_runs_due", "due_at"),
        NEVER_REUSE_IDS,
    )

    id: int = row_id()
    schedule_id: int = reference("report_schedules.id", index=False)
    period_key: str = Field(max_length=64)
    period: dict[str, Any] = json_object()
    due_at: datetime = moment()
    skipped: int = 0  # so many periods before this one have no report, because nothing was running when they ended
    state: str = Field(default="waiting", max_length=8)
    attempts: int = 0
    next_attempt_at: datetime | None = moment(optional=True)
    job_id: int | None = reference("deployment_logs.id", optional=True)
    files: list[dict[str, Any]] = json_list()
    error_code: str | None = Field(default=None, max_length=64)
    error_params: dict[str, Any] = json_object()
    created_at: datetime = moment()
    finished_at: datetime | None = moment(optional=True)
    asked_by: int | None = reference("users.id", optional=True, index=False)
