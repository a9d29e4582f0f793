"""What a person has typed about an inspection and not yet saved: kept, so that a reload or a crash loses no words."""

from __future__ import annotations

from typing import Literal

from sqlmodel import Session, col, delete, select

from core.access import WORKER, Person, require_role
from core.accounts.bindings import require_bound_in
from core.errors import BadInput, Conflict, NotFound
from core.transactions import HasDatabase, reading, writing
from storage.tables import Inspection, NoteDraft, utc_now

DraftField = Literal["action", "override"]
LONGEST_NOTE_CHARS = 4000


def save_draft(services: HasDatabase, person: Person, inspection_id: int, *, field: DraftField, text: str) -> None:
    """Keep what the person has typed into a field so far, in the place of what was kept of it; an empty text too.

    Nothing is decided, and nobody's save becomes stale. Raises NotAllowed, NotFound, and BadInput(`note_too_long`).
    """
    require_role(services, person, WORKER)
    if len(text) > LONGEST_NOTE_CHARS:
        raise BadInput("note_too_long", limit=LONGEST_NOTE_CHARS)
    try:
        _save(services, person, inspection_id, field, text)
    except Conflict:
        # Another tab of the same person was faster in adding the row: now it is changed.
        _save(services, person, inspection_id, field, text)


def load_drafts(services: HasDatabase, person: Person, inspection_id: int) -> dict[DraftField, str]:
    """Return what the person has typed about an inspection and not saved, by field. Raises NotAllowed."""
    require_role(services, person, WORKER)
    query = select(NoteDraft.field, NoteDraft.text).where(
        NoteDraft.inspection_id == inspection_id, NoteDraft.user_id == person.id
    )
    fields: tuple[DraftField, ...] = ("action", "override")
    with reading(services) as session:
        found = dict(session.exec(query).all())
    return {name: found[name] for name in fields if name in found}


def discard_draft(session: Session, person: Person, inspection_id: int, field: DraftField) -> None:
    """Delete the person's draft of a field in the caller's transaction: what was typed is being saved."""
    session.execute(
        delete(NoteDraft).where(
            col(NoteDraft.inspection_id) == inspection_id,
            col(NoteDraft.user_id) == person.id,
            col(NoteDraft.field) == field,
        )
    )


def _save(services: HasDatabase, person: Person, inspection_id: int, field: DraftField, text: str) -> None:
    with writing(services) as session:
        inspected = session.get(Inspection, inspection_id)
        if inspected is None:
            raise NotFound("not_found")
        require_bound_in(session, person, product_id=inspected.product_id, line=inspected.line)
        query = select(NoteDraft).where(
            NoteDraft.inspection_id == inspection_id, NoteDraft.user_id == person.id, NoteDraft.field == field
        )
        row = session.exec(query).first() or NoteDraft(inspection_id=inspection_id, user_id=person.id, field=field)
        row.text, row.saved_at = text, utc_now()
        session.add(row)
        session.commit()
