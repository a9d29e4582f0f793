"""A product says how the code in a picture names lot and serial, and a shift is counted from an index alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

RULE = "code_rule"
INDEX = "ix_inspections_line_shift"
COLUMNS = ["product_id", "line", "created_at", "shift", "final_verdict"]


def upgrade() -> None:
    # MariaDB commits each statement by itself: a migration that was broken off goes on where it stopped.
    inspector = sa.inspect(op.get_bind())
    if RULE not in {column["name"] for column in inspector.get_columns("products")}:
        op.add_column("products", sa.Column(RULE, sa.String(190), nullable=False, server_default=""))
    if INDEX not in {index["name"] for index in inspector.get_indexes("inspections")}:
        op.create_index(op.f(INDEX), "inspections", COLUMNS)


def downgrade() -> None:
    op.drop_index(op.f(INDEX), table_name="inspections")
    op.drop_column("products", RULE)
