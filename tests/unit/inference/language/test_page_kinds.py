"""Kinds of pages that real manuals have: whose steps are shown of cards, boxes, nested lists, footnotes, side heads."""

from __future__ import annotations

import pytest

from benchmarks.bench_pages import Tally, measure
from benchmarks.manual_kinds import FURTHER, WATERMARKS
from benchmarks.manual_pages import Language, set_manual

SEEDS: tuple[tuple[int, Language], ...] = ((61, "ko"), (63, "en"))


@pytest.mark.parametrize("kind", FURTHER)
def test_of_each_kind_no_step_of_another_defect_is_shown(kind: str) -> None:
    # A page that goes on needs one behind it, so another kind stands beside it.
    goes_on = kind.endswith(">")
    kinds = {kind: FURTHER[kind], "bullets": FURTHER["bullets"]} if goes_on else {kind: FURTHER[kind]}
    tally = Tally()
    for seed, language in SEEDS:
        pages = 3 if goes_on else 1
        measure(set_manual(seed, pages=pages, language=language, kinds=kinds, watermarks=WATERMARKS), tally)
    assert (tally.foreign, tally.mixed_rows, tally.readable_lost) == (0, 0, 0)
    assert tally.shown >= 0.5 * tally.wanted > 0
