"""Views of a product: their own preprocessing and versions, how they are combined, what each of them showed."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0023"
down_revision = "0022"
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


def _columns() -> dict[str, list[sa.Column[Any]]]:
    return {
        "image_preprocessing": [sa.Column("view", sa.String(64), nullable=False, server_default="")],
        "model_versions": [sa.Column("view", sa.String(64), nullable=False, server_default="")],
        "products": [sa.Column("second_opinion", sa.String(64), nullable=False, server_default="")],
        "defect_types": [sa.Column("phrase", sa.String(190), nullable=False, server_default="")],
        "inspections": [
            sa.Column("fusion_setting_id", BIG_ID, nullable=True),
            sa.Column("found_as", sa.String(16), nullable=False, server_default=""),
            sa.Column("missing_views", sa.JSON(), nullable=True),
        ],
    }


def upgrade() -> None:
    # MariaDB commits each statement by itself: a migration that was broken off goes on where it stopped.
    there = set(sa.inspect(op.get_bind()).get_table_names())
    if "product_views" not in there:
        _make_product_views()
    if "fusion_settings" not in there:
        _make_fusion_settings()
    if "inspection_views" not in there:
        _make_inspection_views()
    for table, columns in _columns().items():
        _add_columns(table, columns)
    _add_index("ix_fusion_settings_product_id", "fusion_settings", ["product_id"])
    _add_index("ix_inspection_views_image", "inspection_views", ["image_sha256"])
    _replace_unique(["product_id", "view"], was=["product_id"])


def downgrade() -> None:
    # The version before knows one row for a product: that of the product itself, and none of a view.
    op.execute("DELETE FROM image_preprocessing WHERE view <> ''")
    _replace_unique(["product_id"], was=["product_id", "view"])
    for table, columns in _columns().items():
        for column in reversed(columns):
            op.drop_column(table, column.name)
    for table in ("inspection_views", "fusion_settings", "product_views"):
        op.drop_table(table)


def _make_product_views() -> None:
    op.create_table(
        "product_views",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("product_id", BIG_ID, nullable=False),
        sa.Column("code", sa.String(32), nullable=False),
        sa.Column("name", sa.String(190), nullable=False),
        sa.Column("name_en", sa.String(190), nullable=False),
        sa.Column("modality", sa.String(16), nullable=False),
        sa.Column("is_required", sa.Boolean(), nullable=False),
        sa.Column("found_as", sa.String(16), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("detector", sa.String(190), nullable=False),
        sa.Column("detector_options", sa.JSON(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product_views")),
        sa.CheckConstraint("found_as IN ('internal', 'external')", name=op.f("ck_product_views_found_as")),
        sa.CheckConstraint(
            "modality IN ('rgb', 'gray', 'ct', 'xray', 'thermal', 'depth')",
            name=op.f("ck_product_views_modality"),
        ),
        sa.UniqueConstraint("product_id", "code", name=op.f("uq_product_views_product_id")),
        _foreign("product_views", "product_id", "products"),
        sqlite_autoincrement=True,
        **MYSQL_OPTIONS,
    )


def _make_fusion_settings() -> None:
    op.create_table(
        "fusion_settings",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("product_id", BIG_ID, nullable=False),
        sa.Column("method", sa.String(32), nullable=False),
        sa.Column("rule", sa.JSON(), nullable=False),
        sa.Column("calibration", sa.JSON(), nullable=False),
        sa.Column("review_at", sa.Double(), nullable=False),
        sa.Column("reject_at", sa.Double(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("reason", LONG_TEXT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", BIG_ID, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fusion_settings")),
        sa.CheckConstraint(
            "method IN ('weighted_average', 'voting', 'rule_based')",
            name=op.f("ck_fusion_settings_method"),
        ),
        sa.CheckConstraint("review_at <= reject_at", name=op.f("ck_fusion_settings_order")),
        _foreign("fusion_settings", "created_by", "users"),
        _foreign("fusion_settings", "product_id", "products"),
        sqlite_autoincrement=True,
        **MYSQL_OPTIONS,
    )


def _make_inspection_views() -> None:
    op.create_table(
        "inspection_views",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("inspection_id", BIG_ID, nullable=False),
        sa.Column("view", sa.String(32), nullable=False),
        sa.Column("exposure", sa.Integer(), nullable=False),
        sa.Column("original_name", sa.String(255), nullable=False),
        sa.Column("image_key", sa.String(255), nullable=False),
        sa.Column("thumbnail_key", sa.String(255), nullable=False),
        sa.Column("heat_map_key", sa.String(255), nullable=False),
        sa.Column("image_sha256", sa.String(64), nullable=False),
        sa.Column("width_px", sa.Integer(), nullable=False),
        sa.Column("height_px", sa.Integer(), nullable=False),
        sa.Column("image_notes", sa.JSON(), nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("raised_by", sa.Double(), nullable=False),
        sa.Column("review_at", sa.Double(), nullable=True),
        sa.Column("reject_at", sa.Double(), nullable=True),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("probability", sa.Double(), nullable=True),
        sa.Column("memory_bank_version_id", BIG_ID, nullable=True),
        sa.Column("threshold_setting_id", BIG_ID, nullable=True),
        sa.Column("normal_index_version_id", BIG_ID, nullable=True),
        sa.Column("defect_index_version_id", BIG_ID, nullable=True),
        sa.Column("preprocessing", sa.JSON(), nullable=False),
        sa.Column("regions", sa.JSON(), nullable=False),
        sa.Column("nearest_image_id", sa.BigInteger(), nullable=True),
        sa.Column("nearest_image_name", sa.String(190), nullable=False),
        sa.Column("suggested_defect_type_id", BIG_ID, nullable=True),
        sa.Column("suggestion_confidence", sa.Double(), nullable=True),
        sa.Column("latency_ms", sa.Double(), nullable=False),
        sa.Column("error_code", sa.String(64), nullable=True),
        sa.Column("error_params", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inspection_views")),
        sa.CheckConstraint("verdict IN ('ok', 'review', 'reject')", name=op.f("ck_inspection_views_verdict")),
        sa.UniqueConstraint("inspection_id", "view", "exposure", name=op.f("uq_inspection_views_inspection_id")),
        _foreign("inspection_views", "defect_index_version_id", "model_versions"),
        _foreign("inspection_views", "inspection_id", "inspections"),
        _foreign("inspection_views", "memory_bank_version_id", "model_versions"),
        _foreign("inspection_views", "normal_index_version_id", "model_versions"),
        _foreign("inspection_views", "suggested_defect_type_id", "defect_types"),
        _foreign("inspection_views", "threshold_setting_id", "threshold_settings"),
        sqlite_autoincrement=True,
        **MYSQL_OPTIONS,
    )


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


def _replace_unique(columns: list[str], *, was: list[str]) -> None:
    """Let a row be unique by these columns instead of those that it `was` unique by."""
    connection = op.get_bind()
    name, table = "uq_image_preprocessing_product_id", "image_preprocessing"
    constraints = sa.inspect(connection).get_unique_constraints(table)
    found = {str(one["name"]): list(one["column_names"]) for one in constraints}
    if connection.dialect.name != "sqlite":
        # MariaDB needs an index for the reference to the product at every moment. It is left where this was broken off.
        spare = "ix_image_preprocessing_product_id"
        has_spare = spare in {index["name"] for index in sa.inspect(connection).get_indexes(table)}
        if found.get(name) != columns:
            if not has_spare:
                op.create_index(op.f(spare), table, ["product_id"])
                has_spare = True
            if name in found:
                op.drop_constraint(op.f(name), table, type_="unique")
            op.create_unique_constraint(op.f(name), table, columns)
        if has_spare:
            op.drop_index(op.f(spare), table)
        return
    if found.get(name) == columns:
        return
    # SQLite builds the table anew. Its count of ids must not fall back to the highest that is left.
    count = sa.text("SELECT seq FROM sqlite_sequence WHERE name = :table").bindparams(table=table)
    highest = connection.scalar(count)
    with op.batch_alter_table(table, recreate="always", table_kwargs={"sqlite_autoincrement": True}) as batch:
        if name in found:
            batch.drop_constraint(op.f(name), type_="unique")
        batch.create_unique_constraint(op.f(name), columns)
    if highest is not None:
        connection.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = :table").bindparams(table=table))
        connection.execute(
            sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES (:table, :seq)").bindparams(
                table=table, seq=highest
            )
        )
