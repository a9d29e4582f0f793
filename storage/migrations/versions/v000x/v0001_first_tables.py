"""The first tables."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# UTC with microseconds: MariaDB keeps whole seconds unless told otherwise.
MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
# TEXT ends at 64 KiB there.
LONG_TEXT = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
# SQLite numbers rows by itself only for a column that is exactly INTEGER.
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# Binary collation: codes and names differ by case and accent, as they do on the other two databases.
MYSQL_OPTIONS: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
}

TABLES = (
    "search_history",
    "response_history",
    "inspections",
    "threshold_settings",
    "model_versions",
    "images",
    "system_config",
    "model_params",
    "manuals",
    "image_preprocessing",
    "deployment_logs",
    "defect_types",
    "audit_log",
    "workers",
    "users",
    "products",
)


def upgrade() -> None:
    _create_table(
        "products",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("name", sa.String(190), nullable=False),
        sa.Column("description", LONG_TEXT, nullable=False),
        sa.Column("notice", LONG_TEXT, nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_products")),
        sa.UniqueConstraint("code", name=op.f("uq_products_code")),
    )
    _create_index(op.f("ix_products_is_active"), "products", ["is_active"])
    _create_table(
        "users",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("login", sa.String(190), nullable=False),
        sa.Column("display_name", sa.String(190), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("password_hash", sa.String(255), nullable=True),
        sa.Column("language", sa.String(8), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("last_seen_at", MOMENT, nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.CheckConstraint("role IN ('worker', 'engineer', 'admin')", name=op.f("ck_users_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("login", name=op.f("uq_users_login")),
    )
    _create_table(
        "workers",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("host", sa.String(190), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("heartbeat_at", MOMENT, nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workers")),
    )
    _create_table(
        "audit_log",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("user_id", BIG_ID, nullable=True),
        sa.Column("user_name", sa.String(190), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("subject_type", sa.String(32), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_audit_log_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
    )
    _create_index(op.f("ix_audit_log_created_at"), "audit_log", ["created_at"])
    _create_index("ix_audit_log_subject", "audit_log", ["subject_type", "subject_id"])
    _create_index(op.f("ix_audit_log_user_id"), "audit_log", ["user_id"])
    _create_table(
        "defect_types",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("product_id", BIG_ID, nullable=False),
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("name_ko", sa.String(190), nullable=False),
        sa.Column("name_en", sa.String(190), nullable=False),
        sa.Column("description", LONG_TEXT, nullable=False),
        sa.Column("severity", sa.String(16), nullable=False),
        sa.Column("example_image_ids", sa.JSON(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.CheckConstraint("severity IN ('minor', 'major', 'critical')", name=op.f("ck_defect_types_severity")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_defect_types_product_id_products")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_defect_types")),
        sa.UniqueConstraint("product_id", "code", name=op.f("uq_defect_types_product_id")),
    )
    _create_index(op.f("ix_defect_types_product_id"), "defect_types", ["product_id"])
    _create_table(
        "deployment_logs",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("product_id", BIG_ID, nullable=True),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("stage", sa.String(32), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.Column("error_code", sa.String(64), nullable=True),
        sa.Column("error_params", sa.JSON(), nullable=False),
        sa.Column("log", LONG_TEXT, nullable=False),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("worker_id", sa.String(64), nullable=True),
        sa.Column("fencing_token", sa.Integer(), nullable=False),
        sa.Column("lease_expires_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", BIG_ID, nullable=True),
        sa.Column("started_at", MOMENT, nullable=True),
        sa.Column("stage_started_at", MOMENT, nullable=True),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')",
            name=op.f("ck_deployment_logs_state"),
        ),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_deployment_logs_created_by_users")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_deployment_logs_product_id_products")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deployment_logs")),
    )
    _create_index("ix_deployment_logs_history", "deployment_logs", ["kind", "product_id", "id"])
    _create_index("ix_deployment_logs_queue", "deployment_logs", ["state", "priority", "id"])
    _create_table(
        "image_preprocessing",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("product_id", BIG_ID, nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("updated_by", BIG_ID, nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_image_preprocessing_product_id_products")
        ),
        sa.ForeignKeyConstraint(["updated_by"], ["users.id"], name=op.f("fk_image_preprocessing_updated_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_image_preprocessing")),
        sa.UniqueConstraint("product_id", name=op.f("uq_image_preprocessing_product_id")),
    )
    _create_table(
        "manuals",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("product_id", BIG_ID, nullable=False),
        sa.Column("title", sa.String(255), nullable=False),
        sa.Column("original_name", sa.String(255), nullable=False),
        sa.Column("object_key", sa.String(255), nullable=False),
        sa.Column("byte_size", sa.BigInteger(), nullable=False),
        sa.Column("page_count", sa.Integer(), nullable=False),
        sa.Column("content_sha256", sa.String(64), nullable=False),
        sa.Column("language", sa.String(8), nullable=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("failure_code", sa.String(64), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", BIG_ID, nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.CheckConstraint("state IN ('stored', 'indexed', 'failed')", name=op.f("ck_manuals_state")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_manuals_created_by_users")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_manuals_product_id_products")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_manuals")),
        sa.UniqueConstraint("product_id", "content_sha256", name=op.f("uq_manuals_product_id")),
    )
    _create_table(
        "model_params",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("purpose", sa.String(32), nullable=False),
        sa.Column("model_name", sa.String(190), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("updated_by", BIG_ID, nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "purpose IN ('detection', 'similarity', 'text_generation')", name=op.f("ck_model_params_purpose")
        ),
        sa.ForeignKeyConstraint(["updated_by"], ["users.id"], name=op.f("fk_model_params_updated_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_params")),
        sa.UniqueConstraint("purpose", name=op.f("uq_model_params_purpose")),
    )
    _create_table(
        "system_config",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("updated_by", BIG_ID, nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["updated_by"], ["users.id"], name=op.f("fk_system_config_updated_by_users")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_system_config")),
    )
    _create_table(
        "images",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("product_id", BIG_ID, nullable=False),
        sa.Column("image_type", sa.String(16), nullable=False),
        sa.Column("defect_type_id", BIG_ID, nullable=True),
        sa.Column("split", sa.String(8), nullable=False),
        sa.Column("stored_name", sa.String(190), nullable=False),
        sa.Column("original_name", sa.String(255), nullable=False),
        sa.Column("object_key", sa.String(255), nullable=False),
        sa.Column("thumbnail_key", sa.String(255), nullable=False),
        sa.Column("mask_key", sa.String(255), nullable=True),
        sa.Column("content_sha256", sa.String(64), nullable=False),
        sa.Column("pixel_sha256", sa.String(64), nullable=False),
        sa.Column("byte_size", sa.BigInteger(), nullable=False),
        sa.Column("width_px", sa.Integer(), nullable=False),
        sa.Column("height_px", sa.Integer(), nullable=False),
        sa.Column("file_format", sa.String(16), nullable=False),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", BIG_ID, nullable=True),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(image_type = 'normal' AND defect_type_id IS NULL)"
            " OR (image_type = 'defect' AND defect_type_id IS NOT NULL)",
            name=op.f("ck_images_defect_has_type"),
        ),
        sa.CheckConstraint("image_type IN ('normal', 'defect')", name=op.f("ck_images_image_type")),
        sa.CheckConstraint("split IN ('train', 'test')", name=op.f("ck_images_split")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_images_created_by_users")),
        sa.ForeignKeyConstraint(
            ["defect_type_id"], ["defect_types.id"], name=op.f("fk_images_defect_type_id_defect_types")
        ),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_images_product_id_products")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_images")),
        sa.UniqueConstraint("product_id", "content_sha256", name=op.f("uq_images_product_id")),
        sa.UniqueConstraint("stored_name", name=op.f("uq_images_stored_name")),
    )
    _create_index(op.f("ix_images_defect_type_id"), "images", ["defect_type_id"])
    _create_index("ix_images_listing", "images", ["product_id", "image_type", "split", "id"])
    _create_index(op.f("ix_images_pixel_sha256"), "images", ["pixel_sha256"])
    _create_table(
        "model_versions",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("scope", sa.String(64), nullable=False),
        sa.Column("product_id", BIG_ID, nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("active_key", sa.String(128), nullable=True),
        sa.Column("model_name", sa.String(190), nullable=False),
        sa.Column("object_prefix", sa.String(255), nullable=False),
        sa.Column("manifest_sha256", sa.String(64), nullable=False),
        sa.Column("byte_size", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("preprocessing", sa.JSON(), nullable=False),
        sa.Column("sources", sa.JSON(), nullable=False),
        sa.Column("metrics", sa.JSON(), nullable=False),
        sa.Column("job_id", BIG_ID, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", BIG_ID, nullable=True),
        sa.Column("activated_at", MOMENT, nullable=True),
        sa.CheckConstraint(
            "kind IN ('memory_bank', 'similarity_index', 'manual_index')", name=op.f("ck_model_versions_kind")
        ),
        sa.CheckConstraint("state IN ('candidate', 'active', 'retired')", name=op.f("ck_model_versions_state")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_model_versions_created_by_users")),
        sa.ForeignKeyConstraint(
            ["job_id"], ["deployment_logs.id"], name=op.f("fk_model_versions_job_id_deployment_logs")
        ),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_model_versions_product_id_products")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_versions")),
        sa.UniqueConstraint("active_key", name=op.f("uq_model_versions_active_key")),
        sa.UniqueConstraint("kind", "scope", "number", name=op.f("uq_model_versions_kind")),
    )
    _create_index(op.f("ix_model_versions_job_id"), "model_versions", ["job_id"])
    _create_index(op.f("ix_model_versions_product_id"), "model_versions", ["product_id"])
    _create_table(
        "threshold_settings",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("model_version_id", BIG_ID, nullable=False),
        sa.Column("review_at", sa.Double(), nullable=False),
        sa.Column("reject_at", sa.Double(), nullable=False),
        sa.Column("method", sa.String(32), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("reason", LONG_TEXT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", BIG_ID, nullable=True),
        sa.CheckConstraint("review_at <= reject_at", name=op.f("ck_threshold_settings_order")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_threshold_settings_created_by_users")),
        sa.ForeignKeyConstraint(
            ["model_version_id"],
            ["model_versions.id"],
            name=op.f("fk_threshold_settings_model_version_id_model_versions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_threshold_settings")),
    )
    _create_index(op.f("ix_threshold_settings_model_version_id"), "threshold_settings", ["model_version_id"])
    _create_table(
        "inspections",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("product_id", BIG_ID, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", BIG_ID, nullable=True),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("batch_job_id", BIG_ID, nullable=True),
        sa.Column("original_name", sa.String(255), nullable=False),
        sa.Column("image_key", sa.String(255), nullable=False),
        sa.Column("thumbnail_key", sa.String(255), nullable=False),
        sa.Column("heat_map_key", sa.String(255), nullable=False),
        sa.Column("image_sha256", sa.String(64), nullable=False),
        sa.Column("width_px", sa.Integer(), nullable=False),
        sa.Column("height_px", sa.Integer(), nullable=False),
        sa.Column("image_notes", sa.JSON(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("review_at", sa.Double(), nullable=False),
        sa.Column("reject_at", sa.Double(), nullable=False),
        sa.Column("memory_bank_version_id", BIG_ID, nullable=False),
        sa.Column("threshold_setting_id", BIG_ID, nullable=False),
        sa.Column("normal_index_version_id", BIG_ID, nullable=True),
        sa.Column("defect_index_version_id", BIG_ID, nullable=True),
        sa.Column("preprocessing", sa.JSON(), nullable=False),
        sa.Column("regions", sa.JSON(), nullable=False),
        sa.Column("nearest_image_id", sa.BigInteger(), nullable=True),
        sa.Column("nearest_image_name", sa.String(190), nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("final_verdict", sa.String(16), nullable=False),
        sa.Column("override_reason", LONG_TEXT, nullable=False),
        sa.Column("overridden_at", MOMENT, nullable=True),
        sa.Column("overridden_by", BIG_ID, nullable=True),
        sa.Column("suggested_defect_type_id", BIG_ID, nullable=True),
        sa.Column("suggestion_confidence", sa.Double(), nullable=True),
        sa.Column("final_defect_type_id", BIG_ID, nullable=True),
        sa.Column("confirmed_at", MOMENT, nullable=True),
        sa.Column("confirmed_by", BIG_ID, nullable=True),
        sa.Column("line", sa.String(64), nullable=False),
        sa.Column("lot", sa.String(64), nullable=False),
        sa.Column("serial", sa.String(64), nullable=False),
        sa.Column("shift", sa.String(32), nullable=False),
        sa.Column("action_status", sa.String(16), nullable=False),
        sa.Column("action_note", LONG_TEXT, nullable=False),
        sa.Column("action_at", MOMENT, nullable=True),
        sa.Column("action_by", BIG_ID, nullable=True),
        sa.Column("latency_ms", sa.Double(), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.CheckConstraint("action_status IN ('none', 'open', 'done')", name=op.f("ck_inspections_action_status")),
        sa.CheckConstraint("final_verdict IN ('ok', 'review', 'reject')", name=op.f("ck_inspections_final_verdict")),
        sa.CheckConstraint(
            "source IN ('upload', 'camera', 'sample', 'batch', 'cli')", name=op.f("ck_inspections_source")
        ),
        sa.CheckConstraint("verdict IN ('ok', 'review', 'reject')", name=op.f("ck_inspections_verdict")),
        sa.ForeignKeyConstraint(["action_by"], ["users.id"], name=op.f("fk_inspections_action_by_users")),
        sa.ForeignKeyConstraint(
            ["batch_job_id"], ["deployment_logs.id"], name=op.f("fk_inspections_batch_job_id_deployment_logs")
        ),
        sa.ForeignKeyConstraint(["confirmed_by"], ["users.id"], name=op.f("fk_inspections_confirmed_by_users")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_inspections_created_by_users")),
        sa.ForeignKeyConstraint(
            ["defect_index_version_id"],
            ["model_versions.id"],
            name=op.f("fk_inspections_defect_index_version_id_model_versions"),
        ),
        sa.ForeignKeyConstraint(
            ["final_defect_type_id"],
            ["defect_types.id"],
            name=op.f("fk_inspections_final_defect_type_id_defect_types"),
        ),
        sa.ForeignKeyConstraint(
            ["memory_bank_version_id"],
            ["model_versions.id"],
            name=op.f("fk_inspections_memory_bank_version_id_model_versions"),
        ),
        sa.ForeignKeyConstraint(
            ["normal_index_version_id"],
            ["model_versions.id"],
            name=op.f("fk_inspections_normal_index_version_id_model_versions"),
        ),
        sa.ForeignKeyConstraint(["overridden_by"], ["users.id"], name=op.f("fk_inspections_overridden_by_users")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_inspections_product_id_products")),
        sa.ForeignKeyConstraint(
            ["suggested_defect_type_id"],
            ["defect_types.id"],
            name=op.f("fk_inspections_suggested_defect_type_id_defect_types"),
        ),
        sa.ForeignKeyConstraint(
            ["threshold_setting_id"],
            ["threshold_settings.id"],
            name=op.f("fk_inspections_threshold_setting_id_threshold_settings"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inspections")),
    )
    _create_index("ix_inspections_action_time", "inspections", ["action_status", "created_at"])
    _create_index(op.f("ix_inspections_batch_job_id"), "inspections", ["batch_job_id"])
    _create_index(op.f("ix_inspections_created_at"), "inspections", ["created_at"])
    _create_index(op.f("ix_inspections_created_by"), "inspections", ["created_by"])
    _create_index(op.f("ix_inspections_final_defect_type_id"), "inspections", ["final_defect_type_id"])
    _create_index(op.f("ix_inspections_image_sha256"), "inspections", ["image_sha256"])
    _create_index(op.f("ix_inspections_line"), "inspections", ["line"])
    _create_index(op.f("ix_inspections_lot"), "inspections", ["lot"])
    _create_index("ix_inspections_product_time", "inspections", ["product_id", "created_at"])
    _create_index(op.f("ix_inspections_serial"), "inspections", ["serial"])
    _create_index("ix_inspections_verdict_time", "inspections", ["final_verdict", "created_at"])
    _create_table(
        "response_history",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("inspection_id", BIG_ID, nullable=True),
        sa.Column("product_id", BIG_ID, nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("model_name", sa.String(190), nullable=False),
        sa.Column("model_version_id", BIG_ID, nullable=True),
        sa.Column("passages", sa.JSON(), nullable=False),
        sa.Column("answer", LONG_TEXT, nullable=False),
        sa.Column("input_tokens", sa.Integer(), nullable=False),
        sa.Column("output_tokens", sa.Integer(), nullable=False),
        sa.Column("latency_ms", sa.Double(), nullable=False),
        sa.Column("fallback_code", sa.String(64), nullable=True),
        sa.Column("rating", sa.Integer(), nullable=True),
        sa.Column("rating_reason", LONG_TEXT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", BIG_ID, nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_response_history_created_by_users")),
        sa.ForeignKeyConstraint(
            ["inspection_id"], ["inspections.id"], name=op.f("fk_response_history_inspection_id_inspections")
        ),
        sa.ForeignKeyConstraint(
            ["model_version_id"],
            ["model_versions.id"],
            name=op.f("fk_response_history_model_version_id_model_versions"),
        ),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_response_history_product_id_products")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_response_history")),
    )
    _create_index(op.f("ix_response_history_created_at"), "response_history", ["created_at"])
    _create_index(op.f("ix_response_history_inspection_id"), "response_history", ["inspection_id"])
    _create_index(op.f("ix_response_history_product_id"), "response_history", ["product_id"])
    _create_table(
        "search_history",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("inspection_id", BIG_ID, nullable=True),
        sa.Column("product_id", BIG_ID, nullable=False),
        sa.Column("image_type", sa.String(16), nullable=False),
        sa.Column("model_version_id", BIG_ID, nullable=True),
        sa.Column("query_text", LONG_TEXT, nullable=False),
        sa.Column("top_k", sa.Integer(), nullable=False),
        sa.Column("results", sa.JSON(), nullable=False),
        sa.Column("latency_ms", sa.Double(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", BIG_ID, nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_search_history_created_by_users")),
        sa.ForeignKeyConstraint(
            ["inspection_id"], ["inspections.id"], name=op.f("fk_search_history_inspection_id_inspections")
        ),
        sa.ForeignKeyConstraint(
            ["model_version_id"],
            ["model_versions.id"],
            name=op.f("fk_search_history_model_version_id_model_versions"),
        ),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_search_history_product_id_products")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_history")),
    )
    _create_index(op.f("ix_search_history_inspection_id"), "search_history", ["inspection_id"])
    _create_index(op.f("ix_search_history_product_id"), "search_history", ["product_id"])


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)


def _create_table(name: str, *items: Any) -> None:
    if not _already_made(name, {item.name for item in items if isinstance(item, sa.Column)}):
        # SQLite would otherwise give the highest id again once its row is deleted.
        counted = any(isinstance(item, sa.Column) and item.autoincrement is True for item in items)
        op.create_table(name, *items, sqlite_autoincrement=counted, **MYSQL_OPTIONS)


def _create_index(name: str, table: str, columns: list[str]) -> None:
    if op.get_bind().dialect.name in {"mysql", "mariadb"}:
        made = {index["name"] for index in sa.inspect(op.get_bind()).get_indexes(table)}
        if str(name) in made:
            return
    op.create_index(name, table, columns)


def _already_made(name: str, columns: set[str]) -> bool:
    """Return whether an earlier run, broken off half-way, left this table: MariaDB and MySQL cannot roll DDL back.

    A table of the same name with other columns is somebody else's, and creating ours then fails as it should.
    """
    if op.get_bind().dialect.name not in {"mysql", "mariadb"}:
        return False
    inspector = sa.inspect(op.get_bind())
    return inspector.has_table(name) and {c["name"] for c in inspector.get_columns(name)} == columns
