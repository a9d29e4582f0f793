"""What a person types about an inspection is kept as it is typed: a reload or a crash brings it back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import AppError
from core.inspections.follow_up.drafts import load_drafts, save_draft
from pages.components.inspection.shown_result import refuse
from pages.components.shared.session import person, services

if TYPE_CHECKING:
    from core.inspections.follow_up.drafts import DraftField
    from core.inspections.records import InspectionRecord

_DRAFTS = "note_drafts"


def drafts_of(inspection_id: int) -> dict[DraftField, str]:
    """Return what this person typed about the inspection and did not save; asked of the database once a result."""
    kept = st.session_state.get(_DRAFTS)
    if kept is None or kept[0] != inspection_id:
        try:
            kept = (inspection_id, load_drafts(services(), person(), inspection_id))
        except AppError:
            return {}  # the panel says already that the database does not answer
        st.session_state[_DRAFTS] = kept
    found: dict[DraftField, str] = kept[1]
    return found


def keep_draft(record: InspectionRecord, field: DraftField, key: str) -> None:
    text = str(st.session_state.get(key) or "")
    try:
        save_draft(services(), person(), record.id, field=field, text=text)
    except AppError as error:
        refuse(record, error)
        return
    drafts_of(record.id)[field] = text


def forget_draft(inspection_id: int, field: DraftField) -> None:
    drafts_of(inspection_id).pop(field, None)
