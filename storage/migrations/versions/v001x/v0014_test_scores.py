"""What a memory bank scored each test image is kept, and what mistakes cost a product."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPTIONS: dict[str, Any] = {
    "sqlite_autoincrement": True,
    **{
        f"{dialect}_{option}": value
        for dialect in ("mysql", "mariadb")
        for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
    },
}
COSTS = "cost_escape >= 0 AND cost_overkill >= 0 AND cost_review >= 0"
RATE = "defect_rate IS NULL OR (defect_rate > 0 AND defect_rate < 1)"
SCORE_INDEX = "ix_test_scores_measurement_id"


def upgrade() -> None:
    # MariaDB commits each statement by itself: a migration that was broken off goes on where it stopped.
    there = set(sa.inspect(op.get_bind()).get_table_names())
    if "test_measurements" not in there:
        op.create_table(
            "test_measurements",
            sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
            sa.Column("model_version_id", BIG_ID, nullable=False),
            sa.Column("test_fingerprint", sa.String(64), nullable=False),
            sa.Column("figures", sa.JSON(), nullable=False),
            sa.Column("measured_at", MOMENT, nullable=False),
            sa.Column("measured_by", BIG_ID, nullable=True),
            _refers("test_measurements", "model_version_id", "model_versions"),
            _refers("test_measurements", "measured_by", "users"),
            sa.PrimaryKeyConstraint("id", name=op.f("pk_test_measurements")),
            sa.UniqueConstraint("model_version_id", name=op.f("uq_test_measurements_model_version_id")),
            **OPTIONS,
        )
    if "test_scores" not in there:
        op.create_table(
            "test_scores",
            sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
            sa.Column("measurement_id", BIG_ID, nullable=False),
            sa.Column("image_id", BIG_ID, nullable=False),
            sa.Column("stored_name", sa.String(190), nullable=False),
            sa.Column("content_sha256", sa.String(64), nullable=False),
            sa.Column("part", sa.String(190), nullable=False),
            sa.Column("defect_code", sa.String(64), nullable=True),
            sa.Column("score", sa.Double(), nullable=False),
            sa.Column("has_mask", sa.Boolean(), nullable=False),
            sa.Column("pixel_auroc", sa.Double(), nullable=True),
            _refers("test_scores", "measurement_id", "test_measurements"),
            sa.PrimaryKeyConstraint("id", name=op.f("pk_test_scores")),
            **OPTIONS,
        )
    if SCORE_INDEX not in {index["name"] for index in sa.inspect(op.get_bind()).get_indexes("test_scores")}:
        op.create_index(op.f(SCORE_INDEX), "test_scores", ["measurement_id"])
    if "inspection_costs" not in there:
        op.create_table(
            "inspection_costs",
            sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
            sa.Column("product_id", BIG_ID, nullable=False),
            sa.Column("cost_escape", sa.Double(), nullable=False),
            sa.Column("cost_overkill", sa.Double(), nullable=False),
            sa.Column("cost_review", sa.Double(), nullable=False),
            sa.Column("currency", sa.String(8), nullable=False),
            sa.Column("defect_rate", sa.Double(), nullable=True),
            sa.Column("updated_at", MOMENT, nullable=False),
            sa.Column("updated_by", BIG_ID, nullable=True),
            sa.Column("row_version", sa.Integer(), nullable=False),
            sa.CheckConstraint(COSTS, name=op.f("ck_inspection_costs_costs")),
            sa.CheckConstraint(RATE, name=op.f("ck_inspection_costs_defect_rate")),
            _refers("inspection_costs", "product_id", "products"),
            _refers("inspection_costs", "updated_by", "users"),
            sa.PrimaryKeyConstraint("id", name=op.f("pk_inspection_costs")),
            sa.UniqueConstraint("product_id", name=op.f("uq_inspection_costs_product_id")),
            **OPTIONS,
        )


def downgrade() -> None:
    for table in ("inspection_costs", "test_scores", "test_measurements"):
        op.drop_table(table)


def _refers(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}_{target}"))
