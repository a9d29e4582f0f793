"""An inspection knows whether a person has still to look at it, and is made once however often it is asked for.

Sources are more (the REST interface, a watched folder), an image knows the inspection that it came from, and a product
whether its parts are inspected at once.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SOURCES_BEFORE = "source IN ('upload', 'camera', 'sample', 'batch', 'cli')"
SOURCES = "source IN ('upload', 'camera', 'sample', 'batch', 'cli', 'api', 'watch')"
STATES = "review_state IN ('none', 'waiting', 'done')"
REVIEW_INDEX = "ix_inspections_review_time"
ONCE_INDEX = "ix_inspections_idempotency_key"
ORIGIN_INDEX = "ix_images_inspection_id"
TRIGGERS = "inspection_trigger IN ('at_once', 'on_click')"


def _columns() -> list[sa.Column[object]]:
    return [
        sa.Column("review_state", sa.String(8), nullable=False, server_default="none"),
        sa.Column("reviewed_at", MOMENT, nullable=True),
        sa.Column("reviewed_by", BIG_ID, nullable=True),
        sa.Column("raised_by", sa.Double(), nullable=False, server_default="0"),
        sa.Column("idempotency_key", sa.String(128), nullable=True),
    ]


def upgrade() -> None:
    # MariaDB commits each statement by itself: a migration that was broken off goes on where it stopped.
    _add_columns("inspections", _columns())
    _add_columns("images", [sa.Column("inspection_id", BIG_ID, nullable=True)])
    _add_columns("products", [sa.Column("inspection_trigger", sa.String(16), nullable=False, server_default="at_once")])
    op.execute(
        "UPDATE inspections SET review_state = 'waiting' "
        "WHERE review_state = 'none' AND (final_verdict = 'review' OR overridden_at IS NOT NULL)"
    )
    _replace_checks("inspections", {"source": SOURCES, "review_state": STATES})
    _replace_checks("products", {"inspection_trigger": TRIGGERS})
    _add_reviewer()
    _add_index(REVIEW_INDEX, "inspections", ["review_state", "created_at"])
    _add_index(ONCE_INDEX, "inspections", ["idempotency_key"], unique=True)
    _add_index(ORIGIN_INDEX, "images", ["inspection_id"])


def downgrade() -> None:
    op.execute("UPDATE inspections SET source = 'cli' WHERE source IN ('api', 'watch')")
    op.drop_index(op.f(ORIGIN_INDEX), table_name="images")
    op.drop_index(op.f(ONCE_INDEX), table_name="inspections")
    op.drop_index(op.f(REVIEW_INDEX), table_name="inspections")
    _replace_checks("inspections", {"source": SOURCES_BEFORE, "review_state": None}, reviewer=False)
    _replace_checks("products", {"inspection_trigger": None})
    op.drop_column("products", "inspection_trigger")
    op.drop_column("images", "inspection_id")
    for column in reversed(_columns()):
        op.drop_column("inspections", column.name)


def _add_columns(table: str, columns: list[sa.Column[object]]) -> None:
    there = {column["name"] for column in sa.inspect(op.get_bind()).get_columns(table)}
    for column in columns:
        if column.name not in there:
            op.add_column(table, column)


def _add_index(name: str, table: str, columns: list[str], *, unique: bool = False) -> None:
    if name not in {index["name"] for index in sa.inspect(op.get_bind()).get_indexes(table)}:
        op.create_index(op.f(name), table, columns, unique=unique)


def _replace_checks(table: str, checks: dict[str, str | None], *, reviewer: bool = True) -> None:
    """Put these check constraints in the place of those of the same names; None takes one away."""
    connection = op.get_bind()
    there = {str(check["name"]) for check in sa.inspect(connection).get_check_constraints(table)}
    if connection.dialect.name != "sqlite":
        if table == "inspections" and not reviewer:
            op.drop_constraint("fk_inspections_reviewed_by_users", table, type_="foreignkey")
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
        if table == "inspections":
            if reviewer:
                batch.create_foreign_key(op.f("fk_inspections_reviewed_by_users"), "users", ["reviewed_by"], ["id"])
            else:
                batch.drop_constraint(op.f("fk_inspections_reviewed_by_users"), type_="foreignkey")
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


def _add_reviewer() -> None:
    connection = op.get_bind()
    name = "fk_inspections_reviewed_by_users"
    there = {key["name"] for key in sa.inspect(connection).get_foreign_keys("inspections")}
    if name not in there:
        op.create_foreign_key(op.f(name), "inspections", "users", ["reviewed_by"], ["id"])
