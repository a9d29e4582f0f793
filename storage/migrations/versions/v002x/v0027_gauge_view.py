"""A gauge study of a product with views is of one of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # MariaDB commits each statement by itself: a migration that was broken off goes on where it stopped.
    if "view" not in {column["name"] for column in sa.inspect(op.get_bind()).get_columns("gauge_studies")}:
        op.add_column("gauge_studies", sa.Column("view", sa.String(64), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("gauge_studies", "view")
