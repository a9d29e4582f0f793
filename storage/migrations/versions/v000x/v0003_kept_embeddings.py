"""Embeddings, and the defective places they were taken at, are kept: a deployment computes only what is new."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0003"
down_revision = "0002"
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
    # MariaDB commits each statement by itself: a migration that was broken off finds its table there.
    if "kept_embeddings" in sa.inspect(op.get_bind()).get_table_names():
        return
    op.create_table(
        "kept_embeddings",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("content_sha256", sa.String(64), nullable=False),
        sa.Column("maker", sa.String(190), nullable=False),
        sa.Column("place", sa.String(64), nullable=False),
        sa.Column("numbers", sa.LargeBinary(), nullable=False),
        sa.Column("checksum", sa.String(64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kept_embeddings")),
        sa.UniqueConstraint("content_sha256", "maker", "place", name=op.f("uq_kept_embeddings_content_sha256")),
        sqlite_autoincrement=True,
        **MYSQL_OPTIONS,
    )


def downgrade() -> None:
    op.drop_table("kept_embeddings")
