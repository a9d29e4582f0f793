"""The writer without a model: the manual's own steps for this defect, quoted, ordered by section, each once.

Nothing is rephrased, so nothing can be invented. It needs no network and serves where every other writer fails.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence

from inference.language.citations import MAX_STEP_CHARS, find_heading, share_of_words
from inference.language.guidance import (
    MAX_STEPS_PER_SECTION,
    SECTION_NAMES,
    Finding,
    Guidance,
    Piece,
    Section,
    SectionName,
    Step,
)
from inference.language.passages import Passage
from inference.language.untrusted import gives_orders, plain, without_markup

EXTRACTIVE = "extractive"
_ALREADY_SAID = 0.8
_SHORTEST_STEP_CHARS = 6
# Words by which a heading, or a sentence without one, tells its section. The first that fits counts.
_SIGNS: tuple[tuple[SectionName, re.Pattern[str]], ...] = (
    ("prevention", re.compile(r"재발|예방|방지|정기|주기|prevent|recurr|periodic|maintenance|schedule", re.I)),
    ("cause", re.compile(r"원인|발생\s*(이유|요인)|기인|cause|reason|due to|origin", re.I)),
    (
        "action",
        re.compile(
            r"조치|대응|대처|처리|즉시|격리|응급|immediate|action|response|containment|remedy|correct|repair", re.I
        ),
    ),
    (
        "check",
        re.compile(r"확인|점검|검사|검증|측정|판정|기준|check|verif|inspect|measure|confirm|criteri|accept", re.I),
    ),
)
_ITEM = re.compile(r"^\s*(?:[-*•·▪◦–—※]|\(?\d{1,2}[.)](?!\d)|[①-⑳]|[가-하][.)]|step\s*\d+\s*[:.)]?)\s*", re.I)
_SENTENCE_END = re.compile(r"(?<=[.!?。])\s+(?=[^\s\d])")
_HANGUL, _LATIN_WORD = re.compile("[가-힣]"), re.compile("[A-Za-z]{2,}")
_WORDS_OF_A_SENTENCE = 3
_CELL = re.compile(r"\s*[|\t]\s*")


class ExtractiveWriter:
    """Quotes the passages. Safe for threads."""

    name = EXTRACTIVE

    def write(self, finding: Finding, passages: Sequence[Passage]) -> Iterator[Piece]:
        """Yield the steps section by section, and last the guidance."""
        started = time.perf_counter()
        sections = collect_sections(finding, passages)
        for section in sections:
            for step in section.steps:
                yield Piece(section=section.name, step=step)
        latency_ms = (time.perf_counter() - started) * 1000.0
        yield Piece(guidance=Guidance(sections, self.name, latency_ms=latency_ms))


def collect_sections(finding: Finding, passages: Sequence[Passage]) -> tuple[Section, ...]:
    """Return the manual's steps: of passages that name the defect first, then in the order they were found."""
    numbered = [(n, p) for n, p in enumerate(passages, start=1) if not gives_orders(" ".join((*p.heading, p.text)))]
    about = [(n, p) for n, p in numbered if _names_defect(p, finding.defect_terms)]
    # Steps of another defect would be wrong here, and worse than none: they count only where nothing names this one.
    found = [
        (section, text, number)
        for number, passage in about or numbered
        for section, text in split_steps(passage, finding.defect_terms)
    ]
    # A manual in the reader's language says it better than another one's stray sentence among its steps.
    spoken = {section for section, text, _number in found if not _is_foreign(text, finding.language)}
    found = [step for step in found if step[0] not in spoken or not _is_foreign(step[1], finding.language)]
    # What no heading and no word places is mostly prose about the defect: a step only where the manual has no other.
    has_steps = any(section == "action" for section, _text, _number in found)
    steps: dict[SectionName, list[Step]] = {name: [] for name in SECTION_NAMES}
    for section, text, number in found:
        if section is None and has_steps:
            continue
        kept = steps[section or "action"]
        if len(kept) < MAX_STEPS_PER_SECTION and not _is_said(text, steps):
            kept.append(Step(text, (number,), True))
    return tuple(Section(name, tuple(steps[name])) for name in SECTION_NAMES if steps[name])


