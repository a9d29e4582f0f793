"""Imports of images that go on where they stopped: what was decided, and what became of each file."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0019"
down_revision = "0018"
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
    there = set(sa.inspect(op.get_bind()).get_table_names())
    if "image_imports" not in there:
        _make_imports()
    if "image_import_items" not in there:
        _make_items()
    _add_index("ix_image_imports_created_by", "image_imports", ["created_by"])
    _add_index("ix_image_imports_updated_at", "image_imports", ["updated_at"])
    _add_index("ix_image_import_items_outcome", "image_import_items", ["import_id", "kind", "outcome"])


def downgrade() -> None:
    op.drop_table("image_import_items")
    op.drop_table("image_imports")


def _make_imports() -> None:
    op.create_table(
        "image_imports",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("job_id", BIG_ID, nullable=True),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("location", sa.String(1000), nullable=False),
        sa.Column("staged", sa.String(64), nullable=False),
        sa.Column("title", sa.String(255), nullable=False),
        sa.Column("n_files", sa.Integer(), nullable=False),
        sa.Column("byte_size", sa.BigInteger(), nullable=False),
        sa.Column("product", sa.String(190), nullable=False),
        sa.Column("as_role", sa.String(255), nullable=False),
        sa.Column("decisions", sa.JSON(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", BIG_ID, nullable=True),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_image_imports")),
        sa.UniqueConstraint("job_id", name=op.f("uq_image_imports_job_id")),
        sa.CheckConstraint("source IN ('upload', 'folder', 'store')", name=op.f("ck_image_imports_source")),
        _foreign("image_imports", "job_id", "deployment_logs"),
        _foreign("image_imports", "created_by", "users"),
        sqlite_autoincrement=True,
        **MYSQL_OPTIONS,
    )


def _make_items() -> None:
    op.create_table(
        "image_import_items",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("import_id", BIG_ID, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("path", sa.String(1000), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("image_place", sa.Integer(), nullable=True),
        sa.Column("product", sa.String(190), nullable=False),
        sa.Column("becomes", sa.String(190), nullable=False),
        sa.Column("split", sa.String(8), nullable=False),
        sa.Column("byte_size", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("image_id", BIG_ID, nullable=True),
        sa.Column("stored_name", sa.String(190), nullable=False),
        sa.Column("error_code", sa.String(64), nullable=True),
        sa.Column("error_params", sa.JSON(), nullable=False),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_image_import_items")),
        sa.UniqueConstraint("import_id", "place", name=op.f("uq_image_import_items_import_id")),
        sa.CheckConstraint("kind IN ('image', 'mask', 'other')", name=op.f("ck_image_import_items_kind")),
        sa.CheckConstraint(
            "outcome IN ('', 'added', 'duplicate', 'refused', 'left_out')",
            name=op.f("ck_image_import_items_outcome"),
        ),
        _foreign("image_import_items", "import_id", "image_imports"),
        sqlite_autoincrement=True,
        **MYSQL_OPTIONS,
    )


def _foreign(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}_{target}"))


def _add_index(name: str, table: str, columns: list[str]) -> None:
    if name not in {index["name"] for index in sa.inspect(op.get_bind()).get_indexes(table)}:
        op.create_index(op.f(name), table, columns)
