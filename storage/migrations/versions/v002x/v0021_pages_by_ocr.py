"""Manuals say which of their pages were read by text recognition when their index was built."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # MariaDB commits each statement by itself: a migration that was broken off finds its column there.
    columns = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("manuals")}
    if "pages_by_ocr" not in columns:
        op.add_column("manuals", sa.Column("pages_by_ocr", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("manuals", "pages_by_ocr")