def _is_foreign(text: str, language: str) -> bool:
    """Return whether the words are of the other language; figures and codes are of none."""
    is_korean = bool(_HANGUL.search(text))
    return is_korean if language == "en" else not is_korean and len(_LATIN_WORD.findall(text)) >= _WORDS_OF_A_SENTENCE


def _names_defect(passage: Passage, terms: Sequence[str]) -> bool:
    text = _squeeze(" ".join((*passage.heading, passage.text)))
    return any(_squeeze(term) in text for term in terms if len(_squeeze(term)) >= 2)


def _is_said(text: str, steps: dict[SectionName, list[Step]]) -> bool:
    said = [step.text for kept in steps.values() for step in kept]
    return any(
        _squeeze(text) == _squeeze(other)
        or min(share_of_words(text, other), share_of_words(other, text)) >= _ALREADY_SAID
        for other in said
    )


def split_steps(passage: Passage, terms: Sequence[str] = ()) -> Iterator[tuple[SectionName | None, str]]:
    """Yield the steps of one passage, word for word, with their sections; None where nothing tells the section."""
    if passage.kind == "table":
        yield from _split_table(passage, terms)
        return
    section = _section_of_headings(passage.heading)
    for item in _split_items(passage.text):
        heading, rest = find_heading(item)
        if heading is not None:
            section = heading
            item = rest
        is_listed = bool(_ITEM.match(item))
        text = plain(without_markup(_ITEM.sub("", item, count=1)))
        if _SHORTEST_STEP_CHARS <= len(text) <= MAX_STEP_CHARS and not _is_title(text, passage):
            yield section or _section_of(text) or ("action" if is_listed else None), text


def _split_items(text: str) -> list[str]:
    """Return the items of a list, each with its further lines; without a list, the sentences."""
    lines = [line for line in text.splitlines() if line.strip()]
    if not any(_ITEM.match(line) for line in lines):
        return [found for part in lines for found in _SENTENCE_END.split(part)]
    items: list[str] = []
    for line in lines:
        if not items or _ITEM.match(line) or find_heading(line)[0] is not None:
            items.append(line.strip())
        else:
            items[-1] = f"{items[-1]} {line.strip()}"
    return items


def _split_table(passage: Passage, terms: Sequence[str]) -> Iterator[tuple[SectionName, str]]:
    """Yield a table of causes and remedies by its columns; any other row is a check of its own."""
    rows = [
        [cell.strip() for cell in _CELL.split(line.strip(" |\t"))] for line in passage.text.splitlines() if line.strip()
    ]
    if not rows:
        return
    columns = [_section_of(cell) for cell in rows[0]]
    has_header = len(rows) > 1 and any(columns)
    body = rows[1:] if has_header else rows
    named = [row for row in body if any(_squeeze(term) in _squeeze(" ".join(row)) for term in terms if term)]
    fallback = _section_of_headings(passage.heading) or "check"
    for row in named or body:
        if has_header and len(row) == len(columns):
            for section, cell in zip(columns, row, strict=True):
                if section is not None and len(cell) >= 2:
                    yield section, plain(without_markup(cell))[:MAX_STEP_CHARS]
        elif len(text := plain(without_markup(" · ".join(cell for cell in row if cell)))) >= _SHORTEST_STEP_CHARS:
            yield fallback, text[:MAX_STEP_CHARS]


def _section_of_headings(headings: Sequence[str]) -> SectionName | None:
    """Return what section the innermost heading tells. A manual's own title tells none: it would, of every passage."""
    inner = headings[1:] if len(headings) > 1 else headings
    return next((section for heading in reversed(inner) if (section := _section_of(heading)) is not None), None)


def _section_of(words: str) -> SectionName | None:
    return next((section for section, sign in _SIGNS if sign.search(words)), None)


def _is_title(text: str, passage: Passage) -> bool:
    return _squeeze(text) in {_squeeze(part) for part in passage.heading}


def _squeeze(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())
