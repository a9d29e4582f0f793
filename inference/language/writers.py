"""Writers of guidance, and the one that always works when another one does not."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from inference.errors import WriterError
from inference.language.extractive import ExtractiveWriter
from inference.language.guidance import Finding, Guidance, Piece
from inference.language.passages import Passage
from inference.language.quoting.scope import scope_passages
from inference.language.untrusted import gives_orders

# What a writer gets: more makes the response slower and no better, because the best passages come first.
MAX_WRITTEN_FROM = 8
# Also the name in the history when there was nothing to write from.
NO_WRITER = ""


class Writer(Protocol):
    """Writes the steps for a finding from passages of the manual."""

    @property
    def name(self) -> str:
        """Return which model writes, as the history keeps it."""
        ...

    def write(self, finding: Finding, passages: Sequence[Passage]) -> Iterator[Piece]:
        """Yield steps as they are ready, last the guidance; citations count `passages` from 1. Raises WriterError."""
        ...


def hold_back(passages: Sequence[Passage]) -> tuple[list[Passage], list[Passage]]:
    """Return the passages that writers may read, and those that give a language model orders, which they may not."""
    kept: list[Passage] = []
    barred: list[Passage] = []
    for passage in passages:
        (barred if gives_orders("\n".join((*passage.heading, passage.text))) else kept).append(passage)
    return kept[:MAX_WRITTEN_FROM], barred


def write(writer: Writer, finding: Finding, passages: Sequence[Passage]) -> Iterator[Piece]:
    """Yield what `writer` writes; where it fails, what the manual itself says, with the reason as `fallback_code`.

    Where no passage may be quoted for this defect nothing is asked, and the guidance has no sections.
    """
    if not scope_passages(finding, passages):
        yield Piece(guidance=Guidance((), NO_WRITER))
        return
    started = time.perf_counter()
    try:
        yield from writer.write(finding, passages)
    except WriterError as error:
        yield Piece(fallback_code=error.code)
        for piece in ExtractiveWriter().write(finding, passages):
            if piece.guidance is None:
                yield piece
                continue
            # The time and the tokens of the attempt were spent all the same.
            made = replace(
                piece.guidance,
                fallback_code=error.code,
                input_tokens=error.params.get("input_tokens", 0),
                output_tokens=error.params.get("output_tokens", 0),
                left_out=error.params.get("left_out", 0),
                latency_ms=(time.perf_counter() - started) * 1000.0,
            )
            yield Piece(guidance=made)
