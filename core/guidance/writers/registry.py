"""The writers that can be chosen, in the order in which they are offered."""

from __future__ import annotations

from core.guidance.writers.claude import CLAUDE
from core.guidance.writers.compatible import COMPATIBLE
from core.guidance.writers.extractive import EXTRACTIVE
from core.guidance.writers.specification import WriterSpecification
from inference.language.writers import NO_WRITER

# Takes over from any other, and is the choice while nothing else is chosen.
FALLBACK = EXTRACTIVE
_WRITERS: dict[str, WriterSpecification] = {found.name: found for found in (EXTRACTIVE, CLAUDE, COMPATIBLE)}


def register(writer: WriterSpecification) -> None:
    """Offer the writer from now on. Raises ValueError where its name is taken."""
    if writer.name in _WRITERS:
        raise ValueError(f"a writer is called {writer.name} already")
    _WRITERS[writer.name] = writer


def unregister(name: str) -> None:
    """Offer the writer no more; where it is the chosen one, the choice is that of the settings again."""
    del _WRITERS[name]


def list_writers() -> tuple[WriterSpecification, ...]:
    """Return the writers in the order in which they were registered."""
    return tuple(_WRITERS.values())


def find_writer(name: str) -> WriterSpecification | None:
    """Return the writer of this name, or None."""
    return _WRITERS.get(name)


def is_quoted(written_by: str) -> bool:
    """Return whether guidance holds the manual's own words alone; `written_by` is its model's name, "" for none."""
    writer = find_writer(written_by)
    return written_by == NO_WRITER or (writer is not None and writer.quotes)
