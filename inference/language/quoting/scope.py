"""What of the passages is about one defect: its own section, its rows of a table, the items that name it alone.

A step belongs to the defect whose section or row it stands in. What stands under another defect's heading is never
this one's, even where it mentions it; what a page does not part for certain is shown as a page and not as steps.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from inference.language.guidance import Finding, SectionName
from inference.language.passages import Passage
from inference.language.quoting.headings import (
    SECTION_WORDS,
    holds_no_steps,
    is_head_row,
    number_of,
    section_of_heading,
)
from inference.language.quoting.names import DefectNames, Named

ITEM = re.compile(r"^\s*(?:[-*•·▪◦–—※]|\(?\d{1,2}[.)](?!\d)|[①-⑳]|[가-하][.)]|step\s*\d+\s*[:.)]?)\s*", re.I)
SENTENCE_END = re.compile(r"(?<=[.!?。])\s+(?=[^\s\d])")
_MAX_LEAD_CHARS = 60
_LEAD = re.compile(r"\s*([^:：.。!?|]{1,60}?)\s*(?:[:：]|\s[-–—]\s|\s→\s)")
# A sentence that begins with the case it is about, which is not this defect's: "If there is a crack, …".
_CASE = re.compile(
    r"(?:if|when|where|for|in case of)\s"
    r"|[^,.]{1,40}?(?:있으면|보이면|나타나면|생기면|발생하면|발견되면|경우(?:에는|에)?|때(?:에는|는))",
    re.I,
)
_SECTION_LABEL = re.compile(rf"(?:{SECTION_WORDS})\s?[:：]", re.I)
_SECTION_WORD = re.compile(rf"(?:{SECTION_WORDS})", re.I)
_DEFECT_HEAD = re.compile(
    r"(?:불량|결함)\s?(?:명|유형|종류|항목|코드|이름)?|defects?(?: (?:type|name|code|mode))?", re.I
)
_YES_MARK = re.compile(r"[Oo○●◎ΟО◯⭕✓✔√☑Yy]|yes|예|유|해당|적용", re.I)
_NO_MARK = re.compile(r"[-–—xX×✕✗✘☐Nn/]|no|n/?a|none|아니오|없음|무|해당\s?없음|비해당", re.I)
_LEADS: dict[SectionName, str] = {
    "cause": "Cause",
    "action": "Action",
    "check": "Check",
    "prevention": "Prevention",
}

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
    places = [_place_of(passage, names) for passage in passages]
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
            text = _without_others(passage.text, names)
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


def _place_of(passage: Passage, names: DefectNames) -> Place:
    """Return whose a passage is, by its headings and by what it says.

    What stands below a further heading that tells no section, and has sections or lists causes and actions anew, is
    that of another subject: a box in the midst of a section, or the next defect under a smaller heading.
    """
    place = place_of(passage.heading, names)
    if place != "own":
        return place
    own = max(number for number, heading in enumerate(passage.heading) if names.find(heading).own)
    below = passage.heading[own + 1 :]
    told = [section_of_heading(heading, names) for heading in below]
    if None not in told:
        return place
    has_sections = any(section is not None for section in told[told.index(None) :])
    is_labeled = any(_SECTION_LABEL.match(ITEM.sub("", line, count=1)) for line in passage.text.splitlines())
    return "shared" if has_sections or is_labeled else place


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
    """Return what a column says of this defect, a line a row after the row's name; "" where none is its own.

    That is a table with a column for each defect, or a card: words at the left, and what they say beside them.
    """
    rows = read_rows(passage.text)
    start = next((row for row in rows if any(names.find(cell).own for cell in row)), [])
    places = [place for place, cell in enumerate(start) if names.find(cell).own]
    if len(places) != 1 or not places[0]:
        return ""
    column = places[0]
    label = _label_column(rows, column, start)
    marks = {_as_mark(row[place]) for row in rows if row is not start for place in range(1, len(row))}
    heads_columns = start is rows[0] and (None not in marks or any(names.find(cell).other for cell in start))
    if label is None and not heads_columns:
        return ""
    label = 0 if label is None else label
    begins = start[label]
    kept = []
    owner = False
    for row in rows:
        if len(row) != len(start):
            owner = owner and len(row) > 1
            continue
        # Cards below each other: each begins with the same word.
        if row is start or (begins and row[label] == begins):
            owner = names.find(row[column]).alone
        elif owner and row[column]:
            kept.append((row[label], row[column]))
    if None not in marks:
        return _marked(kept, section_of_heading(begins, names), marks)
    return "\n".join(f"{name}: {text}" for name, text in kept)


def _label_column(rows: Sequence[Sequence[str]], column: int, start: Sequence[str]) -> int | None:
    """Return the nearest column at the left whose cells say what the cells beside them tell: cause, action, …"""
    headed = {section_of_heading(cell) for cell in rows[0]} - {None}
    if len(headed) > 1:
        return None  # the sections are columns
    for place in range(column - 1, -1, -1):
        told = [row for row in rows if len(row) == len(start) and _SECTION_WORD.fullmatch(row[place])]
        if told and start not in told:
            return place
    return None


def _as_mark(cell: str) -> str | None:
    """Return whether a cell only says that its row counts for its column ("yes"), or not ("no"); None for words."""
    if not cell or _NO_MARK.fullmatch(cell):
        return "no"
    return "yes" if _YES_MARK.fullmatch(cell) else "?" if len(cell) == 1 else None


def _marked(kept: Sequence[tuple[str, str]], section: SectionName | None, marks: set[str | None]) -> str:
    """Return the names of the rows that are marked for a column; "" where the marks do not say what they mean."""
    if "?" in marks or "yes" not in marks:
        return ""
    lead = f"{_LEADS[section]}: " if section is not None else ""
    return "\n".join(f"{lead}{name}" for name, cell in kept if _as_mark(cell) == "yes")


def _own_rows(passage: Passage, names: DefectNames, *, in_section: bool) -> str:
    """Return the table with its head and the rows of this defect alone; "" where it has none."""
    rows = read_rows(passage.text)
    if not rows:
        return ""
    body = rows[1:] if len(rows) > 1 and is_head_row(rows[0]) else rows
    subject = _subject_column(rows, names)
    kept = []
    owner = in_section = in_section and not _lists_defects(rows, body, names)
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


def _lists_defects(rows: Sequence[Sequence[str]], body: Sequence[Sequence[str]], names: DefectNames) -> bool:
    """Return whether each row of a table is about a defect of its own, also where the table stands in a section."""
    if any(names.find(cell).own for row in body for cell in row[:2]):
        return True
    return body is not rows and any(_DEFECT_HEAD.fullmatch(cell) for cell in rows[0])


def _join(rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(" | ".join(row) for row in rows)


def _subject_column(rows: Sequence[Sequence[str]], names: DefectNames) -> int | None:
    """Return the column that says which defect a row is about: one that tells no section and names the most.

    None where no column names any: then the whole row has to.
    """
    counts: dict[int, int] = {}
    is_headed = len(rows) > 1 and is_head_row(rows[0])
    for row in rows[1:] if is_headed else rows:
        for place, cell in enumerate(row):
            if is_headed and place < len(rows[0]) and section_of_heading(rows[0][place], names) is not None:
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
    lines = text.splitlines()
    own_marks = {_mark_of(line) for line in lines if (lead := _lead_of(line, names)) is not None and lead.own}
    if not whole.other and not own_marks:
        return "\n".join(_until_others(line, names) for line in lines).strip()
    kept: list[str] = []
    owner = False
    for line in lines:
        named, lead = names.find(line), _lead_of(line, names)
        if lead is not None and own_marks:
            # The items beside the one that begins with this defect's name are those of others.
            owner = lead.alone
            if owner:
                kept.append(line)
            continue
        if ITEM.match(line):
            if named.alone or (owner and not named.own and not named.other and _mark_of(line) not in own_marks):
                kept.append(line)
            continue
        # A line that leads in to items ("Scratch:") says whose they are.
        if named.own or named.other or len(line) > _MAX_LEAD_CHARS:
            owner = named.alone and len(line) <= _MAX_LEAD_CHARS
        kept += [part for part in SENTENCE_END.split(line) if names.find(part).alone]
    return "\n".join(kept)


def _until_others(line: str, names: DefectNames) -> str:
    """Return a paragraph without the sentences that begin with the case of some other, unknown defect."""
    kept = []
    owner = True
    for sentence in SENTENCE_END.split(line):
        if names.find(sentence).own:
            owner = True
        elif _CASE.match(sentence):
            owner = False
        if owner:
            kept.append(sentence)
    return " ".join(kept)


def _without_others(text: str, names: DefectNames) -> str:
    """Return a passage of the defect's own section without the lines that begin with another one's name."""
    kept = []
    owner = True
    for line in text.splitlines():
        lead = _lead_of(line, names)
        named = names.find(line)
        if lead is not None and lead.other and not lead.own:
            owner = False
        elif lead is not None or named.own or not ITEM.match(line):
            owner = True
        if owner:
            kept.append(line)
    return "\n".join(kept)


def _lead_of(line: str, names: DefectNames) -> Named | None:
    """Return which defects the words name that a line begins with, up to a colon or dash; None where it has none.

    A line that is hardly more than such a name leads in, too; a section's word ("Cause:") does not.
    """
    bare = ITEM.sub("", line, count=1)
    found = _LEAD.match(bare)
    if found is None:
        return (
            names.find(bare) if len(bare) <= _MAX_LEAD_CHARS and not _is_sentence(bare) and ITEM.match(line) else None
        )
    named = names.find(found[1])
    if not named.own and not named.other and section_of_heading(found[1], names) is not None:
        return None
    return named


def _is_sentence(text: str) -> bool:
    return text.rstrip().endswith((".", "。", "!", "?", "다", "요", "것"))


def _mark_of(line: str) -> str:
    """Return the kind of mark that an item begins with, "" for no item: all numbers are of one kind."""
    found = ITEM.match(line)
    return "" if found is None else "".join("0" if letter.isalnum() else letter for letter in found[0].strip())
