"""Training runs, adapters and conversations; where an image was taken; a trained model beside the other versions."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0025"
down_revision = "0024"
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
_KINDS_BEFORE = "kind IN ('memory_bank', 'similarity_index', 'manual_index')"
_KINDS = "kind IN ('memory_bank', 'similarity_index', 'manual_index', 'trained_model')"


def _columns() -> dict[str, list[sa.Column[Any]]]:
    return {
        "images": [sa.Column("domain", sa.String(16), nullable=False, server_default="")],
        "dataset_version_images": [sa.Column("domain", sa.String(16), nullable=False, server_default="")],
        "inspections": [
            sa.Column("trained_version_id", BIG_ID, nullable=True),
            sa.Column("trained_finding", sa.JSON(), nullable=True),
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
    _replace_checks("model_versions", {"kind": _KINDS})
    _add_index("ix_training_runs_list", "training_runs", ["product_id", "id"])
    _add_index("ix_training_runs_config", "training_runs", ["dataset_version_id", "config_hash"])
    _add_index("ix_training_runs_model_version_id", "training_runs", ["model_version_id"])
    _add_index("ix_tracking_events_waiting", "tracking_events", ["sent_at", "id"])
    _add_index("ix_tracking_events_run_id", "tracking_events", ["run_id"])
    _add_index("ix_conversations_person", "conversations", ["created_by", "updated_at"])


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_table(table)
    # The version before does not know them; what was inspected with one names it by a number alone.
    op.execute("DELETE FROM model_versions WHERE kind = 'trained_model'")
    _replace_checks("model_versions", {"kind": _KINDS_BEFORE})
    # Each by itself: a table that SQLite builds anew would no longer keep its count of ids.
    for table, columns in _columns().items():
        for column in reversed(columns):
            op.drop_column(table, column.name)


def _make_training_runs() -> None:
    op.create_table(
        "training_runs",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("product_id", BIG_ID, nullable=False),
        sa.Column("dataset_version_id", BIG_ID, nullable=False),
        sa.Column("view", sa.String(64), nullable=False),
        sa.Column("job_id", BIG_ID, nullable=True),
        sa.Column("model_version_id", BIG_ID, nullable=True),
        sa.Column("name", sa.String(190), nullable=False),
        sa.Column("experiment", sa.String(190), nullable=False),
        sa.Column("task", sa.String(32), nullable=False),
        sa.Column("recipe", sa.String(64), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("configuration", sa.JSON(), nullable=False),
        sa.Column("config_hash", sa.String(64), nullable=False),
        sa.Column("estimate", sa.JSON(), nullable=False),
        sa.Column("epochs_done", sa.Integer(), nullable=False),
        sa.Column("best_epoch", sa.Integer(), nullable=True),
        sa.Column("val", sa.JSON(), nullable=False),
        sa.Column("test", sa.JSON(), nullable=False),
        sa.Column("goals", sa.JSON(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("stopped_for", sa.String(64), nullable=False),
        sa.Column("object_prefix", sa.String(255), nullable=False),
        sa.Column("manifest_sha256", sa.String(64), nullable=False),
        sa.Column("byte_size", sa.BigInteger(), nullable=False),
        sa.Column("last_checkpoint_key", sa.String(255), nullable=False),
        sa.Column("result_key", sa.String(255), nullable=False),
        sa.Column("train_s", sa.Double(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", BIG_ID, nullable=True),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_training_runs")),
        sa.UniqueConstraint("job_id", name=op.f("uq_training_runs_job_id")),
        _foreign("training_runs", "product_id", "products"),
        _foreign("training_runs", "dataset_version_id", "dataset_versions"),
        _foreign("training_runs", "job_id", "deployment_logs"),
        _foreign("training_runs", "model_version_id", "model_versions"),
        _foreign("training_runs", "created_by", "users"),
        sqlite_autoincrement=True,
        **MYSQL_OPTIONS,
    )


def _make_run_epochs() -> None:
    op.create_table(
        "run_epochs",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("run_id", BIG_ID, nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("images_seen", sa.Integer(), nullable=False),
        sa.Column("train_loss", sa.Double(), nullable=True),
        sa.Column("val_loss", sa.Double(), nullable=True),
        sa.Column("learning_rate", sa.Double(), nullable=True),
        sa.Column("metrics", sa.JSON(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_epochs")),
        sa.UniqueConstraint("run_id", "epoch", name=op.f("uq_run_epochs_run_id")),
        _foreign("run_epochs", "run_id", "training_runs"),
        sqlite_autoincrement=True,
        **MYSQL_OPTIONS,
    )


def _make_tracking_events() -> None:
    op.create_table(
        "tracking_events",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("run_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", MOMENT, nullable=False),
        sa.Column("error_code", sa.String(64), nullable=True),
        sa.Column("error_params", sa.JSON(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("sent_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tracking_events")),
        _foreign("tracking_events", "run_id", "training_runs"),
        sqlite_autoincrement=True,
        **MYSQL_OPTIONS,
    )


def _make_tracked_runs() -> None:
    op.create_table(
        "tracked_runs",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("run_id", BIG_ID, nullable=False),
        sa.Column("store", sa.String(64), nullable=False),
        sa.Column("external_id", sa.String(190), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tracked_runs")),
        sa.UniqueConstraint("run_id", "store", name=op.f("uq_tracked_runs_run_id")),
        _foreign("tracked_runs", "run_id", "training_runs"),
        sqlite_autoincrement=True,
        **MYSQL_OPTIONS,
    )


def _make_adapters() -> None:
    op.create_table(
        "adapters",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("folder", sa.String(1024), nullable=False),
        sa.Column("manifest", sa.JSON(), nullable=False),
        sa.Column("manifest_sha256", sa.String(64), nullable=False),
        sa.Column("license_accepted_at", MOMENT, nullable=True),
        sa.Column("license_accepted_by", BIG_ID, nullable=True),
        sa.Column("check", sa.JSON(), nullable=False),
        sa.Column("checked_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", BIG_ID, nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_adapters")),
        sa.UniqueConstraint("name", name=op.f("uq_adapters_name")),
        _foreign("adapters", "license_accepted_by", "users"),
        _foreign("adapters", "created_by", "users"),
        sqlite_autoincrement=True,
        **MYSQL_OPTIONS,
    )


def _make_conversations() -> None:
    op.create_table(
        "conversations",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("title", sa.String(190), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("created_by", BIG_ID, nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversations")),
        _foreign("conversations", "created_by", "users"),
        sqlite_autoincrement=True,
        **MYSQL_OPTIONS,
    )


def _make_conversation_turns() -> None:
    op.create_table(
        "conversation_turns",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("conversation_id", BIG_ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("words", LONG_TEXT, nullable=False),
        sa.Column("writer", sa.String(190), nullable=False),
        sa.Column("results", sa.JSON(), nullable=False),
        sa.Column("draft", sa.JSON(), nullable=False),
        sa.Column("draft_state", sa.String(16), nullable=False),
        sa.Column("training_run_id", BIG_ID, nullable=True),
        sa.Column("error_code", sa.String(64), nullable=True),
        sa.Column("error_params", sa.JSON(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversation_turns")),
        sa.CheckConstraint("role IN ('person', 'assistant')", name=op.f("ck_conversation_turns_role")),
        sa.UniqueConstraint("conversation_id", "number", name=op.f("uq_conversation_turns_conversation_id")),
        _foreign("conversation_turns", "conversation_id", "conversations"),
        _foreign("conversation_turns", "training_run_id", "training_runs"),
        sqlite_autoincrement=True,
        **MYSQL_OPTIONS,
    )


_TABLES = {
    "training_runs": _make_training_runs,
    "run_epochs": _make_run_epochs,
    "tracking_events": _make_tracking_events,
    "tracked_runs": _make_tracked_runs,
    "adapters": _make_adapters,
    "conversations": _make_conversations,
    "conversation_turns": _make_conversation_turns,
}


def _foreign(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}_{target}"))


def _add_columns(table: str, columns: list[sa.Column[Any]]) -> None:
    there = {column["name"] for column in sa.inspect(op.get_bind()).get_columns(table)}
    for column in columns:
        if column.name not in there:
            op.add_column(table, column)


def _add_index(name: str, table: str, columns: list[str]) -> None:
    if name not in {index["name"] for index in sa.inspect(op.get_bind()).get_indexes(table)}:
        op.create_index(op.f(name), table, columns)


def _replace_checks(table: str, checks: dict[str, str | None]) -> None:
    """Put these check constraints in the place of those of the same names; None takes one away."""
    connection = op.get_bind()
    there = {str(check["name"]) for check in sa.inspect(connection).get_check_constraints(table)}
    if connection.dialect.name != "sqlite":
        for name, condition in checks.items():
            full = f"ck_{table}_{name}"
            if full in there:
                op.drop_constraint(op.f(full), table, type_="check")
            if condition is not None:
                op.create_check_constraint(op.f(full), table, condition)
        return
    # SQLite builds the table anew. Its count of ids must not fall back to the highest that is left.
    count = sa.text("SELECT seq FROM sqlite_sequence WHERE name = :table").bindparams(table=table)
    highest = connection.scalar(count)
    with op.batch_alter_table(table, recreate="always", table_kwargs={"sqlite_autoincrement": True}) as batch:
        for name, condition in checks.items():
            full = f"ck_{table}_{name}"
            if full in there:
                batch.drop_constraint(op.f(full), type_="check")
            if condition is not None:
                batch.create_check_constraint(op.f(full), condition)
    if highest is not None:
        connection.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = :table").bindparams(table=table))
        connection.execute(
            sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :seq)").bindparams(
                table=table, seq=highest
            )
        )
