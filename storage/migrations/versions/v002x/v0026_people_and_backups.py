"""Codes that let in once, bindings, the chain of the audit log, scopes of API keys, backups."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql
from sqlalchemy.exc import DBAPIError

from storage.audit_chain import seal_row

logger = logging.getLogger(__name__)

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MYSQL_OPTIONS: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
}


def _columns() -> dict[str, list[sa.Column[Any]]]:
    return {
        "users": [
            sa.Column("identity", sa.String(255), nullable=True),
            sa.Column("must_change_password", sa.Boolean(), nullable=False, server_default=sa.false()),
            sa.Column("password_set_at", MOMENT, nullable=True),
        ],
        "sessions": [
            sa.Column("device", sa.String(190), nullable=False, server_default=""),
            sa.Column("method", sa.String(16), nullable=False, server_default="password"),
        ],
        # JSON has no default on every database: those of before are given theirs below.
        "api_keys": [sa.Column("scopes", sa.JSON(), nullable=True)],
        "audit_log": [
            sa.Column("outcome", sa.String(8), nullable=False, server_default="done"),
            sa.Column("channel", sa.String(16), nullable=False, server_default=""),
            sa.Column("address", sa.String(64), nullable=False, server_default=""),
            sa.Column("position", sa.BigInteger(), nullable=True),
            sa.Column("seal", sa.String(64), nullable=False, server_default=""),
        ],
    }


def upgrade() -> None:
    # MariaDB commits each statement by itself: a migration that was broken off goes on where it stopped.
    there = set(sa.inspect(op.get_bind()).get_table_names())
    for table, make in _TABLES.items():
        if table not in there:
            make()
    for table, columns in _columns().items():
        _add_columns(table, columns)
    op.execute("UPDATE api_keys SET scopes = '[]' WHERE scopes IS NULL")
    _require_scopes()
    _add_index("uq_users_identity", "users", ["identity"], unique=True)
    _add_index("uq_audit_log_position", "audit_log", ["position"], unique=True)
    _add_index("ix_audit_log_action", "audit_log", ["action", "id"])
    _add_index("ix_audit_log_outcome", "audit_log", ["outcome", "id"])
    for table, column in _INDEXED:
        _add_index(f"ix_{table}_{column}", table, [column])
    _widen_letters()
    _leave_people_free()
    _seal_what_is_there()
    _refuse_changes()


def _widen_letters() -> None:
    """Let tables that were made in the server's own character set hold every letter, as the others do."""
    connection = op.get_bind()
    if connection.dialect.name not in {"mysql", "mariadb"}:
        return
    is_right = sa.text(
        "SELECT table_collation = 'utf8mb4_bin' FROM information_schema.tables "
        "WHERE table_schema = DATABASE() AND table_name = :name"
    )
    for table in _OF_SERVERS_LETTERS:
        if not connection.scalar(is_right.bindparams(name=table)):
            op.execute(f"ALTER TABLE {table} CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")


def downgrade() -> None:
    for statement in _ALLOWING[_dialect()]:
        op.execute(statement)
    for name in ("ix_audit_log_outcome", "ix_audit_log_action", "uq_audit_log_position"):
        op.drop_index(op.f(name), "audit_log")
    op.drop_index(op.f("uq_users_identity"), "users")
    for table in reversed(_TABLES):
        op.drop_table(table)
    # Each by itself: a table that SQLite builds anew would no longer keep its count of ids.
    for table, columns in _columns().items():
        for column in reversed(columns):
            op.drop_column(table, column.name)
    with op.batch_alter_table("audit_log", table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.create_foreign_key(op.f(_PERSON), "users", ["user_id"], ["id"])


def _make_sign_in_codes() -> None:
    op.create_table(
        "sign_in_codes",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("code_sha256", sa.String(64), nullable=False),
        sa.Column("purpose", sa.String(16), nullable=False),
        sa.Column("user_id", BIG_ID, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", BIG_ID, nullable=True),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.CheckConstraint("purpose IN ('first_admin', 'invitation', 'reset')", name=op.f("ck_sign_in_codes_purpose")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_codes")),
        sa.UniqueConstraint("code_sha256", name=op.f("uq_sign_in_codes_code_sha256")),
        _foreign("sign_in_codes", "user_id", "users"),
        _foreign("sign_in_codes", "created_by", "users"),
        sqlite_autoincrement=True,
        **MYSQL_OPTIONS,
    )


