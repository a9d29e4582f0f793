"""Traceability of one inspection: everything behind its verdict, and whether its picture is still the inspected one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlmodel import Session, col, select

from core.errors import NotFound, from_lower
from core.guidance.records import WrittenGuidance, latest_guidance
from core.history.learning import LearnedImage, find_learned
from core.i18n import N_
from core.inspections.follow_up.changes import Change, list_changes
from core.inspections.records import InspectionRecord, load_record
from core.transactions import HasDatabase, HasStores, reading
from storage.object_store import ObjectStoreError
from storage.tables import Inspection, ModelVersion, ResponseHistory, SearchHistory, ThresholdSetting, User

if TYPE_CHECKING:
    from collections.abc import Iterator


MODEL_USES: dict[str, str] = {
    "memory_bank": N_("Memory bank"),
    "normal_index": N_("Index of normal images"),
    "defect_index": N_("Index of defect images"),
    "trained_model": N_("Trained model"),
    "manual_index": N_("Manual index"),
}
DEED_NAMES: dict[str, str] = {
    "inspected": N_("Inspected"),
    "type": N_("Defect type confirmed"),
    "override": N_("Verdict changed by"),
    "review": N_("Review confirmed"),
    "action": N_("Corrective action decided"),
}


@dataclass(frozen=True)
class TracedModel:
    """A model version that an inspection used.

    `use` is memory_bank, normal_index, defect_index, trained_model, or manual_index (where guidance was written).
    `manifest_sha256` is of the list of all its files with their hashes. Moments are UTC.
    """

    use: str
    version_id: int
    number: int
    model_name: str
    manifest_sha256: str
    created_at: datetime
    person_name: str


@dataclass(frozen=True)
class TracedThresholds:
    """The thresholds of the time (float32 distances): how they were found, by whom, when and why."""

    review_at: float
    reject_at: float
    method: str
    reason: str
    person_name: str
    created_at: datetime


@dataclass(frozen=True)
class Trace:
    """Everything behind one inspection. `preprocessing` is as it was stored.

    `people` are who did what (`DEED_NAMES`), and when (UTC).
    """

    record: InspectionRecord
    image_sha256: str
    image_key: str
    models: tuple[TracedModel, ...]
    thresholds: TracedThresholds
    preprocessing: dict[str, Any]
    guidance: WrittenGuidance | None
    people: tuple[tuple[str, str, datetime], ...]
    changes: tuple[Change, ...]
    learned: LearnedImage | None


@dataclass(frozen=True)
class HashCheck:
    """The SHA-256 that was kept, and that of the stored picture as it is now."""

    expected: str
    found: str

    @property
    def matches(self) -> bool:
        """Return whether the picture is the one that was inspected."""
        return self.expected == self.found


def trace(services: HasDatabase, inspection_id: int, *, language: str) -> Trace:
    """Return everything behind an inspection; its guidance in `language` where it was written in it.

    Raises NotFound.
    """
    record = load_record(services, inspection_id)
    guidance = latest_guidance(services, inspection_id, language=language) or latest_guidance(services, inspection_id)
    with reading(services) as session:
        row = session.get(Inspection, inspection_id)
        threshold = session.get(ThresholdSetting, row.threshold_setting_id) if row is not None else None
        if row is None or threshold is None:
            raise NotFound("not_found")
        written = session.get(ResponseHistory, guidance.id) if guidance is not None else None
        people = _Names(session)
        models = tuple(_models(session, row, written, people))
        return Trace(
            record=record,
            image_sha256=row.image_sha256,
            image_key=row.image_key,
            models=models,
            thresholds=TracedThresholds(
                # Of a part with several views the row has combined probabilities; these are the deciding view's.
                (row if row.fusion_setting_id is None else threshold).review_at,
                (row if row.fusion_setting_id is None else threshold).reject_at,
                threshold.method,
                threshold.reason,
                people.of(threshold.created_by),
                threshold.created_at,
            ),
            preprocessing=dict(row.preprocessing),
            guidance=guidance,
            people=tuple(_people(row, people)),
            changes=list_changes(services, inspection_id),
            learned=find_learned(services, inspection_id),
        )


def check_image(services: HasStores, inspection_id: int) -> HashCheck:
    """Compute the hash of the stored picture anew. Raises NotFound(`object_missing`), Unavailable."""
    with reading(services) as session:
        row = session.get(Inspection, inspection_id)
    if row is None:
        raise NotFound("not_found")
    try:
        data = services.objects.get(row.image_key)
    except ObjectStoreError as error:
        raise from_lower(error, name=row.original_name) from error
    return HashCheck(row.image_sha256, hashlib.sha256(data).hexdigest())


class _Names:
    """The names of people by their ids."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def of(self, user_id: int | None) -> str:
        found = self._session.get(User, user_id) if user_id is not None else None
        return found.display_name if found is not None else ""


def _models(
    session: Session, row: Inspection, written: ResponseHistory | None, people: _Names
) -> Iterator[TracedModel]:
    used: list[tuple[str, int | None]] = [
        ("memory_bank", row.memory_bank_version_id),
        ("normal_index", row.normal_index_version_id),
        ("defect_index", row.defect_index_version_id),
    ]
    searched = session.exec(select(SearchHistory).where(col(SearchHistory.inspection_id) == row.id)).all()
    known = {version_id for _use, version_id in used}
    used += [
        (f"{one.image_type}_index", one.model_version_id)
        for one in searched
        if one.model_version_id is not None and one.model_version_id not in known
    ]
    used.append(("trained_model", row.trained_version_id))
    used.append(("manual_index", written.model_version_id if written is not None else None))
    for use, version_id in used:
        version = session.get(ModelVersion, version_id) if version_id is not None else None
        if version is not None:
            yield TracedModel(
                use,
                version.id,
                version.number,
                version.model_name,
                version.manifest_sha256,
                version.created_at,
                people.of(version.created_by),
            )


def _people(row: Inspection, people: _Names) -> Iterator[tuple[str, str, datetime]]:
    """Yield who did what last, as codes of deeds: the chain of changes has the earlier ones."""
    for deed, user_id, at in (
        ("inspected", row.created_by, row.created_at),
        ("type", row.confirmed_by, row.confirmed_at),
        ("override", row.overridden_by, row.overridden_at),
        ("review", row.reviewed_by, row.reviewed_at),
        ("action", row.action_by, row.action_at),
    ):
        if at is not None:
            yield deed, people.of(user_id), at
