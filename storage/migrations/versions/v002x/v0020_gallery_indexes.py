"""What the gallery of images is filtered by, and the names, in the order of ids: found without reading a row."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_images_gallery": [
        "product_id", "image_type", "id", "defect_type_id", "split", "view", "origin", "quality", "outlier_state",
        "created_at", "part", "mask_key",
    ],
    "ix_images_names": ["product_id", "image_type", "id", "stored_name", "original_name"],
}  # fmt: skip


def upgrade() -> None:
    there = {index["name"] for index in sa.inspect(op.get_bind()).get_indexes("images")}
    for name, columns in INDEXES.items():
        if name not in there:
            op.create_index(op.f(name), "images", columns)


def downgrade() -> None:
    for name in INDEXES:
        op.drop_index(op.f(name), table_name="images")
