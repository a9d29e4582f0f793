"""Regions of an image with a type each, validation images, views, origins, kinds of good parts, and a trash."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MYSQL_OPTIONS: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
}
SPLITS_BEFORE = "split IN ('train', 'test')"
SPLITS = "split IN ('train', 'val', 'test')"
TYPES_BEFORE = (
    "(image_type = 'normal' AND defect_type_id IS NULL) OR (image_type = 'defect' AND defect_type_id IS NOT NULL)"
)
TYPES = "image_type = 'normal' OR defect_type_id IS NOT NULL"
OUTCOMES = "outcome IN ('defect', 'good')"


def _image_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("view", sa.String(64), nullable=False, server_default=""),
        sa.Column("origin", sa.String(16), nullable=False, server_default=""),
        sa.Column("quality", sa.String(64), nullable=True),
        sa.Column("blur_score", sa.Double(), nullable=True),
        sa.Column("difference_hash", sa.BigInteger(), nullable=True),
    ]


def upgrade() -> None:
    # MariaDB commits each statement by itself: a migration that was broken off goes on where it stopped.
    _add_columns("images", _image_columns())
    op.execute("UPDATE images SET origin = 'inspection' WHERE origin = '' AND inspection_id IS NOT NULL")
    _add_columns("products", [sa.Column("name_en", sa.String(190), nullable=False, server_default="")])
    _add_columns("defect_types", [sa.Column("outcome", sa.String(16), nullable=False, server_default="defect")])
    _replace_checks("images", {"split": SPLITS, "defect_has_type": TYPES})
    _replace_checks("defect_types", {"outcome": OUTCOMES})
    there = set(sa.inspect(op.get_bind()).get_table_names())
    if "image_boxes" not in there:
        _make_boxes()
    if "trashed_images" not in there:
        _make_trash()
    _add_index("ix_image_boxes_image_id", "image_boxes", ["image_id"])
    _add_index("ix_image_boxes_defect_type_id", "image_boxes", ["defect_type_id"])
    _add_index("ix_trashed_images_product_id", "trashed_images", ["product_id", "deleted_at"])
    _add_index("ix_trashed_images_deleted_at", "trashed_images", ["deleted_at"])


def downgrade() -> None:
    op.drop_table("trashed_images")
    op.drop_table("image_boxes")
    # Validation images must not be learned from: the version before knows test images as such.
    op.execute("UPDATE images SET split = 'test' WHERE split = 'val'")
    op.execute("UPDATE images SET defect_type_id = NULL WHERE image_type = 'normal'")
    _replace_checks("defect_types", {"outcome": None})
    _replace_checks("images", {"split": SPLITS_BEFORE, "defect_has_type": TYPES_BEFORE})
    op.drop_column("defect_types", "outcome")
    op.drop_column("products", "name_en")
    for column in reversed(_image_columns()):
        op.drop_column("images", column.name)


def _make_boxes() -> None:
    op.create_table(
        "image_boxes",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("image_id", BIG_ID, nullable=False),
        sa.Column("defect_type_id", BIG_ID, nullable=True),
        sa.Column("shape", sa.String(16), nullable=False),
        sa.Column("x", sa.Double(), nullable=False),
        sa.Column("y", sa.Double(), nullable=False),
        sa.Column("width", sa.Double(), nullable=False),
        sa.Column("height", sa.Double(), nullable=False),
        sa.Column("outline", sa.JSON(), nullable=False),
        sa.Column("origin", sa.String(16), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", BIG_ID, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_image_boxes")),
        sa.CheckConstraint("shape IN ('box', 'polygon', 'mask')", name=op.f("ck_image_boxes_shape")),
        _foreign("image_boxes", "image_id", "images"),
        _foreign("image_boxes", "defect_type_id", "defect_types"),
        _foreign("image_boxes", "created_by", "users"),
        sqlite_autoincrement=True,
        **MYSQL_OPTIONS,
    )


def _make_trash() -> None:
    op.create_table(
        "trashed_images",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("image_id", BIG_ID, nullable=False),
        sa.Column("product_id", BIG_ID, nullable=False),
        sa.Column("stored_name", sa.String(190), nullable=False),
        sa.Column("object_key", sa.String(255), nullable=False),
        sa.Column("thumbnail_key", sa.String(255), nullable=False),
        sa.Column("mask_key", sa.String(255), nullable=True),
        sa.Column("row", sa.JSON(), nullable=False),
        sa.Column("boxes", sa.JSON(), nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=False),
        sa.Column("deleted_by", BIG_ID, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trashed_images")),
        sa.UniqueConstraint("image_id", name=op.f("uq_trashed_images_image_id")),
        _foreign("trashed_images", "product_id", "products"),
        _foreign("trashed_images", "deleted_by", "users"),
        sqlite_autoincrement=True,
        **MYSQL_OPTIONS,
    )


def _foreign(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}_{target}"))


def _add_columns(table: str, columns: list[sa.Column[Any]]) -> None:
    there = {column["name"] for column in sa.inspect(op.get_bind()).get_columns(table)}
    for column in columns:
        if column.name not in there:
            op.add_column(table, column)


def _add_index(name: str, table: str, columns: list[str]) -> None:
    if name not in {index["name"] for index in sa.inspect(op.get_bind()).get_indexes(table)}:
        op.create_index(op.f(name), table, columns)


def _replace_checks(table: str, checks: dict[str, str | None]) -> None:
    """Put these check constraints in the place of those of the same names; None takes one away."""
    connection = op.get_bind()
    there = {str(check["name"]) for check in sa.inspect(connection).get_check_constraints(table)}
    if connection.dialect.name != "sqlite":
        for name, condition in checks.items():
            full = f"ck_{table}_{name}"
            if full in there:
                op.drop_constraint(op.f(full), table, type_="check")
            if condition is not None:
                op.create_check_constraint(op.f(full), table, condition)
        return
    # SQLite builds the table anew. Its count of ids must not fall back to the highest that is left.
    count = sa.text("SELECT seq FROM sqlite_sequence WHERE name = :table").bindparams(table=table)
    highest = connection.scalar(count)
    with op.batch_alter_table(table, recreate="always", table_kwargs={"sqlite_autoincrement": True}) as batch:
        for name, condition in checks.items():
            full = f"ck_{table}_{name}"
            if full in there:
                batch.drop_constraint(op.f(full), type_="check")
            if condition is not None:
                batch.create_check_constraint(op.f(full), condition)
    if highest is not None:
        connection.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = :table").bindparams(table=table))
        connection.execute(
            sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :seq)").bindparams(
                table=table, seq=highest
            )
        )
