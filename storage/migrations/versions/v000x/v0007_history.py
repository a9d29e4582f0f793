"""The history of inspections is found by any of its filters, newest first, without sorting and without the rows.

Each column that one looks for gets an index in which its inspections stand in the order of time, in the place of the
index that it had alone. One index more holds all of these columns: what several of them together leave is counted and
found in it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLE = "inspections"
NEW: dict[str, list[str]] = {
    "ix_inspections_model_verdict_time": ["verdict", "created_at"],
    "ix_inspections_type_time": ["final_defect_type_id", "created_at"],
    "ix_inspections_suggestion_time": ["suggested_defect_type_id", "confirmed_at", "created_at"],
    "ix_inspections_line_time": ["line", "created_at"],
    "ix_inspections_lot_time": ["lot", "created_at"],
    "ix_inspections_serial_time": ["serial", "created_at"],
    "ix_inspections_person_time": ["created_by", "created_at"],
    "ix_inspections_source_time": ["source", "created_at"],
    "ix_inspections_batch_time": ["batch_job_id", "created_at"],
    "ix_inspections_history": [
        "created_at",
        "product_id",
        "final_verdict",
        "verdict",
        "action_status",
        "review_state",
        "final_defect_type_id",
        "suggested_defect_type_id",
        "confirmed_at",
        "source",
        "line",
        "lot",
        "created_by",
        "batch_job_id",
        "serial",
        "original_name",
    ],
}
BEFORE: dict[str, list[str]] = {
    "ix_inspections_final_defect_type_id": ["final_defect_type_id"],
    "ix_inspections_line": ["line"],
    "ix_inspections_lot": ["lot"],
    "ix_inspections_serial": ["serial"],
    "ix_inspections_created_by": ["created_by"],
    "ix_inspections_batch_job_id": ["batch_job_id"],
}

OF_KEY: dict[str, list[str]] = {
    "fk_inspections_suggested_defect_type_id_defect_types": ["suggested_defect_type_id"],
}


def upgrade() -> None:
    # A foreign key of MariaDB needs an index at every moment: the new ones come first.
    _add(NEW)
    _drop(BEFORE)


def downgrade() -> None:
    _add(BEFORE)
    if op.get_bind().dialect.name in {"mysql", "mariadb"}:
        # The foreign key had an index that MariaDB made by itself, and gave up for the new one.
        _add(OF_KEY)
    _drop(NEW)


def _add(indexes: dict[str, list[str]]) -> None:
    there = _there()
    for name, columns in indexes.items():
        if name not in there:
            op.create_index(op.f(name), TABLE, columns)


def _drop(indexes: dict[str, list[str]]) -> None:
    there = _there()
    for name in indexes:
        if name in there:
            op.drop_index(op.f(name), table_name=TABLE)


def _there() -> set[str | None]:
    return {index["name"] for index in sa.inspect(op.get_bind()).get_indexes(TABLE)}
