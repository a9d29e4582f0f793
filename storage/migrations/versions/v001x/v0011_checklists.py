"""Corrective steps are ticked by people, and what somebody typed about an inspection outlives a reload."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LONG_TEXT = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
SECTIONS = "section IN ('cause', 'action', 'check', 'prevention')"
FIELDS = "field IN ('action', 'override')"
STEP_INDEX, USER_INDEX = "ix_checklist_ticks_step_key", "ix_note_drafts_user_id"


def upgrade() -> None:
    # MariaDB commits each statement by itself: a migration that was broken off goes on where it stopped.
    there = set(sa.inspect(op.get_bind()).get_table_names())
    if "checklist_ticks" not in there:
        op.create_table(
            "checklist_ticks",
            sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
            sa.Column("inspection_id", BIG_ID, nullable=False),
            sa.Column("step_key", sa.String(64), nullable=False),
            sa.Column("section", sa.String(16), nullable=False),
            sa.Column("step_text", LONG_TEXT, nullable=False),
            sa.Column("ticked_at", MOMENT, nullable=False),
            sa.Column("ticked_by", BIG_ID, nullable=True),
            sa.CheckConstraint(SECTIONS, name=op.f("ck_checklist_ticks_section")),
            sa.ForeignKeyConstraint(
                ["inspection_id"], ["inspections.id"], name=op.f("fk_checklist_ticks_inspection_id_inspections")
            ),
            sa.ForeignKeyConstraint(["ticked_by"], ["users.id"], name=op.f("fk_checklist_ticks_ticked_by_users")),
            sa.PrimaryKeyConstraint("id", name=op.f("pk_checklist_ticks")),
            sa.UniqueConstraint("inspection_id", "step_key", name="uq_checklist_ticks_inspection_step"),
            sqlite_autoincrement=True,
        )
    _add_index(STEP_INDEX, "checklist_ticks", "step_key")
    if "note_drafts" not in there:
        op.create_table(
            "note_drafts",
            sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
            sa.Column("inspection_id", BIG_ID, nullable=False),
            sa.Column("user_id", BIG_ID, nullable=False),
            sa.Column("field", sa.String(16), nullable=False),
            sa.Column("text", LONG_TEXT, nullable=False),
            sa.Column("saved_at", MOMENT, nullable=False),
            sa.CheckConstraint(FIELDS, name=op.f("ck_note_drafts_field")),
            sa.ForeignKeyConstraint(
                ["inspection_id"], ["inspections.id"], name=op.f("fk_note_drafts_inspection_id_inspections")
            ),
            sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_note_drafts_user_id_users")),
            sa.PrimaryKeyConstraint("id", name=op.f("pk_note_drafts")),
            sa.UniqueConstraint("inspection_id", "user_id", "field", name="uq_note_drafts_inspection_user_field"),
            sqlite_autoincrement=True,
        )
    _add_index(USER_INDEX, "note_drafts", "user_id")


def downgrade() -> None:
    op.drop_table("note_drafts")
    op.drop_table("checklist_ticks")


def _add_index(name: str, table: str, column: str) -> None:
    if name not in {index["name"] for index in sa.inspect(op.get_bind()).get_indexes(table)}:
        op.create_index(op.f(name), table, [column])
