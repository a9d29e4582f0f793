"""A finding: something that a person must see to, and how much it presses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from core.catalog.names import ProductName
from core.errors import AppError
from core.registry.weak_models import WeakModel

FindingKind = Literal[
    "disk_low",
    "worker_missing",
    "folder_failed",
    "delivery_failed",
    "report_failed",
    "job_failed",
    "drift",
    "weak_on_test",
    "candidate",
    "out_of_date",
    "actions_overdue",
    "review_waiting",
    "set_apart",
]
Urgency = Literal["fault", "warning", "task"]
# In this order they are told.
URGENCY: dict[FindingKind, Urgency] = {
    "disk_low": "fault",
    "worker_missing": "fault",
    "folder_failed": "fault",
    "delivery_failed": "fault",
    "report_failed": "fault",
    "job_failed": "fault",
    "drift": "warning",
    "weak_on_test": "warning",
    "candidate": "warning",
    "out_of_date": "warning",
    "actions_overdue": "task",
    "review_waiting": "task",
    "set_apart": "task",
}


@dataclass(frozen=True)
class Finding:
    """Something that a person must see to.

    `count` is of what its kind says: bytes that are free, messages, products, inspections, images. `products` are those
    that it is about, `by_kind` the products by the kind of model where it is about models. `subject` is the path of a
    folder, the name of a target, or the kind of a job; `since` when it began, where that is known.
    """

    kind: FindingKind
    count: int = 0
    products: tuple[ProductName, ...] = ()
    by_kind: Mapping[str, tuple[ProductName, ...]] = field(default_factory=dict)
    subject: str = ""
    subject_id: int | None = None
    since: datetime | None = None
    error: AppError | None = None
    weak: WeakModel | None = None

    @property
    def urgency(self) -> Urgency:
        """Return whether something is down, works less well than it should, or waits for a person."""
        return URGENCY[self.kind]
