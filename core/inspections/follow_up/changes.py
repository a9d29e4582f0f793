"""The chain of what people changed about an inspection: who, when, what and why, read from the audit log.

The inspection's own row keeps the last decision alone; each one before it is here with the reason of its time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Literal

from sqlmodel import Session, col, select

from core.catalog.names import DefectTypeName
from core.i18n import N_, translate, translate_plural
from core.inspections.terms import VERDICT_NAMES
from core.transactions import HasDatabase, reading
from storage.json_fields import read_int, read_text
from storage.tables import AuditLog, DefectType

ChangeKind = Literal["type", "override", "action", "tick", "untick", "review", "images"]
_KINDS: dict[str, ChangeKind] = {
    "inspection.confirm_type": "type",
    "inspection.override": "override",
    "inspection.action": "action",
    "inspection.tick": "tick",
    "inspection.untick": "untick",
    "inspection.to_images": "images",
}
_REVIEW = "inspection.review"
_ACTIONS: dict[str, str] = {"done": N_("Action done"), "open": N_("Action left open")}
_REVIEWS: dict[str, str] = {"done": N_("Review confirmed"), "waiting": N_("Put back into the review queue")}


@dataclass(frozen=True)
class Change:
    """One change: who made it ("" unknown), when (UTC), and what it was.

    `verdict_before` and `verdict` are of an override; `defect_type` is of a type, None for none of the known ones;
    `status` is the action's or the review's; `text` is the reason, the note, or the name of the image that it became;
    `steps` are those ticked or taken back, one after the other by the same person.
    """

    kind: ChangeKind
    at: datetime
    person_name: str
    verdict_before: str = ""
    verdict: str = ""
    defect_type: DefectTypeName | None = None
    status: str = ""
    text: str = ""
    steps: tuple[str, ...] = ()


def list_changes(services: HasDatabase, inspection_id: int) -> tuple[Change, ...]:
    """Return what people changed about an inspection, the oldest first; nothing for one that is not there."""
    query = (
        select(AuditLog)
        .where(AuditLog.subject_type == "inspection", AuditLog.subject_id == inspection_id)
        .order_by(col(AuditLog.id))
    )
    with reading(services) as session:
        rows = session.exec(query).all()
        types = _read_types(session, rows)
    changes: list[Change] = []
    for row in rows:
        found = _read(row, types)
        if found is None:
            continue
        last = changes[-1] if changes else None
        if last is not None and found.steps and (last.kind, last.person_name) == (found.kind, found.person_name):
            changes[-1] = replace(found, steps=(*last.steps, *found.steps))
        else:
            changes.append(found)
    return tuple(changes)


def describe_change(change: Change, language: str) -> str:
    """Return what was changed, without who and when: "Verdict changed: NG → OK · “Only dust”"."""
    words = _describe(change, language)
    if change.kind == "images":
        return words
    return f"{words} · “{' '.join(change.text.split())}”" if change.text else words


def _describe(change: Change, language: str) -> str:
    _, _n = partial(translate, language), partial(translate_plural, language)
    if change.kind == "override":
        codes = [code for code in (change.verdict_before, change.verdict) if code in VERDICT_NAMES]
        return _("Verdict changed: {change}").format(change=" → ".join(_(VERDICT_NAMES[code]) for code in codes))
    if change.kind == "images":
        return _("Added to the images: {name}").format(name=change.text or "–")
    if change.kind == "type":
        name = _("none of the known types")
        if change.defect_type is not None:
            found = change.defect_type
            name = (found.name_ko if language == "ko" else found.name_en) or found.code
        return _("Defect type: {name}").format(name=name)
    if change.kind == "action":
        return _(_ACTIONS.get(change.status, change.status))
    if change.kind == "review":
        return _(_REVIEWS.get(change.status, N_("Looked at in the review queue")))
    count = len(change.steps)
    if change.kind == "tick":
        told = _n("{count} step done", "{count} steps done", count).format(count=count)
    else:
        told = _n("{count} tick taken back", "{count} ticks taken back", count).format(count=count)
    return f"{told}: {change.steps[0]}" if count == 1 else told


def _read(row: AuditLog, types: Mapping[int, DefectTypeName]) -> Change | None:
    """Return the change of a row of the audit log; None for what changes nothing that a person decides."""
    details = row.details
    kind = _KINDS.get(row.action) or ("review" if row.action.startswith(_REVIEW) else None)
    if kind is None:
        return None
    change = Change(kind, row.created_at, row.user_name)
    if kind == "override":
        before, after = _both(details, "final_verdict")
        # A reason that was the same twice is no change of the row: rows from before it was told apart lack it.
        reason = read_text(details.get("reason")) or _both(details, "override_reason")[1]
        verdict = read_text(details.get("verdict")) or after
        return replace(
            change,
            verdict_before=read_text(details.get("verdict_before")) or before,
            verdict=verdict,
            text=reason,
        )
    if kind == "type":
        type_id = _type_id(details)
        return replace(change, defect_type=types.get(type_id) if type_id is not None else None)
    if kind == "images":
        return replace(change, text=read_text(details.get("name")) or "")
    if kind == "action":
        status = read_text(details.get("status")) or _both(details, "action_status")[1] or "open"
        note = read_text(details.get("note"))
        return replace(change, status=status, text=_both(details, "action_note")[1] if note is None else note)
    if kind == "review":
        status = _both(details, "review_state")[1] or "done"
        return replace(change, status=status, text=read_text(details.get("reason")) or "")
    return replace(change, steps=(read_text(details.get("step")) or "–",))


def _both(details: Mapping[str, Any], name: str) -> tuple[str, str]:
    """Return the old and the new text of a changed column, "" where it was not changed."""
    changes = details.get("changes")
    found = changes.get(name) if isinstance(changes, dict) else None
    if not isinstance(found, list) or len(found) != 2:
        return "", ""
    return read_text(found[0]) or "", read_text(found[1]) or ""


def _type_id(details: Mapping[str, Any]) -> int | None:
    if "defect_type_id" in details:
        return read_int(details["defect_type_id"])
    changes = details.get("changes")
    found = changes.get("final_defect_type_id") if isinstance(changes, dict) else None
    return read_int(found[1]) if isinstance(found, list) and len(found) == 2 else None


def _read_types(session: Session, rows: Sequence[AuditLog]) -> dict[int, DefectTypeName]:
    ids = {found for row in rows if row.action in _KINDS and (found := _type_id(row.details)) is not None}
    if not ids:
        return {}
    named = session.exec(select(DefectType).where(col(DefectType.id).in_(ids))).all()
    return {row.id: DefectTypeName.from_row(row) for row in named}
