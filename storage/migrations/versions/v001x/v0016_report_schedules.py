"""Reports that are made on a schedule, and each one that was made or is still due."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MYSQL_OPTIONS: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
}
OPTIONS: dict[str, Any] = {"sqlite_autoincrement": True, **MYSQL_OPTIONS}


def upgrade() -> None:
    # MariaDB commits each statement by itself: a migration that was broken off goes on where it stopped.
    tables = sa.inspect(op.get_bind()).get_table_names()
    if "report_schedules" not in tables:
        op.create_table(
            "report_schedules",
            sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
            sa.Column("name", sa.String(64), nullable=False),
            sa.Column("kind", sa.String(8), nullable=False),
            sa.Column("product_id", BIG_ID, nullable=True),
            sa.Column("line", sa.String(64), nullable=False),
            sa.Column("folder", sa.String(700), nullable=False),
            sa.Column("settings", sa.JSON(), nullable=False),
            sa.Column("is_active", sa.Boolean(), nullable=False),
            sa.Column("counted_from", MOMENT, nullable=False),
            sa.Column("last_due_at", MOMENT, nullable=True),
            sa.Column("created_at", MOMENT, nullable=False),
            sa.Column("created_by", BIG_ID, nullable=True),
            sa.Column("removed_at", MOMENT, nullable=True),
            sa.Column("row_version", sa.Integer(), nullable=False),
            sa.CheckConstraint("kind IN ('shift', 'day', 'week')", name=op.f("ck_report_schedules_kind")),
            sa.PrimaryKeyConstraint("id", name=op.f("pk_report_schedules")),
            _refers("report_schedules", "product_id", "products"),
            _refers("report_schedules", "created_by", "users"),
            **OPTIONS,
        )
    _index("ix_report_schedules_product_id", "report_schedules", ["product_id"])
    _index("ix_report_schedules_is_active", "report_schedules", ["is_active"])
    if "report_runs" not in tables:
        op.create_table(
            "report_runs",
            sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
            sa.Column("schedule_id", BIG_ID, nullable=False),
            sa.Column("period_key", sa.String(64), nullable=False),
            sa.Column("period", sa.JSON(), nullable=False),
            sa.Column("due_at", MOMENT, nullable=False),
            sa.Column("skipped", sa.Integer(), nullable=False),
            sa.Column("state", sa.String(8), nullable=False),
            sa.Column("attempts", sa.Integer(), nullable=False),
            sa.Column("next_attempt_at", MOMENT, nullable=True),
            sa.Column("job_id", BIG_ID, nullable=True),
            sa.Column("files", sa.JSON(), nullable=False),
            sa.Column("error_code", sa.String(64), nullable=True),
            sa.Column("error_params", sa.JSON(), nullable=False),
            sa.Column("created_at", MOMENT, nullable=False),
            sa.Column("finished_at", MOMENT, nullable=True),
            sa.Column("asked_by", BIG_ID, nullable=True),
            sa.CheckConstraint("state IN ('waiting', 'made', 'empty', 'failed')", name=op.f("ck_report_runs_state")),
            sa.PrimaryKeyConstraint("id", name=op.f("pk_report_runs")),
            sa.UniqueConstraint("schedule_id", "period_key", name=op.f("uq_report_runs_schedule_period")),
            _refers("report_runs", "schedule_id", "report_schedules"),
            _refers("report_runs", "job_id", "deployment_logs"),
            _refers("report_runs", "asked_by", "users"),
            **OPTIONS,
        )
    _index("ix_report_runs_job_id", "report_runs", ["job_id"])
    _index("ix_report_runs_state", "report_runs", ["state", "next_attempt_at"])
    _index("ix_report_runs_due", "report_runs", ["due_at"])


def downgrade() -> None:
    for table in ("report_runs", "report_schedules"):
        op.drop_table(table)


def _refers(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}_{target}"))


def _index(name: str, table: str, columns: list[str]) -> None:
    if name not in {index["name"] for index in sa.inspect(op.get_bind()).get_indexes(table)}:
        op.create_index(op.f(name), table, columns)
