"""What of the passages is about one defect: its own section, its rows of a table, the items that name it alone.

A step belongs to the defect whose section or row it stands in. What stands under another defect's heading is never
this one's, even where it mentions it; what a page does not part for certain is shown as a page and not as steps.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from inference.language.guidance import Finding
from inference.language.passages import Passage
from inference.language.quoting.headings import holds_no_steps, number_of, section_of_heading
from inference.language.quoting.names import DefectNames

ITEM = re.compile(r"^\s*(?:[-*•·▪◦–—※]|\(?\d{1,2}[.)](?!\d)|[①-⑳]|[가-하][.)]|step\s*\d+\s*[:.)]?)\s*", re.I)
SENTENCE_END = re.compile(r"(?<=[.!?。])\s+(?=[^\s\d])")
_MAX_LEAD_CHARS = 60

Place = Literal["own", "other", "shared"]


@dataclass(frozen=True)
class Scoped:
    """What of a passage is this defect's own: its number among the passages, from 1, and only those words.

    `in_section`: it stands under a heading that names the defect.
    """

    number: int
    passage: Passage
    in_section: bool


def names_of(finding: Finding) -> DefectNames:
    """Return the names that the finding's defect, and the product's others, are called by."""
    return DefectNames(finding.defect_terms, finding.other_defects)


def scope_passages(finding: Finding, passages: Sequence[Passage]) -> list[Scoped]:
    """Return what of the passages may be quoted for the finding's defect, in their order.

    Nothing is where the defect is not known: any step would be one of some defect.
    """
    names = names_of(finding)
    if not names:
        return []
    places = [place_of(passage.heading, names) for passage in passages]
    has_section = any(place == "own" for place in places)
    scoped = []
    for number, (passage, place) in enumerate(zip(passages, places, strict=True), start=1):
        if place == "other" or not passage.certain or holds_no_steps(passage.heading):
            continue
        is_own = place == "own"
        kind = passage.kind
        if kind == "table" and (column := _own_column(passage, names)):
            text, kind = column, "text"
        elif kind == "table":
            text = _own_rows(passage, names, in_section=is_own)
        elif is_own:
            text = passage.text
        else:
            # A manual that has a section for the defect says there what to do; elsewhere it only mentions it.
            text = "" if has_section else _own_items(passage.text, names)
        if text:
            scoped.append(Scoped(number, replace(passage, text=text, kind=kind), is_own))
    return scoped


def choose_passages(finding: Finding, passages: Sequence[Passage], *, at_most: int) -> list[Passage]:
    """Return the passages to show and to write from, the best first.

    First what is quotable in the reader's language, the defect's own section before a row elsewhere, then the other
    language's, then what may only be shown as a page. Those under another defect's heading are left out, and so is
    what only mentions the defect where it has a section.
    """
    names = names_of(finding)
    scoped = {one.number: one for one in scope_passages(finding, passages)}
    has_section = any(one.in_section for one in scoped.values())
    ranked: list[tuple[int, int]] = []
    for number, passage in enumerate(passages, start=1):
        one = scoped.get(number)
        foreign = _is_korean(passage.text) != (finding.language == "ko")
        if one is not None:
            ranked.append((int(not one.in_section) + 2 * foreign, number))
        elif is_page_only(passage, names, has_section=has_section):
            ranked.append((4 + foreign, number))
    return [passages[number - 1] for _rank, number in sorted(ranked)[:at_most]]


def is_page_only(passage: Passage, names: DefectNames, *, has_section: bool) -> bool:
    """Return whether a passage that may not be quoted should be shown as a page: it may be about the defect.

    Where the manual has a section for the defect that is what names it and is not parted for certain; else all that
    names it.
    """
    place = place_of(passage.heading, names)
    if place == "other" or holds_no_steps(passage.heading):
        return False
    named = place == "own" or names.find(passage.text).own
    if has_section:
        return named and not passage.certain
    # Of a product with one type only, all that its manual describes is a kind of it.
    return named or not names.knows_others


def _is_korean(text: str) -> bool:
    return any("가" <= letter <= "힣" for letter in text[:200])


def place_of(headings: Sequence[str], names: DefectNames) -> Place:
    """Return whose section the headings make: the innermost one that names a defect decides."""
    below: list[str] = []
    for heading in reversed(headings):
        named = names.find(heading)
        if named.own and named.other:
            return "shared"
        if named.own:
            return "shared" if any(_is_beside(inner, heading, names) for inner in below) else "own"
        if named.other:
            return "other"
        below.append(heading)
    return "shared"


def _is_beside(inner: str, outer: str, names: DefectNames) -> bool:
    """Return whether a heading that was read as being under `outer` is rather the next one, by their numbers."""
    one, other = number_of(inner), number_of(outer)
    goes_on = bool(one) and len(one) == len(other) and one[:-1] == other[:-1] and one[-1] > other[-1]
    return goes_on and section_of_heading(inner, names) is None


def read_rows(text: str) -> list[list[str]]:
    """Return the cells of a table's rows, empty ones too."""
    rows = []
    for line in text.splitlines():
        if line.strip(" |\t"):
            # A bar before the first cell and after the last parts nothing.
            framed = line.startswith("|") and line.rstrip().endswith("|")
            rows.append([cell.strip() for cell in re.split(r"[|\t]", line.strip("|") if framed else line)])
    return rows


