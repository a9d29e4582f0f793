"""Whose steps a worker is shown from manual pages of every kind: tables, columns, turns, watermarks, fonts.

    python -m benchmarks.bench_pages [--pages 200] [--seed 7000] [--show] [--kinds usual|further|all] [--documents]

Draws manuals (manual_pages.py, manual_kinds.py) in Korean and English, reads, splits and indexes them, and asks for
each of their defects what an inspection asks, once without and once with the names of the others known to the product.
With `--documents` the manuals are HTML (manual_documents.py), printed by each of the programs that are installed.
`foreign` counts the steps shown for a defect that are another's, `own` the share of
the defect's own steps that are shown; pages without letters (fonts without a character map) are not asked for.
`mixed_rows` counts table rows and `uncertain` passages as they were read, whatever is shown of them.
Prints progress to stderr and one JSON object as the last line of stdout.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

from benchmarks.manual_documents import PRODUCERS, make_document
from benchmarks.manual_kinds import FURTHER, WATERMARKS
from benchmarks.manual_pages import DefectTruth, GeneratedManual, set_manual
from inference.language.extractive import collect_sections
from inference.language.guidance import Finding
from inference.language.passages import Passage, split_passages
from inference.language.pdf_text import PdfText, read_pdf
from inference.language.quoting.scope import choose_passages
from inference.language.retrieval import ManualIndex, Query
from inference.language.sentence_encoder import open_encoder
from inference.language.writers import MAX_WRITTEN_FROM

PAGES_EACH = 8
# As core/guidance/passages.py asks: more than is shown.
SEARCHED = 40
QUESTIONS = {"ko": "{name} 불량의 원인과 조치 방법", "en": "cause and corrective action for {name}"}


@dataclass
class Tally:
    """What was counted over the manuals."""

    defects: int = 0
    wanted: int = 0
    shown: int = 0
    foreign: int = 0
    mixed_rows: int = 0
    uncertain: int = 0
    passages: int = 0
    pages: int = 0
    unreadable_missed: int = 0
    readable_lost: int = 0
    read_s: float = 0.0
    wanted_by_kind: Counter[str] = field(default_factory=Counter)
    shown_by_kind: Counter[str] = field(default_factory=Counter)
    foreign_by_kind: Counter[str] = field(default_factory=Counter)

    def to_json(self) -> dict[str, Any]:
        """Return the figures."""
        return {
            "pages": self.pages,
            "defects": self.defects,
            "steps": self.wanted,
            "foreign": self.foreign,
            "own": round(self.shown / max(1, self.wanted), 4),
            "mixed_rows": self.mixed_rows,
            "uncertain": self.uncertain,
            "passages": self.passages,
            "unreadable_missed": self.unreadable_missed,
            "readable_lost": self.readable_lost,
            "read_pages_per_s": round(self.pages / max(self.read_s, 1e-9), 1),
            "foreign_by_kind": dict(self.foreign_by_kind),
            "own_by_kind": {
                kind: round(self.shown_by_kind[kind] / count, 2)
                for kind, count in sorted(self.wanted_by_kind.items())
                if self.shown_by_kind[kind] < count
            },
        }


def measure(manual: GeneratedManual, tally: Tally, *, show: bool = False) -> None:
    """Count what is shown for each defect of a manual."""
    started = time.perf_counter()
    text = read_pdf(manual.content)
    passages = split_passages(text, source_id=1)
    tally.read_s += time.perf_counter() - started
    tally.pages += text.page_count
    _count_pages(text, manual, tally)
    tally.passages += len(passages)
    tally.uncertain += sum(not passage.certain for passage in passages)
    owners: dict[str, list[DefectTruth]] = {}
    for defect in manual.defects:
        for step in (*defect.causes, *defect.actions, *defect.also):
            owners.setdefault(squeeze(step), []).append(defect)
    _count_rows(passages, owners, tally, show=show)
    index = ManualIndex.build(passages, open_encoder())
    for defect in manual.defects:
        if defect.is_readable:
            others = tuple((other.name,) for other in manual.defects if other is not defect)
            for known in ((), others):
                _ask(index, defect, owners, manual.language, tally, known, show=show)


def _count_pages(text: PdfText, manual: GeneratedManual, tally: Tally) -> None:
    for page in text.pages:
        if page.number in manual.unreadable_pages:
            tally.unreadable_missed += page.has_text
        else:
            tally.readable_lost += not page.has_text


def _count_rows(passages: list[Passage], owners: dict[str, list[DefectTruth]], tally: Tally, *, show: bool) -> None:
    """Count rows of tables that are certain and hold the steps of more than one defect, or of one they do not name."""
    for passage in passages:
        if passage.kind != "table" or not passage.certain:
            continue
        for row in passage.text.splitlines():
            if not row.partition("|")[0].strip():
                continue  # goes on from the page before: it says of no defect that it is its own
            bare = squeeze(row)
            found = [defects for step, defects in owners.items() if step in bare]
            names = {defects[0].name for defects in found if len(defects) == 1}
            if _is_for_one_defect(passage) and (len(names) > 1 or any(squeeze(name) not in bare for name in names)):
                tally.mixed_rows += 1
                if show:
                    say("mixed row", passage.page, row)


def _ask(
    index: ManualIndex,
    defect: DefectTruth,
    owners: dict[str, list[DefectTruth]],
    language: Literal["ko", "en"],
    tally: Tally,
    others: tuple[tuple[str, ...], ...],
    *,
    show: bool,
) -> None:
    finding = Finding(
        product="part",
        verdict="reject",
        score=2.0,
        review_at=0.5,
        reject_at=1.0,
        language=language,
        defect_name_ko=defect.name,
        defect_name_en=defect.name,
        defect_code=defect.name,
        other_defects=others,
    )
    query = Query(QUESTIONS[language].format(name=defect.name), finding.defect_terms, language)
    result = index.search(query, k=SEARCHED)
    hits = [hit.passage for hit in result.hits] if result.found else []
    passages = choose_passages(finding, hits, at_most=MAX_WRITTEN_FROM)
    shown = squeeze(" ".join(step.text for section in collect_sections(finding, passages) for step in section.steps))
    tally.defects += 1
    wanted = {squeeze(step) for step in (*defect.causes, *defect.actions)}
    for step, whose in owners.items():
        if defect in whose and step not in wanted:
            continue
        owner, is_own = whose[0], defect in whose
        tally.wanted += is_own
        tally.wanted_by_kind[defect.kind] += is_own
        if step not in shown:
            if is_own and show:
                say("not shown", defect.kind, "page", defect.page, defect.name, "|", step)
            continue
        tally.shown += is_own
        tally.shown_by_kind[defect.kind] += is_own
        if not is_own:
            tally.foreign += 1
            tally.foreign_by_kind[f"{defect.kind} < {owner.kind}"] += 1
            if show:
                say("FOREIGN", defect.kind, "page", defect.page, defect.name, "< page", owner.page, owner.name, step)


def _is_for_one_defect(passage: Passage) -> bool:
    """Return whether each row of a table is about one defect: its first row is a head that says so."""
    head = passage.text.splitlines()[0]
    return any(word in head for word in ("원인", "Cause")) and any(word in head for word in ("조치", "Action"))


def squeeze(text: str) -> str:
    """Return the letters and figures alone: how lines were broken is not what is measured."""
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def say(*words: object) -> None:
    """Write to stderr."""
    print(*words, file=sys.stderr, flush=True)


def run(pages: int, seed: int, *, kinds: str = "all", show: bool = False) -> Tally:
    """Return what is counted over so many pages, half of them Korean, and with `all` half of them of each set."""
    tally = Tally()
    for number in range(-(-pages // PAGES_EACH)):
        language: Literal["ko", "en"] = "ko" if number % 2 == 0 else "en"
        is_further = kinds == "further" or (kinds == "all" and number % 4 > 1)
        options: dict[str, Any] = {"kinds": FURTHER, "watermarks": WATERMARKS} if is_further else {}
        manual = set_manual(seed + number, pages=PAGES_EACH, language=language, **options)
        if show:
            say("--- manual", seed + number, manual.language)
        measure(manual, tally, show=show)
    return tally


def run_documents(count: int, seed: int, *, show: bool = False) -> dict[str, Any]:
    """Return the figures of so many documents of each program that is installed."""
    figures: dict[str, Any] = {}
    for producer in PRODUCERS:
        tally = Tally()
        made = 0
        for number in range(seed, seed + count):
            manual = make_document(number, producer)
            if manual is None:
                continue
            made += 1
            if show:
                say("--- document", producer, number, manual.language)
            measure(manual, tally, show=show)
        if made:
            figures[producer] = {"documents": made, **tally.to_json()}
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7000)
    parser.add_argument("--kinds", choices=("usual", "further", "all"), default="all")
    parser.add_argument("--documents", action="store_true", help="print HTML with the programs that are installed")
    parser.add_argument("--show", action="store_true", help="name each step that is shown or missing wrongly")
    options = parser.parse_args()
    if options.documents:
        figures = run_documents(-(-options.pages // PAGES_EACH), options.seed, show=options.show)
    else:
        figures = run(options.pages, options.seed, kinds=options.kinds, show=options.show).to_json()
    print(json.dumps(figures, ensure_ascii=False))


if __name__ == "__main__":
    main()
