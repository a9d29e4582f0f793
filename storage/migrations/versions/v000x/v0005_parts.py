"""An image knows the part that it shows, and whether it was found not to look like the other normal ones."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
PART_INDEX = "ix_images_part"


def _columns() -> list[sa.Column[object]]:
    return [
        sa.Column("part", sa.String(190), nullable=False, server_default=""),
        sa.Column("part_source", sa.String(16), nullable=False, server_default=""),
        sa.Column("outlier_state", sa.String(16), nullable=False, server_default=""),
        sa.Column("outlier_score", sa.Double(), nullable=True),
        sa.Column("outlier_at", MOMENT, nullable=True),
    ]


def upgrade() -> None:
    # MariaDB commits each statement by itself: a migration that was broken off goes on where it stopped.
    found = sa.inspect(op.get_bind())
    there = {column["name"] for column in found.get_columns("images")}
    for column in _columns():
        if column.name not in there:
            op.add_column("images", column)
    if PART_INDEX not in {index["name"] for index in found.get_indexes("images")}:
        op.create_index(op.f(PART_INDEX), "images", ["product_id", "part"])


def downgrade() -> None:
    op.drop_index(op.f(PART_INDEX), table_name="images")
    for column in reversed(_columns()):
        op.drop_column("images", column.name)