def _own_column(passage: Passage, names: DefectNames) -> str:
    """Return the column of a table that has one for each defect, a line a row after the row's name; "" for others."""
    rows = read_rows(passage.text)
    head = [names.find(cell) for cell in rows[0]] if rows else []
    columns = [place for place, named in enumerate(head) if named.alone]
    if len(columns) != 1 or columns[0] == 0 or not any(named.other for named in head):
        return ""
    whole = [row for row in rows[1:] if len(row) == len(head)]
    return "\n".join(f"{row[0]}: {row[columns[0]]}" for row in whole if row[columns[0]])


def _own_rows(passage: Passage, names: DefectNames, *, in_section: bool) -> str:
    """Return the table with its head and the rows of this defect alone; "" where it has none."""
    rows = read_rows(passage.text)
    if not rows:
        return ""
    body = rows[1:] if len(rows) > 1 else rows
    subject = _subject_column(rows, names)
    kept = []
    owner = in_section
    for row in body:
        cell = row[subject] if subject is not None and subject < len(row) else " ".join(row)
        named = names.find(cell)
        # An empty cell goes on from the one above it.
        if cell or subject is None:
            owner = named.alone or (in_section and not named.own and not named.other)
        if owner:
            kept.append(row)
    if not kept:
        return ""
    return _join([rows[0], *kept] if body is not rows else kept)


def _join(rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(" | ".join(row) for row in rows)


def _subject_column(rows: Sequence[Sequence[str]], names: DefectNames) -> int | None:
    """Return the column that says which defect a row is about: one that tells no section and names the most.

    None where no column names any: then the whole row has to.
    """
    counts: dict[int, int] = {}
    for row in rows[1:] or rows:
        for place, cell in enumerate(row):
            if place < len(rows[0]) and section_of_heading(rows[0][place], names) is not None and len(rows) > 1:
                continue
            named = names.find(cell)
            counts[place] = counts.get(place, 0) + (named.own or named.other)
    best = max(counts, key=lambda place: (counts[place], -place), default=None)
    return best if best is not None and counts[best] else None


def _own_items(text: str, names: DefectNames) -> str:
    """Return the lines of a passage outside any defect's section that are about this defect alone."""
    whole = names.find(text)
    if not whole.own:
        return ""
    if not whole.other:
        return text
    kept: list[str] = []
    owner = False
    for line in text.splitlines():
        named = names.find(line)
        if ITEM.match(line):
            if named.alone or (owner and not named.own and not named.other):
                kept.append(line)
            continue
        # A line that leads in to items ("Scratch:") says whose they are.
        if named.own or named.other or len(line) > _MAX_LEAD_CHARS:
            owner = named.alone and len(line) <= _MAX_LEAD_CHARS
        kept += [part for part in SENTENCE_END.split(line) if names.find(part).alone]
    return "\n".join(kept)
