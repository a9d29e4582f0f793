"""Files that a button of the page hands over: made when it is pressed, and then kept in the audit log."""

from __future__ import annotations

from collections.abc import Callable

from core.outgoing import note_export
from pages.components.shared.session import person, services


def noted(
    make: Callable[[], bytes], what: str, *, subject_type: str = "export", subject_id: int | None = None, **details: str
) -> Callable[[], bytes]:
    """Return what makes the file and keeps in the audit log that this person got it, as `export.{what}`."""
    # Asked for now: the button is pressed outside of a run.
    at, who = services(), person()

    def make_and_note() -> bytes:
        data = make()
        note_export(at, who, what, subject_type=subject_type, subject_id=subject_id, **details)
        return data

    return make_and_note
