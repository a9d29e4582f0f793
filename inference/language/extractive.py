"""The writer without a model: the manual's own steps for this defect, quoted, ordered by section, each once.

Nothing is rephrased, so nothing can be invented. It needs no network and serves where every other writer fails.
"""

from __future__ import annotations

import itertools
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
from inference.language.quoting.headings import (
    SECTION_WORDS,
    is_head_row,
    section_of_heading,
    section_of_headings,
    section_of_sentence,
    tells_severity,
)
from inference.language.quoting.names import DefectNames
from inference.language.quoting.scope import ITEM, SENTENCE_END, names_of, read_rows, scope_passages
from inference.language.untrusted import gives_orders, plain, without_markup

EXTRACTIVE = "extractive"
_ALREADY_SAID = 0.8
_SHORTEST_STEP_CHARS, _SHORTEST_CELL_CHARS = 6, 2
_HANGUL, _LATIN_WORD = re.compile("[가-힣]"), re.compile("[A-Za-z]{2,}")
_WORDS_OF_A_SENTENCE = 3
_FIGURE = re.compile(r"\d+")
_LABEL = re.compile(rf"(?:^|(?<=[\s.·]))({SECTION_WORDS})\s?[:：]\s*", re.I)
_LEAD = re.compile(r"^\s*([^:：.\d]{2,20})[:：]\s*")


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
    """Return the manual's steps for the finding's defect, in the order the passages were found; none of another one."""
    names = names_of(finding)
    scoped = [
        one
        for one in scope_passages(finding, passages)
        if not gives_orders("\n".join((*one.passage.heading, one.passage.text)))
    ]
    found = [
        (section, text, one)
        for one in sorted(scoped, key=lambda one: not one.in_section)
        for section, text in split_steps(one.passage, names)
    ]
    # A manual in the reader's language says it better than another one's stray sentence among its steps.
    spoken = {section for section, text, _one in found if not _is_foreign(text, finding.language)}
    found = [step for step in found if step[0] not in spoken or not _is_foreign(step[1], finding.language)]
    steps: dict[SectionName, list[Step]] = {name: [] for name in SECTION_NAMES}
    for section, text, one in found:
        kept = steps[section]
        if len(kept) < MAX_STEPS_PER_SECTION and not _is_said(text, steps):
            kept.append(Step(text, (one.number,), True))
    return tuple(Section(name, tuple(steps[name])) for name in SECTION_NAMES if steps[name])


def _is_foreign(text: str, language: str) -> bool:
    """Return whether the words are of the other language; figures and codes are of none."""
    is_korean = bool(_HANGUL.search(text))
    return is_korean if language == "en" else not is_korean and len(_LATIN_WORD.findall(text)) >= _WORDS_OF_A_SENTENCE


def _is_said(text: str, steps: dict[SectionName, list[Step]]) -> bool:
    said = [step.text for kept in steps.values() for step in kept]
    return any(
        _squeeze(text) == _squeeze(other)
        or (
            min(share_of_words(text, other), share_of_words(other, text)) >= _ALREADY_SAID
            and set(_FIGURE.findall(text)) == set(_FIGURE.findall(other))
        )
        for other in said
    )


def split_steps(passage: Passage, names: DefectNames | None = None) -> Iterator[tuple[SectionName, str]]:
    """Yield the steps of one passage, word for word, with their sections; what only describes is no step."""
    if passage.kind == "table":
        yield from _split_table(passage, names)
        return
    section = section_of_headings(passage.heading, names)
    for item in _split_items(passage.text):
        heading, rest = find_heading(item)
        if heading is None and (lead := _LEAD.match(item)) and (led := section_of_heading(lead[1], names)):
            heading, rest = led, item[lead.end() :]
        if heading is not None:
            section = heading
            item = rest
        is_listed = bool(ITEM.match(item))
        text = plain(without_markup(ITEM.sub("", item, count=1)))
        shortest = _SHORTEST_STEP_CHARS if heading is None else _SHORTEST_CELL_CHARS
        if not shortest <= len(text) <= MAX_STEP_CHARS or _is_title(text, passage):
            continue
        told = section or section_of_sentence(text) or ("action" if is_listed else None)
        if told is not None:
            yield told, text


