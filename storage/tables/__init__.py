"""The SQLModel tables: every row that Geomsa keeps.

Portable across SQLite, MariaDB/MySQL and PostgreSQL: indexed text has a length, moments are UTC, and "at most one
active version" is a unique nullable column (`active_key`) because partial indexes do not exist everywhere.

They are imported from here, all together: a table refers to others by name, and knows them only when they are loaded.
"""

from __future__ import annotations

from storage.tables.catalog import DefectType, Image, ImagePreprocessing, Manual, Product
from storage.tables.columns import METADATA, UtcDateTime, utc_now
from storage.tables.inspections import Inspection, ResponseHistory, SearchHistory
from storage.tables.models import Job, ModelParam, ModelVersion, StoredEmbedding, ThresholdSetting
from storage.tables.people import AuditLog, SignInFailure, SignInSession, User
from storage.tables.system import SystemConfig, Worker

__all__ = [
    "METADATA",
    "AuditLog",
    "DefectType",
    "Image",
    "ImagePreprocessing",
    "Inspection",
    "Job",
    "Manual",
    "ModelParam",
    "ModelVersion",
    "Product",
    "ResponseHistory",
    "SearchHistory",
    "SignInFailure",
    "SignInSession",
    "StoredEmbedding",
    "SystemConfig",
    "ThresholdSetting",
    "User",
    "UtcDateTime",
    "Worker",
    "utc_now",
]
