"""The SQLModel tables: every row that Geomsa keeps.

Portable across SQLite, MariaDB/MySQL and PostgreSQL: indexed text has a length, moments are UTC, and "at most one
active version" is a unique nullable column (`active_key`) because partial indexes do not exist everywhere.

They are imported from here, all together: a table refers to others by name, and knows them only when they are loaded.
"""

from __future__ import annotations

from storage.tables.api import ApiAnswer, ApiKey
from storage.tables.backups import Backup
from storage.tables.batches import Batch, BatchItem
from storage.tables.catalog import DefectType, Image, ImagePreprocessing, Manual, Product
from storage.tables.columns import METADATA, UtcDateTime, utc_now
from storage.tables.comparisons import (
    Comparison,
    DatasetVersion,
    DatasetVersionImage,
    MethodModel,
    Prediction,
    PromptTemplate,
    SecondOpinion,
)
from storage.tables.gauge import GaugeAppraiser, GaugePart, GaugeRating, GaugeStudy, GaugeTrial
from storage.tables.imports import ImageImport, ImageImportItem
from storage.tables.inspections import ChecklistTick, Inspection, NoteDraft, ResponseHistory, SearchHistory
from storage.tables.measurements import InspectionCost, TestMeasurement, TestScore
from storage.tables.models import Job, ModelParam, ModelVersion, StoredEmbedding, ThresholdSetting
from storage.tables.people import (
    AuditChain,
    AuditLog,
    SignInCode,
    SignInFailure,
    SignInSession,
    User,
    UserBinding,
)
from storage.tables.regions import ImageBox, TrashedImage
from storage.tables.reports import ReportRun, ReportSchedule
from storage.tables.rollups import DayCount, DetailCount
from storage.tables.system import SystemConfig, Worker
from storage.tables.training import (
    Adapter,
    Conversation,
    ConversationTurn,
    RunEpoch,
    TrackedRun,
    TrackingEvent,
    TrainingRun,
)
from storage.tables.views import FusionSetting, InspectionView, ProductView
from storage.tables.watching import Delivery, DeliveryTarget, WatchFile, WatchFolder

__all__ = [
    "METADATA",
    "Adapter",
    "ApiAnswer",
    "ApiKey",
    "AuditChain",
    "AuditLog",
    "Backup",
    "Batch",
    "BatchItem",
    "ChecklistTick",
    "Comparison",
    "Conversation",
    "ConversationTurn",
    "DatasetVersion",
    "DatasetVersionImage",
    "DayCount",
    "DefectType",
    "Delivery",
    "DeliveryTarget",
    "DetailCount",
    "FusionSetting",
    "GaugeAppraiser",
    "GaugePart",
    "GaugeRating",
    "GaugeStudy",
    "GaugeTrial",
    "Image",
    "ImageBox",
    "ImageImport",
    "ImageImportItem",
    "ImagePreprocessing",
    "Inspection",
    "InspectionCost",
    "InspectionView",
    "Job",
    "Manual",
    "MethodModel",
    "ModelParam",
    "ModelVersion",
    "NoteDraft",
    "Prediction",
    "Product",
    "ProductView",
    "PromptTemplate",
    "ReportRun",
    "ReportSchedule",
    "ResponseHistory",
    "RunEpoch",
    "SearchHistory",
    "SecondOpinion",
    "SignInCode",
    "SignInFailure",
    "SignInSession",
    "StoredEmbedding",
    "SystemConfig",
    "TestMeasurement",
    "TestScore",
    "ThresholdSetting",
    "TrackedRun",
    "TrackingEvent",
    "TrainingRun",
    "TrashedImage",
    "User",
    "UserBinding",
    "UtcDateTime",
    "WatchFile",
    "WatchFolder",
    "Worker",
    "utc_now",
]
