"""Inspections are counted by production day in the transaction that changes them.

The tables are filled by the application (`core.rollups.rebuilding`), which knows the plant's calendar. Until then the
row of their state says that nothing is counted yet; every writer looks at it, so it has to be there first.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPTIONS: dict[str, Any] = {
    "sqlite_with_rowid": False,
    **{
        f"{dialect}_{option}": value
        for dialect in ("mysql", "mariadb")
        for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
    },
}
CONFIG = sa.table(
    "system_config",
    sa.column("key", sa.String),
    sa.column("value", sa.JSON),
    sa.column("updated_at", MOMENT),
    sa.column("row_version", sa.Integer),
)
STATE = "rollups"


def upgrade() -> None:
    # MariaDB commits each statement by itself: a migration that was broken off goes on where it stopped.
    there = set(sa.inspect(op.get_bind()).get_table_names())
    if "day_counts" not in there:
        _create("day_counts", [_day(), _id("product_id"), *_verdicts()])
    if "detail_counts" not in there:
        texts = [sa.Column(name, sa.String(length), nullable=False) for name, length in _TEXTS.items()]
        _create("detail_counts", [_day(), _id("product_id"), *texts, _id("version_id"), *_verdicts()])
    for table in ("day_counts", "detail_counts"):
        _complete(table)
    if not op.get_bind().scalar(sa.select(sa.func.count()).select_from(CONFIG).where(CONFIG.c.key == STATE)):
        now = datetime.now(UTC).replace(tzinfo=None)
        op.bulk_insert(CONFIG, [{"key": STATE, "value": {}, "updated_at": now, "row_version": 1}])


def downgrade() -> None:
    op.execute(CONFIG.delete().where(CONFIG.c.key == STATE))
    op.drop_table("detail_counts")
    op.drop_table("day_counts")


_TEXTS = {"line": 64, "lot": 64, "shift": 32}


def _day() -> sa.Column[Any]:
    return sa.Column("day", sa.Date(), nullable=False)


def _id(name: str) -> sa.Column[Any]:
    return sa.Column(name, BIG_ID, nullable=False, autoincrement=False)


def _verdicts() -> list[sa.Column[Any]]:
    named = [sa.Column(name, sa.String(16), nullable=False) for name in ("verdict", "final_verdict")]
    return [*named, _id("defect_type_id")]


def _complete(table: str) -> None:
    """Make the index that a migration left out which was broken off right after the table."""
    name = f"ix_{table}_product_day"
    if name not in {index["name"] for index in sa.inspect(op.get_bind()).get_indexes(table)}:
        op.create_index(op.f(name), table, ["product_id", "day"])


def _create(table: str, keys: list[sa.Column[Any]]) -> None:
    op.create_table(
        table,
        *keys,
        sa.Column("n", BIG_ID, nullable=False),
        sa.Column("regions", BIG_ID, nullable=False),
        sa.Column("score_sum", sa.Double(), nullable=False),
        sa.Column("score_square_sum", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f(f"fk_{table}_product_id_products")),
        sa.PrimaryKeyConstraint(*(key.name for key in keys), name=op.f(f"pk_{table}")),
        # With the table: a foreign key of MariaDB would make an index of its own otherwise.
        sa.Index(op.f(f"ix_{table}_product_day"), "product_id", "day"),
        **OPTIONS,
    )
