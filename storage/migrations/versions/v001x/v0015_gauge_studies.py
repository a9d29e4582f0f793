"""Gauge studies: the same parts judged again and again, by the model and by people."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0015"
down_revision = "0014"
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
TABLES = ("gauge_studies", "gauge_parts", "gauge_trials", "gauge_appraisers", "gauge_ratings")


def upgrade() -> None:
    # MariaDB commits each statement by itself: a migration that was broken off goes on where it stopped.
    there = set(sa.inspect(op.get_bind()).get_table_names())
    makers = (_make_studies, _make_parts, _make_trials, _make_appraisers, _make_ratings)
    for name, make in zip(TABLES, makers, strict=True):
        if name not in there:
            make()
    _index("ix_gauge_studies_product_id", "gauge_studies", ["product_id"])
    _index("ix_gauge_studies_state", "gauge_studies", ["state"])
    _index("ix_gauge_studies_memory_bank_version_id", "gauge_studies", ["memory_bank_version_id"])
    _index("ix_gauge_trials_study_position", "gauge_trials", ["study_id", "position"])
    _index("ix_gauge_appraisers_user_id", "gauge_appraisers", ["user_id"])
    _index("ix_gauge_ratings_study_id", "gauge_ratings", ["study_id"])


def downgrade() -> None:
    for name in reversed(TABLES):
        op.drop_table(name)


def _make_studies() -> None:
    op.create_table(
        "gauge_studies",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("product_id", BIG_ID, nullable=False),
        sa.Column("name", sa.String(190), nullable=False),
        sa.Column("purpose", LONG_TEXT, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("n_repeats", sa.Integer(), nullable=False),
        sa.Column("n_pictures", sa.Integer(), nullable=False),
        sa.Column("with_model", sa.Boolean(), nullable=False),
        sa.Column("setups", sa.JSON(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("memory_bank_version_id", BIG_ID, nullable=True),
        sa.Column("review_at", sa.Double(), nullable=True),
        sa.Column("reject_at", sa.Double(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", BIG_ID, nullable=True),
        sa.Column("started_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("ended_by", BIG_ID, nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gauge_studies")),
        sa.CheckConstraint("kind IN ('score', 'verdict', 'both')", name=op.f("ck_gauge_studies_kind")),
        sa.CheckConstraint("state IN ('draft', 'running', 'closed', 'cancelled')", name=op.f("ck_gauge_studies_state")),
        _foreign("gauge_studies", "product_id", "products"),
        _foreign("gauge_studies", "memory_bank_version_id", "model_versions"),
        _foreign("gauge_studies", "created_by", "users"),
        _foreign("gauge_studies", "ended_by", "users"),
        sqlite_autoincrement=True,
        **MYSQL_OPTIONS,
    )


def _make_parts() -> None:
    op.create_table(
        "gauge_parts",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("study_id", BIG_ID, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(190), nullable=False),
        sa.Column("reference", sa.String(8), nullable=False),
        sa.Column("reference_source", sa.String(16), nullable=False),
        sa.Column("sources", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gauge_parts")),
        sa.UniqueConstraint("study_id", "place", name="uq_gauge_parts_study_place"),
        sa.CheckConstraint("reference IN ('', 'good', 'defect')", name=op.f("ck_gauge_parts_reference")),
        _foreign("gauge_parts", "study_id", "gauge_studies"),
        sqlite_autoincrement=True,
        **MYSQL_OPTIONS,
    )


def _make_trials() -> None:
    op.create_table(
        "gauge_trials",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("study_id", BIG_ID, nullable=False),
        sa.Column("part_id", BIG_ID, nullable=False),
        sa.Column("setup", sa.Integer(), nullable=False),
        sa.Column("repeat_no", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("original_name", sa.String(255), nullable=False),
        sa.Column("image_key", sa.String(255), nullable=False),
        sa.Column("thumbnail_key", sa.String(255), nullable=False),
        sa.Column("image_sha256", sa.String(64), nullable=False),
        sa.Column("inspection_id", BIG_ID, nullable=True),
        sa.Column("image_id", BIG_ID, nullable=True),
        sa.Column("taken_at", MOMENT, nullable=True),
        sa.Column("taken_by", BIG_ID, nullable=True),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("judged_at", MOMENT, nullable=True),
        sa.Column("error_code", sa.String(64), nullable=False),
        sa.Column("error_params", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gauge_trials")),
        sa.UniqueConstraint("part_id", "setup", "repeat_no", name="uq_gauge_trials_cell"),
        _foreign("gauge_trials", "study_id", "gauge_studies"),
        _foreign("gauge_trials", "part_id", "gauge_parts"),
        _foreign("gauge_trials", "taken_by", "users"),
        sqlite_autoincrement=True,
        **MYSQL_OPTIONS,
    )


def _make_appraisers() -> None:
    op.create_table(
        "gauge_appraisers",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("study_id", BIG_ID, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(190), nullable=False),
        sa.Column("user_id", BIG_ID, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gauge_appraisers")),
        sa.UniqueConstraint("study_id", "place", name="uq_gauge_appraisers_study_place"),
        _foreign("gauge_appraisers", "study_id", "gauge_studies"),
        _foreign("gauge_appraisers", "user_id", "users"),
        sqlite_autoincrement=True,
        **MYSQL_OPTIONS,
    )


def _make_ratings() -> None:
    op.create_table(
        "gauge_ratings",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("study_id", BIG_ID, nullable=False),
        sa.Column("appraiser_id", BIG_ID, nullable=False),
        sa.Column("part_id", BIG_ID, nullable=False),
        sa.Column("repeat_no", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("trial_id", BIG_ID, nullable=True),
        sa.Column("verdict", sa.String(8), nullable=False),
        sa.Column("rated_at", MOMENT, nullable=True),
        sa.Column("rated_by", BIG_ID, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gauge_ratings")),
        sa.UniqueConstraint("appraiser_id", "position", name="uq_gauge_ratings_appraiser_position"),
        sa.CheckConstraint("verdict IN ('', 'ok', 'reject')", name=op.f("ck_gauge_ratings_verdict")),
        _foreign("gauge_ratings", "study_id", "gauge_studies"),
        _foreign("gauge_ratings", "appraiser_id", "gauge_appraisers"),
        _foreign("gauge_ratings", "part_id", "gauge_parts"),
        _foreign("gauge_ratings", "trial_id", "gauge_trials"),
        _foreign("gauge_ratings", "rated_by", "users"),
        sqlite_autoincrement=True,
        **MYSQL_OPTIONS,
    )


def _foreign(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}_{target}"))


def _index(name: str, table: str, columns: list[str]) -> None:
    if name not in {index["name"] for index in sa.inspect(op.get_bind()).get_indexes(table)}:
        op.create_index(op.f(name), table, columns)