def _make_user_bindings() -> None:
    op.create_table(
        "user_bindings",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("user_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("line", sa.String(64), nullable=False),
        sa.Column("product_id", BIG_ID, nullable=True),
        sa.CheckConstraint("kind IN ('line', 'product')", name=op.f("ck_user_bindings_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_bindings")),
        _foreign("user_bindings", "user_id", "users"),
        _foreign("user_bindings", "product_id", "products"),
        sqlite_autoincrement=True,
        **MYSQL_OPTIONS,
    )


def _make_audit_chain() -> None:
    op.create_table(
        "audit_chain",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("seal", sa.String(64), nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_chain")),
        **MYSQL_OPTIONS,
    )


def _make_backups() -> None:
    op.create_table(
        "backups",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("path", sa.String(700), nullable=False),
        sa.Column("on_id", BIG_ID, nullable=True),
        sa.Column("job_id", BIG_ID, nullable=True),
        sa.Column("is_encrypted", sa.Boolean(), nullable=False),
        sa.Column("byte_size", sa.BigInteger(), nullable=False),
        sa.Column("objects", sa.BigInteger(), nullable=False),
        sa.Column("manifest_sha256", sa.String(64), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("error_code", sa.String(64), nullable=True),
        sa.Column("error_params", sa.JSON(), nullable=False),
        sa.Column("asked_by", BIG_ID, nullable=True),
        sa.Column("began_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.Column("verified_at", MOMENT, nullable=True),
        sa.Column("removed_at", MOMENT, nullable=True),
        sa.CheckConstraint("kind IN ('full', 'incremental')", name=op.f("ck_backups_kind")),
        sa.CheckConstraint("state IN ('running', 'done', 'failed')", name=op.f("ck_backups_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backups")),
        _foreign("backups", "on_id", "backups"),
        _foreign("backups", "job_id", "deployment_logs"),
        _foreign("backups", "asked_by", "users"),
        sqlite_autoincrement=True,
        **MYSQL_OPTIONS,
    )


_TABLES = {
    "sign_in_codes": _make_sign_in_codes,
    "user_bindings": _make_user_bindings,
    "audit_chain": _make_audit_chain,
    "backups": _make_backups,
}
_OF_SERVERS_LETTERS = (
    "checklist_ticks",
    "note_drafts",
    "day_counts",
    "detail_counts",
    "inspection_costs",
    "test_measurements",
    "test_scores",
)
_INDEXED = (
    ("sign_in_codes", "user_id"),
    ("user_bindings", "user_id"),
    ("user_bindings", "product_id"),
    ("backups", "on_id"),
    ("backups", "job_id"),
    ("backups", "began_at"),
)


def _require_scopes() -> None:
    """Let the scopes be never NULL, now that none is."""
    connection = op.get_bind()
    column = {one["name"]: one for one in sa.inspect(connection).get_columns("api_keys")}["scopes"]
    if not column["nullable"]:
        return
    # SQLite builds the table anew. Its count of ids must not fall back to the highest that is left.
    on_sqlite = connection.dialect.name == "sqlite"
    count = sa.text("SELECT seq FROM sqlite_sequence WHERE name = 'api_keys'")
    highest = connection.scalar(count) if on_sqlite else None
    with op.batch_alter_table("api_keys", table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.alter_column("scopes", existing_type=sa.JSON(), nullable=False)
    if highest is not None:
        connection.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = 'api_keys'"))
        connection.execute(
            sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES ('api_keys', :seq)").bindparams(seq=highest)
        )


_PERSON = "fk_audit_log_user_id_users"


def _leave_people_free() -> None:
    """Let the audit log name people without a lock on their accounts.

    Two administrators who change each other's account at once would otherwise hold what the other one's row of the
    log waits for.
    """
    if _PERSON in {found["name"] for found in sa.inspect(op.get_bind()).get_foreign_keys("audit_log")}:
        with op.batch_alter_table("audit_log", table_kwargs={"sqlite_autoincrement": True}) as batch:
            batch.drop_constraint(op.f(_PERSON), type_="foreignkey")


_AUDIT_LOG = sa.table(
    "audit_log",
    sa.column("id", BIG_ID),
    sa.column("created_at", MOMENT),
    sa.column("details", sa.JSON()),
    *(
        sa.column(name)
        for name in (
            "user_id", "user_name", "action", "subject_type", "subject_id", "outcome", "channel", "address", "position",
            "seal",
        )
    ),
)  # fmt: skip
_AUDIT_CHAIN = sa.table(
    "audit_chain", sa.column("id"), sa.column("position"), sa.column("seal"), sa.column("updated_at", MOMENT)
)
_SEALED_AT_ONCE = 1000


def _seal_what_is_there() -> None:
    """Begin the chain, and seal the rows of before in the order of their ids; goes on where it was broken off."""
    bind = op.get_bind()
    chain = bind.execute(sa.select(_AUDIT_CHAIN.c.position, _AUDIT_CHAIN.c.seal)).first()
    if chain is None:
        bind.execute(_AUDIT_CHAIN.insert().values(id=1, position=0, seal="", updated_at=_now()))
    position, seal = (0, "") if chain is None else chain
    unsealed = sa.select(_AUDIT_LOG).where(_AUDIT_LOG.c.position.is_(None)).order_by(_AUDIT_LOG.c.id)
    sealing = (
        _AUDIT_LOG.update()
        .where(_AUDIT_LOG.c.id == sa.bindparam("row_id"))
        .values(position=sa.bindparam("at"), seal=sa.bindparam("with_seal"))
    )
    while rows := bind.execute(unsealed.limit(_SEALED_AT_ONCE)).mappings().all():
        sealed = []
        for row in rows:
            position += 1
            seal = seal_row(seal, {**row, "position": position, "created_at": row["created_at"].replace(tzinfo=UTC)})
            sealed.append({"row_id": row["id"], "at": position, "with_seal": seal})
        bind.execute(sealing, sealed)
        bind.execute(_AUDIT_CHAIN.update().values(position=position, seal=seal, updated_at=_now()))


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


_SAID = "rows of audit_log are only ever added"
_REFUSING = {
    "sqlite": [
        f"CREATE TRIGGER audit_log_no_{what} BEFORE {what.upper()} ON audit_log "
        f"BEGIN SELECT RAISE(ABORT, '{_SAID}'); END"
        for what in ("update", "delete")
    ],
    "postgresql": [
        "CREATE FUNCTION audit_log_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_SAID}' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        *(
            f"CREATE TRIGGER audit_log_no_{what} BEFORE {what.upper()} ON audit_log "
            f"FOR EACH {per} EXECUTE FUNCTION audit_log_refuse()"
            for what, per in (("update", "ROW"), ("delete", "ROW"), ("truncate", "STATEMENT"))
        ),
    ],
    "mysql": [
        f"CREATE TRIGGER audit_log_no_{what} BEFORE {what.upper()} ON audit_log FOR EACH ROW "
        f"SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{_SAID}'"
        for what in ("update", "delete")
    ],
}
_ALLOWING = {
    "sqlite": [f"DROP TRIGGER IF EXISTS audit_log_no_{what}" for what in ("update", "delete")],
    "postgresql": [
        *(f"DROP TRIGGER IF EXISTS audit_log_no_{what} ON audit_log" for what in ("update", "delete", "truncate")),
        "DROP FUNCTION IF EXISTS audit_log_refuse()",
    ],
    "mysql": [f"DROP TRIGGER IF EXISTS audit_log_no_{what}" for what in ("update", "delete")],
}
# MariaDB and MySQL: the account may not create triggers, or not while a binary log is written.
_NOT_PERMITTED = {1044, 1142, 1227, 1370, 1419}


def _dialect() -> str:
    name = op.get_bind().dialect.name
    return "mysql" if name == "mariadb" else name


def _refuse_changes() -> None:
    """Let the database itself refuse to change or delete rows of the audit log, where the account may say so."""
    try:
        for statement in _ALLOWING[_dialect()] + _REFUSING[_dialect()]:
            op.execute(statement)
    except DBAPIError as error:
        number = getattr(error.orig, "args", (0,))[0]
        if _dialect() != "mysql" or number not in _NOT_PERMITTED:
            raise
        logger.warning(
            "the database account may not create triggers (error %s): the database does not refuse changes of the "
            "audit log by itself; docs/audit.md says what an administrator of the database can do",
            number,
        )


def _foreign(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}_{target}"))


def _add_columns(table: str, columns: list[sa.Column[Any]]) -> None:
    there = {column["name"] for column in sa.inspect(op.get_bind()).get_columns(table)}
    for column in columns:
        if column.name not in there:
            op.add_column(table, column)


def _add_index(name: str, table: str, columns: list[str], *, unique: bool = False) -> None:
    inspector = sa.inspect(op.get_bind())
    there = {index["name"] for index in inspector.get_indexes(table)}
    if name not in there | {found["name"] for found in inspector.get_unique_constraints(table)}:
        op.create_index(op.f(name), table, columns, unique=unique)
