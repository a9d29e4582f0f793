"""Dataset versions, methods trained on them, comparisons and what each method said."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0024"
down_revision = "0023"
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
_PURPOSES_BEFORE = "purpose IN ('detection', 'similarity', 'text_generation')"
_PURPOSES = "purpose IN ('detection', 'similarity', 'text_generation', 'visual_questions')"


def upgrade() -> None:
    # MariaDB commits each statement by itself: a migration that was broken off goes on where it stopped.
    there = set(sa.inspect(op.get_bind()).get_table_names())
    if "dataset_versions" not in there:
        _make_dataset_versions()
    if "dataset_version_images" not in there:
        _make_dataset_version_images()
    if "method_models" not in there:
        _make_method_models()
    if "comparisons" not in there:
        _make_comparisons()
    if "predictions" not in there:
        _make_predictions()
    if "second_opinions" not in there:
        _make_second_opinions()
    if "prompt_templates" not in there:
        _make_prompt_templates()
    _add_index("ix_dataset_version_images_image", "dataset_version_images", ["image_id"])
    _add_index("ix_method_models_product_id", "method_models", ["product_id"])
    _add_index("ix_comparisons_dataset_version_id", "comparisons", ["dataset_version_id"])
    _add_index("ix_comparisons_product_id", "comparisons", ["product_id"])
    _add_index("ix_second_opinions_inspection_id", "second_opinions", ["inspection_id"])
    _add_index("ix_prompt_templates_product_id", "prompt_templates", ["product_id"])
    _replace_checks("model_params", {"purpose": _PURPOSES})


def downgrade() -> None:
    op.execute("DELETE FROM model_params WHERE purpose = 'visual_questions'")
    _replace_checks("model_params", {"purpose": _PURPOSES_BEFORE})
    for table in (
        "prompt_templates",
        "second_opinions",
        "predictions",
        "comparisons",
        "method_models",
        "dataset_version_images",
        "dataset_versions",
    ):
        op.drop_table(table)


def _make_dataset_versions() -> None:
    op.create_table(
        "dataset_versions",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("product_id", BIG_ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(190), nullable=False),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("configuration", sa.JSON(), nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.Column("broken_reason", sa.String(64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", BIG_ID, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dataset_versions")),
        sa.UniqueConstraint("product_id", "number", name=op.f("uq_dataset_versions_product_id")),
        _foreign("dataset_versions", "created_by", "users"),
        _foreign("dataset_versions", "product_id", "products"),
        sqlite_autoincrement=True,
        **MYSQL_OPTIONS,
    )


def _make_dataset_version_images() -> None:
    op.create_table(
        "dataset_version_images",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("dataset_version_id", BIG_ID, nullable=False),
        sa.Column("image_id", BIG_ID, nullable=False),
        sa.Column("content_sha256", sa.String(64), nullable=False),
        sa.Column("image_type", sa.String(16), nullable=False),
        sa.Column("label", sa.String(64), nullable=False),
        sa.Column("part", sa.String(190), nullable=False),
        sa.Column("view", sa.String(64), nullable=False),
        sa.Column("split", sa.String(8), nullable=False),
        sa.Column("mask_sha256", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dataset_version_images")),
        sa.CheckConstraint("image_type IN ('normal', 'defect')", name=op.f("ck_dataset_version_images_image_type")),
        sa.CheckConstraint("split IN ('train', 'val', 'test')", name=op.f("ck_dataset_version_images_split")),
        sa.UniqueConstraint(
            "dataset_version_id",
            "image_id",
            name=op.f("uq_dataset_version_images_dataset_version_id"),
        ),
        _foreign("dataset_version_images", "dataset_version_id", "dataset_versions"),
        sqlite_autoincrement=True,
        **MYSQL_OPTIONS,
    )


def _make_method_models() -> None:
    op.create_table(
        "method_models",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("dataset_version_id", BIG_ID, nullable=False),
        sa.Column("product_id", BIG_ID, nullable=False),
        sa.Column("view", sa.String(64), nullable=False),
        sa.Column("method", sa.String(64), nullable=False),
        sa.Column("config", sa.JSON(), nullable=False),
        sa.Column("config_hash", sa.String(64), nullable=False),
        sa.Column("object_prefix", sa.String(255), nullable=False),
        sa.Column("manifest_sha256", sa.String(64), nullable=False),
        sa.Column("byte_size", sa.BigInteger(), nullable=False),
        sa.Column("thresholds", sa.JSON(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("job_id", BIG_ID, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", BIG_ID, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_method_models")),
        sa.UniqueConstraint(
            "dataset_version_id",
            "view",
            "config_hash",
            name=op.f("uq_method_models_dataset_version_id"),
        ),
        _foreign("method_models", "created_by", "users"),
        _foreign("method_models", "dataset_version_id", "dataset_versions"),
        _foreign("method_models", "job_id", "deployment_logs"),
        _foreign("method_models", "product_id", "products"),
        sqlite_autoincrement=True,
        **MYSQL_OPTIONS,
    )


def _make_comparisons() -> None:
    op.create_table(
        "comparisons",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("product_id", BIG_ID, nullable=False),
        sa.Column("dataset_version_id", BIG_ID, nullable=False),
        sa.Column("job_id", BIG_ID, nullable=True),
        sa.Column("name", sa.String(190), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("configuration", sa.JSON(), nullable=False),
        sa.Column("summary", sa.JSON(), nullable=False),
        sa.Column("result_key", sa.String(255), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", BIG_ID, nullable=True),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comparisons")),
        sa.UniqueConstraint("job_id", name=op.f("uq_comparisons_job_id")),
        _foreign("comparisons", "created_by", "users"),
        _foreign("comparisons", "dataset_version_id", "dataset_versions"),
        _foreign("comparisons", "job_id", "deployment_logs"),
        _foreign("comparisons", "product_id", "products"),
        sqlite_autoincrement=True,
        **MYSQL_OPTIONS,
    )


def _make_predictions() -> None:
    op.create_table(
        "predictions",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("comparison_id", BIG_ID, nullable=False),
        sa.Column("method", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(250), nullable=False),
        sa.Column("image_id", BIG_ID, nullable=True),
        sa.Column("part", sa.String(190), nullable=False),
        sa.Column("view", sa.String(64), nullable=False),
        sa.Column("split", sa.String(8), nullable=False),
        sa.Column("truth", sa.String(64), nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("named", sa.String(64), nullable=False),
        sa.Column("class_probabilities", sa.JSON(), nullable=False),
        sa.Column("boxes", sa.JSON(), nullable=False),
        sa.Column("map_key", sa.String(255), nullable=False),
        sa.Column("words", LONG_TEXT, nullable=False),
        sa.Column("latency_ms", sa.Double(), nullable=False),
        sa.Column("bill", sa.JSON(), nullable=False),
        sa.Column("error_code", sa.String(64), nullable=True),
        sa.Column("error_params", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_predictions")),
        sa.UniqueConstraint("comparison_id", "method", "subject", name=op.f("uq_predictions_comparison_id")),
        _foreign("predictions", "comparison_id", "comparisons"),
        sqlite_autoincrement=True,
        **MYSQL_OPTIONS,
    )


def _make_second_opinions() -> None:
    op.create_table(
        "second_opinions",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("inspection_id", BIG_ID, nullable=False),
        sa.Column("method", sa.String(64), nullable=False),
        sa.Column("method_model_id", BIG_ID, nullable=True),
        sa.Column("view", sa.String(64), nullable=False),
        sa.Column("prediction", sa.JSON(), nullable=False),
        sa.Column("map_key", sa.String(255), nullable=False),
        sa.Column("latency_ms", sa.Double(), nullable=False),
        sa.Column("error_code", sa.String(64), nullable=True),
        sa.Column("error_params", sa.JSON(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", BIG_ID, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_second_opinions")),
        _foreign("second_opinions", "created_by", "users"),
        _foreign("second_opinions", "inspection_id", "inspections"),
        _foreign("second_opinions", "method_model_id", "method_models"),
        sqlite_autoincrement=True,
        **MYSQL_OPTIONS,
    )


def _make_prompt_templates() -> None:
    op.create_table(
        "prompt_templates",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("scope", sa.String(64), nullable=False),
        sa.Column("product_id", BIG_ID, nullable=True),
        sa.Column("modality", sa.String(16), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("text", LONG_TEXT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", BIG_ID, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prompt_templates")),
        sa.UniqueConstraint("scope", "modality", "number", name=op.f("uq_prompt_templates_scope")),
        _foreign("prompt_templates", "created_by", "users"),
        _foreign("prompt_templates", "product_id", "products"),
        sqlite_autoincrement=True,
        **MYSQL_OPTIONS,
    )


def _foreign(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}_{target}"))


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
