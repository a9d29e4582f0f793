"""The chain of changes under the verdict: who changed what, when and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import AppError
from core.inspections.follow_up.changes import describe_change, list_changes
from pages.components.shared.language import _, escape, language, moment
from pages.components.shared.session import services, show_error

if TYPE_CHECKING:
    from core.inspections.follow_up.changes import Change
    from core.inspections.records import InspectionRecord

_KNOWN = "known_changes"


def show_changes(record: InspectionRecord) -> None:
    """Draw the changes, the newest first, in a box that scrolls where they are many; nothing where there is none."""
    changes = _read(record.id)
    if not changes:
        return
    with st.container(key=f"changes_{record.id}", gap=None):
        st.markdown("\n".join(f"- {_describe(change)}" for change in reversed(changes)))


def _read(inspection_id: int) -> tuple[Change, ...]:
    """Return the changes; those known before where they cannot be read now."""
    try:
        found = list_changes(services(), inspection_id)
    except AppError as error:
        show_error(error)
        known = st.session_state.get(_KNOWN)
        return known[1] if known is not None and known[0] == inspection_id else ()
    st.session_state[_KNOWN] = (inspection_id, found)
    return found


def _describe(change: Change) -> str:
    who = escape(_(change.person_name)) if change.person_name else "–"
    return f"{moment(change.at)} · {who} · {escape(describe_change(change, language()))}"
