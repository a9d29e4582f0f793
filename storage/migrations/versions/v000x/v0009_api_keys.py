"""Programs come with keys of their own, and a repeated request of theirs gets the answer that there is."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LONG_TEXT = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
MYSQL_OPTIONS: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
}


def upgrade() -> None:
    # MariaDB commits each statement by itself: a migration that was broken off goes on where it stopped.
    tables = sa.inspect(op.get_bind()).get_table_names()
    if "api_keys" not in tables:
        op.create_table(
            "api_keys",
            sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
            sa.Column("name", sa.String(190), nullable=False),
            sa.Column("user_id", BIG_ID, nullable=False),
            sa.Column("role", sa.String(16), nullable=False),
            sa.Column("prefix", sa.String(16), nullable=False),
            sa.Column("secret_sha256", sa.String(64), nullable=False),
            sa.Column("created_at", MOMENT, nullable=False),
            sa.Column("created_by", BIG_ID, nullable=True),
            sa.Column("expires_at", MOMENT, nullable=True),
            sa.Column("last_used_at", MOMENT, nullable=True),
            sa.Column("revoked_at", MOMENT, nullable=True),
            sa.Column("revoked_by", BIG_ID, nullable=True),
            sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
            sa.UniqueConstraint("prefix", name=op.f("uq_api_keys_prefix")),
            sa.CheckConstraint("role IN ('worker', 'engineer')", name=op.f("ck_api_keys_role")),
            sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_api_keys_user_id_users")),
            sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_api_keys_created_by_users")),
            sa.ForeignKeyConstraint(["revoked_by"], ["users.id"], name=op.f("fk_api_keys_revoked_by_users")),
            sqlite_autoincrement=True,
            **MYSQL_OPTIONS,
        )
    for column in ("user_id", "created_by", "revoked_by"):
        _index("api_keys", column)
    if "api_answers" not in tables:
        op.create_table(
            "api_answers",
            sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
            sa.Column("api_key_id", BIG_ID, nullable=False),
            sa.Column("idempotency_key", sa.String(128), nullable=False),
            sa.Column("request_sha256", sa.String(64), nullable=False),
            sa.Column("status", sa.Integer(), nullable=False),
            sa.Column("location", sa.String(255), nullable=False),
            sa.Column("body", LONG_TEXT, nullable=False),
            sa.Column("created_at", MOMENT, nullable=False),
            sa.PrimaryKeyConstraint("id", name=op.f("pk_api_answers")),
            sa.UniqueConstraint("api_key_id", "idempotency_key", name=op.f("uq_api_answers_api_key_id")),
            sa.ForeignKeyConstraint(["api_key_id"], ["api_keys.id"], name=op.f("fk_api_answers_api_key_id_api_keys")),
            sqlite_autoincrement=True,
            **MYSQL_OPTIONS,
        )
    _index("api_answers", "created_at")


def _index(table: str, column: str) -> None:
    name = f"ix_{table}_{column}"
    if name not in {index["name"] for index in sa.inspect(op.get_bind()).get_indexes(table)}:
        op.create_index(op.f(name), table, [column])


def downgrade() -> None:
    op.drop_table("api_answers")
    op.drop_table("api_keys")
