"""Sign-in sessions live in the database, and wrong passwords are counted by login, address and device."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MYSQL_OPTIONS: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
}


def upgrade() -> None:
    # MariaDB commits each statement by itself: a migration that was broken off goes on where it stopped.
    found = sa.inspect(op.get_bind())
    tables = found.get_table_names()
    if "sign_in_epoch" not in {column["name"] for column in found.get_columns("users")}:
        op.add_column("users", sa.Column("sign_in_epoch", sa.Integer(), nullable=False, server_default="0"))
    if "sessions" not in tables:
        op.create_table(
            "sessions",
            sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
            sa.Column("token_sha256", sa.String(64), nullable=False),
            sa.Column("user_id", BIG_ID, nullable=False),
            sa.Column("sign_in_epoch", sa.Integer(), nullable=False),
            sa.Column("address", sa.String(64), nullable=False),
            sa.Column("created_at", MOMENT, nullable=False),
            sa.Column("last_seen_at", MOMENT, nullable=False),
            sa.Column("ended_at", MOMENT, nullable=True),
            sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
            sa.UniqueConstraint("token_sha256", name=op.f("uq_sessions_token_sha256")),
            sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sessions_user_id_users")),
            sqlite_autoincrement=True,
            **MYSQL_OPTIONS,
        )
    _index("sessions", "user_id")
    if "sign_in_failures" not in tables:
        op.create_table(
            "sign_in_failures",
            sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
            sa.Column("subject", sa.String(255), nullable=False),
            sa.Column("login", sa.String(190), nullable=False),
            sa.Column("failures", sa.Integer(), nullable=False),
            sa.Column("last_failure_at", MOMENT, nullable=False),
            sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_failures")),
            sa.UniqueConstraint("subject", name=op.f("uq_sign_in_failures_subject")),
            sqlite_autoincrement=True,
            **MYSQL_OPTIONS,
        )
    _index("sign_in_failures", "login")
    _index("sign_in_failures", "last_failure_at")


def _index(table: str, column: str) -> None:
    name = f"ix_{table}_{column}"
    if name not in {index["name"] for index in sa.inspect(op.get_bind()).get_indexes(table)}:
        op.create_index(op.f(name), table, [column])


def downgrade() -> None:
    op.drop_table("sign_in_failures")
    op.drop_table("sessions")
    op.drop_column("users", "sign_in_epoch")
