"""Manuals say which of their pages have no text."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # MariaDB commits each statement by itself: a migration that was broken off finds its column there.
    columns = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("manuals")}
    if "pages_without_text" not in columns:
        op.add_column("manuals", sa.Column("pages_without_text", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("manuals", "pages_without_text")
