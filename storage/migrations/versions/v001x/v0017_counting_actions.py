"""Actions, images and confirmed defects are counted from an index alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

ACTIONS, ACTIONS_BEFORE = "ix_inspections_action_time", ["action_status", "created_at"]
ACTION_COLUMNS = [*ACTIONS_BEFORE, "product_id", "created_by"]
CONFIRMED = "ix_inspections_confirmed"
CONFIRMED_COLUMNS = ["confirmed_at", "product_id", "final_verdict", "final_defect_type_id"]
IMAGES = "ix_images_counting"
IMAGE_COLUMNS = ["product_id", "image_type", "split", "defect_type_id", "updated_at"]


def upgrade() -> None:
    # MariaDB commits each statement by itself: a migration that was broken off goes on where it stopped.
    inspector = sa.inspect(op.get_bind())
    if IMAGES not in {index["name"] for index in inspector.get_indexes("images")}:
        op.create_index(op.f(IMAGES), "images", IMAGE_COLUMNS)
    found = {index["name"]: index["column_names"] for index in inspector.get_indexes("inspections")}
    if CONFIRMED not in found:
        op.create_index(op.f(CONFIRMED), "inspections", CONFIRMED_COLUMNS)
    if found.get(ACTIONS) != ACTION_COLUMNS:
        if ACTIONS in found:
            op.drop_index(op.f(ACTIONS), table_name="inspections")
        op.create_index(op.f(ACTIONS), "inspections", ACTION_COLUMNS)


def downgrade() -> None:
    op.drop_index(op.f(ACTIONS), table_name="inspections")
    op.create_index(op.f(ACTIONS), "inspections", ACTIONS_BEFORE)
    op.drop_index(op.f(CONFIRMED), table_name="inspections")
    op.drop_index(op.f(IMAGES), table_name="images")
