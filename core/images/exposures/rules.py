"""A rule that reads a part out of a file's name, as a quality engineer writes it: `{part}_{n}`.

`{part}` is the part, `{n}` a number, `{*}` anything; `{part:5}`, `{n:3}` and `{*:2}` are so many characters exactly.
Everything else stands for itself, in large or small letters alike. Of a rule with `/` the parts before it are the
folders that the file lies in: `{part}/{*}`. A rule without a file ending is asked of the name without it.

The part takes as much as it can: `{part}_{*}` reads IMG_0012 out of IMG_0012_3.jpg. Matching remembers where it has
failed, so it takes at most (fields × length²) steps, whatever the rule and the name.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from core.errors import AppError, BadInput
from core.images.parts import clean_part

LONGEST_RULE = 200
_MOST_FIELDS = 20
_LONGEST_NAME = 255
_FIELD = re.compile(r"\{(part|n|\*)(?::([1-9][0-9]{0,2}))?\}")


@dataclass(frozen=True)
class _Piece:
    """A field (`part`, `n`, `*`), of `length` characters where that is given; or with `text` just that."""

    field: str = ""
    length: int = 0
    text: str = ""


@dataclass(frozen=True)
class PartRule:
    """A rule that was read: `segments` are the pieces of the file's name, after those of the folders it is about."""

    text: str
    segments: tuple[tuple[_Piece, ...], ...]
    with_ending: bool

    def find(self, path: str) -> str:
        """Return the part in a file's name, given with the folders before it; empty where the name does not fit."""
        folders = [found for found in unicodedata.normalize("NFC", path.replace("\\", "/")).split("/") if found]
        names = folders[-len(self.segments) :]
        if len(names) < len(self.segments):
            return ""
        if not self.with_ending and "." in names[-1].lstrip("."):
            names[-1] = names[-1].rsplit(".", 1)[0]
        part = ""
        for pieces, name in zip(self.segments, names, strict=True):
            found = _match(pieces, name) if len(name) <= _LONGEST_NAME else None
            if found is None:
                return ""
            part = part or found
        try:
            return clean_part(part)
        except AppError:
            return ""  # longer than the name of a part may be


def read_rule(text: str) -> PartRule:
    """Return the rule that a person wrote.

    Raises BadInput: part_rule_too_long, part_rule_without_part (or with more than one), part_rule_field (a field that
    there is not), part_rule_ambiguous (two fields side by side, of which neither says how long it is).
    """
    written = unicodedata.normalize("NFC", text.strip().replace("\\", "/"))
    if len(written) > LONGEST_RULE:
        raise BadInput("part_rule_too_long", highest=LONGEST_RULE)
    segments = tuple(_read(segment, written) for segment in written.split("/") if segment)
    fields = [piece.field for pieces in segments for piece in pieces if piece.field]
    if fields.count("part") != 1:
        raise BadInput("part_rule_without_part", rule=written)
    if len(fields) > _MOST_FIELDS:
        raise BadInput("part_rule_too_long", highest=_MOST_FIELDS)
    ending = any("." in piece.text for piece in segments[-1])
    return PartRule(written, segments, ending)


def _read(segment: str, written: str) -> tuple[_Piece, ...]:
    pieces: list[_Piece] = []
    at = 0
    for found in _FIELD.finditer(segment):
        pieces += _plain(segment[at : found.start()], written)
        piece = _Piece(found[1], int(found[2] or 0))
        if pieces and pieces[-1].field and not (pieces[-1].length or piece.length):
            raise BadInput("part_rule_ambiguous", rule=written)
        pieces.append(piece)
        at = found.end()
    return (*pieces, *_plain(segment[at:], written))


def _plain(text: str, written: str) -> list[_Piece]:
    if "{" in text or "}" in text:
        raise BadInput("part_rule_field", rule=written)
    return [_Piece(text=text.lower())] if text else []


def _match(pieces: tuple[_Piece, ...], name: str) -> str | None:
    """Return what `{part}` stands for in the whole name, "" where these pieces have none; None: it does not fit."""
    failed: set[tuple[int, int]] = set()
    lower = name.lower()
    # Some capitals have a longer small form; then large and small letters must be as they are.
    folded = lower if len(lower) == len(name) else name

    def go(number: int, at: int) -> str | None:
        if number == len(pieces):
            return "" if at == len(name) else None
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
                    return name[at:end] if piece.field == "part" else rest
        failed.add((number, at))
        return None

    return go(0, 0)


def _ends(piece: _Piece, name: str, at: int) -> range:
    """Return where the field may end, the likeliest first: a part and a number as late as possible."""
    last = len(name)
    if piece.field == "n":
        last = at
        while last < len(name) and name[last].isdecimal():
            last += 1
    if piece.length:
        end = at + piece.length
        return range(end, end + 1) if end <= last else range(0)
    return range(at + 1, last + 1) if piece.field == "*" else range(last, at, -1)
