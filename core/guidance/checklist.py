"""The corrective steps as a checklist: who carried out which step when, and which steps went with which defect before.

A step is known by its text, not by the writing it stands in: written again, the same words keep their tick.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from sqlmodel import Session, col, func, select

from core.access import WORKER, require_role
from core.accounts.bindings import require_bound_in
from core.audit import record
from core.errors import BadInput, Conflict, NotFound
from core.inspections.terms import STEP_TITLES
from core.transactions import HasDatabase, reading, writing
from storage.tables import ChecklistTick, Inspection, User

if TYPE_CHECKING:
    from core.access import Person
    from inference.language.guidance import Section

LONGEST_STEP_CHARS = 2000
_NOT_NEEDED = "cause"


@dataclass(frozen=True)
class Tick:
    """A step that was carried out: its key and text, the section it stood in, when (UTC), and by whom ("" unknown)."""

    step_key: str
    text: str
    section: str
    at: datetime
    person_name: str


@dataclass(frozen=True)
class PastCases:
    """How many closed cases of a defect type there are, and in how many of them each step was carried out, by key."""

    n_closed: int = 0
    n_done: Mapping[str, int] = field(default_factory=dict)


def make_step_key(text: str) -> str:
    """Return what a step is known by: the SHA-256 of its words, whatever the spaces, letters' forms and end stop."""
    words = " ".join(unicodedata.normalize("NFKC", text).casefold().split()).rstrip(" .。")
    return hashlib.sha256(words.encode()).hexdigest()


def steps_to_do(sections: Sequence[Section]) -> frozenset[str]:
    """Return the keys of the steps that are to be carried out.

    Likely causes can be ticked too, for what it was; nobody has to tick them. Where there is nothing else, they count.
    """
    keys = {name: [make_step_key(step.text) for step in steps] for name, steps in ((s.name, s.steps) for s in sections)}
    needed = frozenset(key for name, found in keys.items() if name != _NOT_NEEDED for key in found)
    return needed or frozenset(key for found in keys.values() for key in found)


def tick_step(services: HasDatabase, person: Person, inspection_id: int, *, section: str, text: str) -> Tick:
    """Record a step as carried out, now and by this person; one that is ticked already stays as it is.

    Raises NotAllowed, NotFound, and BadInput(`checklist_step_invalid`) for no text, too long a one or no section.
    """
    require_role(services, person, WORKER)
    words = text.strip()
    if section not in STEP_TITLES or not words or len(words) > LONGEST_STEP_CHARS:
        raise BadInput("checklist_step_invalid")
    try:
        return _tick(services, person, inspection_id, section, words)
    except Conflict:
        # Somebody else ticked the same step at the same moment: theirs is found now.
        return _tick(services, person, inspection_id, section, words)


def untick_step(services: HasDatabase, person: Person, inspection_id: int, *, step_key: str) -> None:
    """Take a tick back; the audit log keeps whose it was. Nothing happens where there is none.

    Raises NotAllowed and NotFound.
    """
    require_role(services, person, WORKER)
    with writing(services) as session:
        _require_inspection(session, person, inspection_id)
        found = _find(session, inspection_id, step_key)
        if found is None:
            return
        tick = _describe(found, _name_person(session, found.ticked_by))
        record(
            session,
            person,
            "inspection.untick",
            "inspection",
            inspection_id,
            step=tick.text,
            section=tick.section,
            step_key=tick.step_key,
            ticked_by=tick.person_name,
            ticked_at=tick.at.isoformat(),
        )
        session.delete(found)
        session.commit()


def list_ticks(services: HasDatabase, inspection_id: int) -> dict[str, Tick]:
    """Return the ticks of an inspection by the key of their step, the oldest first."""
    query = (
        select(ChecklistTick, User.display_name)
        .join(User, isouter=True, onclause=col(User.id) == col(ChecklistTick.ticked_by))
        .where(ChecklistTick.inspection_id == inspection_id)
        .order_by(col(ChecklistTick.id))
    )
    with reading(services) as session:
        return {row.step_key: _describe(row, name or "") for row, name in session.exec(query).all()}


def count_past_cases(
    services: HasDatabase, *, product_id: int, defect_type_id: int, step_keys: Sequence[str], without: int | None = None
) -> PastCases:
    """Return in how many closed cases of a product's confirmed defect type each of the steps was carried out.

    A case is closed when its action is done. The inspection `without` is not counted.
    """
    closed = [
        Inspection.product_id == product_id,
        Inspection.final_defect_type_id == defect_type_id,
        Inspection.action_status == "done",
        Inspection.id != without,
    ]
    with reading(services) as session:
        n_closed = session.exec(select(func.count()).select_from(Inspection).where(*closed)).one()
        if not n_closed or not step_keys:
            return PastCases(n_closed)
        rows = session.exec(
            select(ChecklistTick.step_key, func.count())
            .join(Inspection, col(Inspection.id) == col(ChecklistTick.inspection_id))
            .where(col(ChecklistTick.step_key).in_(set(step_keys)), *closed)
            .group_by(col(ChecklistTick.step_key))
        ).all()
    return PastCases(n_closed, dict(rows))


def _tick(services: HasDatabase, person: Person, inspection_id: int, section: str, text: str) -> Tick:
    key = make_step_key(text)
    with writing(services) as session:
        _require_inspection(session, person, inspection_id)
        found = _find(session, inspection_id, key)
        if found is not None:
            return _describe(found, _name_person(session, found.ticked_by))
        row = ChecklistTick(
            inspection_id=inspection_id, step_key=key, section=section, step_text=text, ticked_by=person.id
        )
        session.add(row)
        record(
            session,
            person,
            "inspection.tick",
            "inspection",
            inspection_id,
            step=text,
            section=section,
            step_key=key,
        )
        session.commit()
        return _describe(row, person.display_name)


def _require_inspection(session: Session, person: Person, inspection_id: int) -> None:
    row = session.get(Inspection, inspection_id)
    if row is None:
        raise NotFound("not_found")
    require_bound_in(session, person, product_id=row.product_id, line=row.line)


def _find(session: Session, inspection_id: int, step_key: str) -> ChecklistTick | None:
    query = select(ChecklistTick).where(
        ChecklistTick.inspection_id == inspection_id, ChecklistTick.step_key == step_key
    )
    return session.exec(query).first()


def _name_person(session: Session, user_id: int | None) -> str:
    user = session.get(User, user_id) if user_id is not None else None
    return user.display_name if user is not None else ""


def _describe(row: ChecklistTick, person_name: str) -> Tick:
    return Tick(row.step_key, row.step_text, row.section, row.ticked_at, person_name)
