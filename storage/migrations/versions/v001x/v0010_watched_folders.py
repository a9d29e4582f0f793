"""Folders whose files are inspected as they arrive, and an outbox of what is sent on to webhooks and MQTT brokers."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LONG_TEXT = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
MYSQL_OPTIONS: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
}
OPTIONS: dict[str, Any] = {"sqlite_autoincrement": True, **MYSQL_OPTIONS}


def upgrade() -> None:
    # MariaDB commits each statement by itself: a migration that was broken off goes on where it stopped.
    tables = sa.inspect(op.get_bind()).get_table_names()
    if "watch_folders" not in tables:
        op.create_table(
            "watch_folders",
            sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
            sa.Column("path", sa.String(700), nullable=False),
            sa.Column("product_id", BIG_ID, nullable=False),
            sa.Column("line", sa.String(64), nullable=False),
            sa.Column("settings", sa.JSON(), nullable=False),
            sa.Column("run_by", sa.String(8), nullable=False),
            sa.Column("is_active", sa.Boolean(), nullable=False),
            sa.Column("created_at", MOMENT, nullable=False),
            sa.Column("created_by", BIG_ID, nullable=True),
            sa.Column("removed_at", MOMENT, nullable=True),
            sa.Column("holder", sa.String(64), nullable=False),
            sa.Column("lease_expires_at", MOMENT, nullable=True),
            sa.Column("last_seen_at", MOMENT, nullable=True),
            sa.Column("last_file_at", MOMENT, nullable=True),
            sa.Column("last_error", sa.String(64), nullable=False),
            sa.Column("last_error_params", sa.JSON(), nullable=False),
            sa.Column("waiting", sa.Integer(), nullable=False),
            sa.Column("inspected_total", sa.Integer(), nullable=False),
            sa.Column("rejected_total", sa.Integer(), nullable=False),
            sa.Column("row_version", sa.Integer(), nullable=False),
            sa.CheckConstraint("run_by IN ('worker', 'command')", name=op.f("ck_watch_folders_run_by")),
            sa.PrimaryKeyConstraint("id", name=op.f("pk_watch_folders")),
            sa.UniqueConstraint("path", name=op.f("uq_watch_folders_path")),
            _refers("watch_folders", "product_id", "products"),
            _refers("watch_folders", "created_by", "users"),
            **OPTIONS,
        )
    _index("ix_watch_folders_product_id", "watch_folders", ["product_id"])
    _index("ix_watch_folders_is_active", "watch_folders", ["is_active"])
    if "watch_files" not in tables:
        op.create_table(
            "watch_files",
            sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
            sa.Column("folder_id", BIG_ID, nullable=False),
            sa.Column("file_key", sa.String(64), nullable=False),
            sa.Column("name", sa.String(255), nullable=False),
            sa.Column("outcome", sa.String(16), nullable=False),
            sa.Column("inspection_id", BIG_ID, nullable=True),
            sa.Column("error", sa.String(64), nullable=False),
            sa.Column("target", LONG_TEXT, nullable=False),
            sa.Column("is_traced", sa.Boolean(), nullable=False),
            sa.Column("decided_at", MOMENT, nullable=False),
            sa.Column("finished_at", MOMENT, nullable=True),
            sa.CheckConstraint("outcome IN ('inspected', 'rejected')", name=op.f("ck_watch_files_outcome")),
            sa.PrimaryKeyConstraint("id", name=op.f("pk_watch_files")),
            sa.UniqueConstraint("folder_id", "file_key", name=op.f("uq_watch_files_folder_id")),
            _refers("watch_files", "folder_id", "watch_folders"),
            _refers("watch_files", "inspection_id", "inspections"),
            **OPTIONS,
        )
    _index("ix_watch_files_inspection_id", "watch_files", ["inspection_id"])
    _index("ix_watch_files_folder_finished", "watch_files", ["folder_id", "finished_at"])
    _index("ix_watch_files_folder_decided", "watch_files", ["folder_id", "decided_at"])
    if "delivery_targets" not in tables:
        op.create_table(
            "delivery_targets",
            sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
            sa.Column("name", sa.String(64), nullable=False),
            sa.Column("kind", sa.String(8), nullable=False),
            sa.Column("settings", sa.JSON(), nullable=False),
            sa.Column("product_id", BIG_ID, nullable=True),
            sa.Column("verdicts", sa.String(8), nullable=False),
            sa.Column("is_active", sa.Boolean(), nullable=False),
            sa.Column("created_at", MOMENT, nullable=False),
            sa.Column("created_by", BIG_ID, nullable=True),
            sa.Column("last_sequence", sa.BigInteger(), nullable=False),
            sa.Column("holder", sa.String(64), nullable=False),
            sa.Column("lease_expires_at", MOMENT, nullable=True),
            sa.Column("last_delivered_at", MOMENT, nullable=True),
            sa.Column("last_error", sa.String(64), nullable=False),
            sa.Column("last_error_params", sa.JSON(), nullable=False),
            sa.CheckConstraint("kind IN ('webhook', 'mqtt')", name=op.f("ck_delivery_targets_kind")),
            sa.CheckConstraint("verdicts IN ('all', 'not_ok', 'reject')", name=op.f("ck_delivery_targets_verdicts")),
            sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_targets")),
            sa.UniqueConstraint("name", name=op.f("uq_delivery_targets_name")),
            _refers("delivery_targets", "product_id", "products"),
            _refers("delivery_targets", "created_by", "users"),
            **OPTIONS,
        )
    _index("ix_delivery_targets_product_id", "delivery_targets", ["product_id"])
    _index("ix_delivery_targets_is_active", "delivery_targets", ["is_active"])
    if "deliveries" not in tables:
        op.create_table(
            "deliveries",
            sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
            sa.Column("target_id", BIG_ID, nullable=False),
            sa.Column("inspection_id", BIG_ID, nullable=False),
            sa.Column("message_id", sa.String(32), nullable=False),
            sa.Column("sequence", sa.BigInteger(), nullable=False),
            sa.Column("payload", sa.JSON(), nullable=False),
            sa.Column("state", sa.String(16), nullable=False),
            sa.Column("attempts", sa.Integer(), nullable=False),
            sa.Column("created_at", MOMENT, nullable=False),
            sa.Column("next_attempt_at", MOMENT, nullable=False),
            sa.Column("delivered_at", MOMENT, nullable=True),
            sa.Column("last_error", sa.String(64), nullable=False),
            sa.Column("last_error_params", sa.JSON(), nullable=False),
            sa.CheckConstraint("state IN ('waiting', 'delivered', 'given_up')", name=op.f("ck_deliveries_state")),
            sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
            _refers("deliveries", "target_id", "delivery_targets"),
            _refers("deliveries", "inspection_id", "inspections"),
            **OPTIONS,
        )
    _index("ix_deliveries_inspection_id", "deliveries", ["inspection_id"])
    _index("ix_deliveries_target_state", "deliveries", ["target_id", "state", "sequence"])


def downgrade() -> None:
    for table in ("deliveries", "delivery_targets", "watch_files", "watch_folders"):
        op.drop_table(table)


def _refers(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}_{target}"))


def _index(name: str, table: str, columns: list[str]) -> None:
    if name not in {index["name"] for index in sa.inspect(op.get_bind()).get_indexes(table)}:
        op.create_index(op.f(name), table, columns)
