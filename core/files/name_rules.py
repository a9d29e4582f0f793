"""Rules that read fields out of a file's name, as a quality engineer writes them: `{part}_{n}`, `{lot}_{serial}_{*}`.

`{n}` is a number, `{*}` anything, and the other fields are those that the caller has; `{lot:5}`, `{n:3}` and `{*:2}`
are so many characters exactly. Everything else stands for itself, in large or small letters alike. Of a rule with `/`
the parts before it are the folders that the file lies in: `{part}/{*}`. A rule without a file ending is asked of the
name without it.

A field takes as much as it can, `{*}` as little: `{part}_{*}` reads IMG_0012 out of IMG_0012_3.jpg. Matching remembers
where it has failed, so it takes at most (fields × length²) steps, whatever the rule and the name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass

LONGEST_RULE = 200
MOST_FIELDS = 20
NUMBER, ANYTHING = "n", "*"
_LONGEST_NAME = 255
_FIELD = re.compile(r"\{([a-z]+|\*)(?::([1-9][0-9]{0,2}))?\}")


class RuleError(Exception):
    """A rule that cannot be used: `reason` is "too_long", "field" (one that there is not), "ambiguous" or "twice"."""

    def __init__(self, reason: str, rule: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.rule = rule


@dataclass(frozen=True)
class Piece:
    """A field, of `length` characters where that is given; or with `text` just that."""

    field: str = ""
    length: int = 0
    text: str = ""


@dataclass(frozen=True)
class NameRule:
    """A rule that was read: `segments` are the pieces of the file's name, after those of the folders it is about."""

    text: str
    segments: tuple[tuple[Piece, ...], ...]
    with_ending: bool

    @property
    def fields(self) -> tuple[str, ...]:
        """Return the fields whose values it reads, in order."""
        found = (piece.field for pieces in self.segments for piece in pieces)
        return tuple(field for field in found if field not in {"", NUMBER, ANYTHING})

    def find(self, path: str) -> dict[str, str] | None:
        """Return each field's value in a file's name, given with the folders before it; None where it does not fit."""
        folders = [found for found in unicodedata.normalize("NFC", path.replace("\\", "/")).split("/") if found]
        names = folders[-len(self.segments) :]
        if len(names) < len(self.segments):
            return None
        if not self.with_ending and "." in names[-1].lstrip("."):
            names[-1] = names[-1].rsplit(".", 1)[0]
        values: dict[str, str] = {}
        for pieces, name in zip(self.segments, names, strict=True):
            found = _match(pieces, name) if len(name) <= _LONGEST_NAME else None
            if found is None:
                return None
            values |= found
        return values


def read_name_rule(text: str, fields: Collection[str]) -> NameRule:
    """Return the rule that a person wrote, of these fields beside `{n}` and `{*}`.

    Raises RuleError: "too_long", "field", "twice", or "ambiguous" (two fields side by side, of which neither says how
    long it is).
    """
    written = unicodedata.normalize("NFC", text.strip().replace("\\", "/"))
    if len(written) > LONGEST_RULE:
        raise RuleError("too_long", written)
    segments = tuple(_read(segment, written, fields) for segment in written.split("/") if segment)
    if not segments:
        raise RuleError("field", written)
    rule = NameRule(written, segments, any("." in piece.text for piece in segments[-1]))
    if sum(1 for pieces in segments for piece in pieces if piece.field) > MOST_FIELDS:
        raise RuleError("too_long", written)
    if len(set(rule.fields)) < len(rule.fields):
        raise RuleError("twice", written)
    return rule


def _read(segment: str, written: str, fields: Collection[str]) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    at = 0
    for found in _FIELD.finditer(segment):
        if found[1] not in {NUMBER, ANYTHING, *fields}:
            raise RuleError("field", written)
        pieces += _plain(segment[at : found.start()], written)
        piece = Piece(found[1], int(found[2] or 0))
        if pieces and pieces[-1].field and not (pieces[-1].length or piece.length):
            raise RuleError("ambiguous", written)
        pieces.append(piece)
        at = found.end()
    return (*pieces, *_plain(segment[at:], written))


def _plain(text: str, written: str) -> list[Piece]:
    if "{" in text or "}" in text:
        raise RuleError("field", written)
    return [Piece(text=text.lower())] if text else []


def _match(pieces: tuple[Piece, ...], name: str) -> dict[str, str] | None:
    """Return what each field stands for in the whole name; None: it does not fit."""
    failed: set[tuple[int, int]] = set()
    lower = name.lower()
    # Some capitals have a longer small form; then large and small letters must be as they are.
    folded = lower if len(lower) == len(name) else name

    def go(number: int, at: int) -> dict[str, str] | None:
        if number == len(pieces):
            return {} if at == len(name) else None
        if (number, at) in failed:
            return None
        piece = pieces[number]
        if piece.text:
            rest = go(number + 1, at + len(piece.text)) if folded.startswith(piece.text, at) else None
            if rest is not None:
                return rest
        else:
            for end in _ends(piece, name, at):
                rest = go(number + 1, end)
                if rest is not None:
                    return rest if piece.field in {NUMBER, ANYTHING} else {**rest, piece.field: name[at:end]}
        failed.add((number, at))
        return None

    return go(0, 0)


def _ends(piece: Piece, name: str, at: int) -> range:
    """Return where the field may end, the likeliest first: a field and a number as late as possible."""
    last = len(name)
    if piece.field == NUMBER:
        last = at
        while last < len(name) and name[last].isdecimal():
            last += 1
    if piece.length:
        end = at + piece.length
        return range(end, end + 1) if end <= last else range(0)
    return range(at + 1, last + 1) if piece.field == ANYTHING else range(last, at, -1)
