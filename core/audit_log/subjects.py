"""What the rows of the audit log are about, by its name as it is now; else by the name that the row kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlmodel import col, select

from core.transactions import HasDatabase, reading
from storage.tables import (
    ApiKey,
    AuditLog,
    DefectType,
    DeliveryTarget,
    GaugeStudy,
    Image,
    Manual,
    ModelVersion,
    Product,
    ProductView,
    ReportSchedule,
    TrainingRun,
    User,
    WatchFolder,
)

Subject = tuple[str, int]
_COLUMNS: dict[str, tuple[Any, Any]] = {
    "api_key": (ApiKey.id, ApiKey.name),
    "defect_type": (DefectType.id, DefectType.code),
    "delivery_target": (DeliveryTarget.id, DeliveryTarget.name),
    "gauge_study": (GaugeStudy.id, GaugeStudy.name),
    "image": (Image.id, Image.stored_name),
    "manual": (Manual.id, Manual.original_name),
    "model_version": (ModelVersion.id, ModelVersion.number),
    "product": (Product.id, Product.code),
    "product_view": (ProductView.id, ProductView.code),
    "report_schedule": (ReportSchedule.id, ReportSchedule.name),
    "training_run": (TrainingRun.id, TrainingRun.name),
    "user": (User.id, User.login),
    "watch_folder": (WatchFolder.id, WatchFolder.path),
}
# Kinds that are numbered by the product that they belong to.
_OF_PRODUCT = {"inspection_cost": "product"}
# Where a row itself says what it was about.
_KEPT_NAMES = ("name", "code", "login", "title", "path", "file", "prefix", "place")


def name_subjects(services: HasDatabase, rows: Sequence[AuditLog]) -> dict[Subject, str]:
    """Return the names of what `rows` are about, one query for each kind; what is gone keeps the row's own words."""
    wanted: dict[str, set[int]] = defaultdict(set)
    names: dict[Subject, str] = {}
    for row in rows:
        if row.subject_id is None:
            continue
        if (kept := name_in(row.details)) and (row.subject_type, row.subject_id) not in names:
            names[row.subject_type, row.subject_id] = kept
        wanted[_OF_PRODUCT.get(row.subject_type, row.subject_type)].add(row.subject_id)
    with reading(services) as session:
        for kind, ids in wanted.items():
            if kind not in _COLUMNS:
                continue
            number, name = _COLUMNS[kind]
            found = session.exec(select(col(number), col(name)).where(col(number).in_(ids))).all()
            for subject_id, now in found:
                for stands_for in [kind, *(other for other, same in _OF_PRODUCT.items() if same == kind)]:
                    names[stands_for, subject_id] = f"v{now}" if kind == "model_version" else str(now)
    return names


def name_in(details: Mapping[str, Any]) -> str:
    """Return the name that a row itself holds, "" for none."""
    for name in _KEPT_NAMES:
        found = details.get(name)
        if isinstance(found, str) and found:
            return found
    return ""
