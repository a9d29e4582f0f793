"""Notes on images and masks in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from core.i18n import translate
from core.images.records import FileOutcome
from core.messages.image_notes import IMAGE_NOTES, TO_CHECK


def describe_note(code: str, language: str, *, mask_share: float | None = None) -> str:
    """Return the sentence of a note in `language`; the code itself where it has none."""
    if code not in IMAGE_NOTES:
        return code
    percent = "–" if mask_share is None else f"{mask_share * 100:.0f}"
    return translate(language, IMAGE_NOTES[code]).replace("{percent}", percent)


def notes_to_check(notes: Iterable[str]) -> tuple[str, ...]:
    """Return those of the notes that a person should look at."""
    return tuple(note for note in notes if note in TO_CHECK)


def gather_to_check(outcomes: Sequence[FileOutcome]) -> Mapping[str, list[FileOutcome]]:
    """Return the files that were taken in and should be looked at, by the code of their note."""
    found: dict[str, list[FileOutcome]] = {}
    for outcome in outcomes:
        for note in notes_to_check(outcome.notes) if outcome.outcome == "added" else ():
            found.setdefault(note, []).append(outcome)
    return found
