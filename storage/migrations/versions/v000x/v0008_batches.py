"""Batches: many files that are inspected by one job, each with what became of it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MYSQL_OPTIONS: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
}


def upgrade() -> None:
    # MariaDB commits each statement by itself: a migration that was broken off goes on where it stopped.
    tables = sa.inspect(op.get_bind()).get_table_names()
    if "batches" not in tables:
        op.create_table(
            "batches",
            sa.Column("job_id", BIG_ID, autoincrement=False, nullable=False),
            sa.Column("request_key", sa.String(64), nullable=False),
            sa.Column("product_id", BIG_ID, nullable=False),
            sa.Column("folder", sa.String(64), nullable=False),
            sa.Column("title", sa.String(255), nullable=False),
            sa.Column("line", sa.String(64), nullable=False),
            sa.Column("lot", sa.String(64), nullable=False),
            sa.Column("shift", sa.String(32), nullable=False),
            sa.Column("serial_rule", sa.String(200), nullable=False),
            sa.Column("created_at", MOMENT, nullable=False),
            sa.PrimaryKeyConstraint("job_id", name=op.f("pk_batches")),
            sa.UniqueConstraint("request_key", name=op.f("uq_batches_request_key")),
            sa.ForeignKeyConstraint(["job_id"], ["deployment_logs.id"], name=op.f("fk_batches_job_id_deployment_logs")),
            sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_batches_product_id_products")),
            **MYSQL_OPTIONS,
        )
    _index("ix_batches_product_id", "batches", ["product_id"])
    _index("ix_batches_created_at", "batches", ["created_at"])
    if "batch_items" not in tables:
        op.create_table(
            "batch_items",
            sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
            sa.Column("job_id", BIG_ID, nullable=False),
            sa.Column("place", sa.Integer(), nullable=False),
            sa.Column("name", sa.String(255), nullable=False),
            sa.Column("object_key", sa.String(255), nullable=False),
            sa.Column("byte_size", sa.BigInteger(), nullable=False),
            sa.Column("state", sa.String(8), nullable=False),
            sa.Column("inspection_id", BIG_ID, nullable=True),
            sa.Column("error_code", sa.String(64), nullable=True),
            sa.Column("error_params", sa.JSON(), nullable=False),
            sa.PrimaryKeyConstraint("id", name=op.f("pk_batch_items")),
            sa.UniqueConstraint("job_id", "place", name=op.f("uq_batch_items_job_id")),
            sa.CheckConstraint("state IN ('waiting', 'done', 'failed')", name=op.f("ck_batch_items_state")),
            sa.ForeignKeyConstraint(["job_id"], ["batches.job_id"], name=op.f("fk_batch_items_job_id_batches")),
            sa.ForeignKeyConstraint(
                ["inspection_id"], ["inspections.id"], name=op.f("fk_batch_items_inspection_id_inspections")
            ),
            sqlite_autoincrement=True,
            **MYSQL_OPTIONS,
        )
    _index("ix_batch_items_state", "batch_items", ["job_id", "state"])
    _index("ix_batch_items_inspection_id", "batch_items", ["inspection_id"])


def _index(name: str, table: str, columns: list[str]) -> None:
    if name not in {index["name"] for index in sa.inspect(op.get_bind()).get_indexes(table)}:
        op.create_index(op.f(name), table, columns)


def downgrade() -> None:
    op.drop_table("batch_items")
    op.drop_table("batches")