def _split_items(text: str) -> list[str]:
    """Return the items of a list, each with its further lines; without a list, the sentences."""
    lines = [line for line in text.splitlines() if line.strip()]
    if not any(ITEM.match(line) for line in lines):
        return [found for part in lines for found in SENTENCE_END.split(part)]
    items: list[str] = []
    for line in lines:
        if not items or ITEM.match(line) or find_heading(line)[0] is not None:
            items.append(line.strip())
        else:
            items[-1] = f"{items[-1]} {line.strip()}"
    return items


def _split_table(passage: Passage, names: DefectNames | None) -> Iterator[tuple[SectionName, str]]:
    """Yield a table of causes and remedies by its columns, or by its rows; any other row is a check of its own."""
    rows = read_rows(passage.text)
    if not rows:
        return
    around = section_of_headings(passage.heading, names)
    is_headed = len(rows) > 1 and is_head_row(rows[0])
    columns = [section_of_heading(cell, names) if is_headed else None for cell in rows[0]]
    told_by_columns = {section for section in columns if section is not None}
    # An interval, a limit and who sees to it say one thing together: such a row is one step, of its heading's section.
    is_parted = is_headed and bool(told_by_columns & {"cause", "action"}) and told_by_columns != {around}
    has_head = is_headed and (is_parted or bool(told_by_columns) or around is not None)
    for row in rows[1:] if has_head else rows:
        if is_parted and len(row) == len(columns):
            for place, (section, cell) in enumerate(zip(columns, row, strict=True)):
                if section is None or len(cell) < _SHORTEST_CELL_CHARS:
                    continue
                beside = [columns[other] for other, text in enumerate(row) if text == cell]
                heads = [section for section in dict.fromkeys(beside) if section is not None]
                if len(heads) == 1:
                    yield section, plain(without_markup(cell))[:MAX_STEP_CHARS]
                elif cell not in row[:place]:
                    yield from _split_merged(cell, heads)
            continue
        told = section_of_heading(row[0], names) if len(row) > 1 else None
        cells = row[1:] if told is not None and not around else row
        labeled = [part for cell in cells for part in _split_labels(cell)]
        if labeled:
            yield from labeled
            continue
        above = rows[0] if has_head and len(row) == len(rows[0]) and cells is row else []
        text = plain(without_markup(" · ".join(_with_heads(cells, above, names))))
        if len(text) >= _SHORTEST_STEP_CHARS:
            yield (around or told or "check"), text[:MAX_STEP_CHARS]


def _with_heads(cells: Sequence[str], heads: Sequence[str], names: DefectNames | None) -> Iterator[str]:
    """Yield the cells of a row that is one step, each but the first with its column's head; the defect is known."""
    for place, cell in enumerate(cells):
        if not cell or (names is not None and heads and len(cells) > 1 and not names.without(cell).strip()):
            continue
        yield f"{heads[place]}: {cell}" if place and place < len(heads) and heads[place] else cell


def _split_merged(cell: str, heads: Sequence[SectionName]) -> Iterator[tuple[SectionName, str]]:
    """Yield a cell that stands below two heads by its sentences: one for each head in turn, or what each says."""
    sentences = [one for one in SENTENCE_END.split(plain(without_markup(cell))) if len(one) >= _SHORTEST_STEP_CHARS]
    for number, sentence in enumerate(sentences):
        told = heads[number] if len(sentences) == len(heads) else section_of_sentence(sentence)
        if told is not None and not (told == "cause" and tells_severity(sentence)):
            yield told, sentence[:MAX_STEP_CHARS]


def _split_labels(cell: str) -> Iterator[tuple[SectionName, str]]:
    """Yield what stands behind each of the labels in a cell ("Cause: … Action: …"); nothing where it has none."""
    found = list(_LABEL.finditer(cell))
    for label, later in itertools.zip_longest(found, found[1:]):
        section = section_of_heading(label[1])
        text = plain(without_markup(cell[label.end() : later.start() if later is not None else len(cell)]))
        if section is not None and len(text) >= _SHORTEST_CELL_CHARS:
            yield section, text[:MAX_STEP_CHARS]


def _is_title(text: str, passage: Passage) -> bool:
    return _squeeze(text) in {_squeeze(part) for part in passage.heading}


def _squeeze(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())
