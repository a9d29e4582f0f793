"""What the code on a part (barcode, QR) says of it: lot and serial number, as its product's rule reads them.

A rule is "" (codes in pictures are not read), AUTOMATIC, or a pattern as an engineer writes it: `{lot}-{serial}`.
`{lot}` and `{serial}` are what is looked for, `{*}` anything; `{serial:8}` is so many characters exactly. Everything
else stands for itself. A field ends where the next sign of the pattern comes, so reading takes one pass over the text.

AUTOMATIC knows, in this order: GS1 application identifiers (10) and (21), with their brackets, as the scanner sends
them, or as a GS1 Digital Link; ISO/IEC 15434 with the data identifiers 1T and S; `LOT…;SN…` and the like. Any other
text is the serial number, unless it is a web address.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from core.errors import BadInput

AUTOMATIC = "auto"
LONGEST_RULE = 190
LONGEST_CODE = 1000
LOT, SERIAL = "lot", "serial"

_LONGEST_VALUE = 64  # as the columns of the inspection
_FIELD = re.compile(r"\{(lot|serial|\*)(?::([1-9][0-9]?))?\}")
# ISO/IEC 15424: what a scanner sends before the text, so that the symbology is known.
_SYMBOLOGY_PREFIX = re.compile(r"^\][A-Za-z][0-9A-Za-z]")
_GS1_PREFIXES = ("]C1", "]e0", "]d2", "]Q3", "]J1")
_GROUP, _RECORD, _END = "\x1d", "\x1e", "\x04"
_BRACKETED = re.compile(r"\((\d{2,4})\)([^()]+)")
_LABELS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (LOT, re.compile(r"(?:lot|batch|로트|배치)(?:\s*(?:no\.?|번호))?\s*([:=#]?)\s*(.+)", re.IGNORECASE | re.DOTALL)),
    (
        SERIAL,
        re.compile(
            r"(?:serial|ser|s/?n|시리얼|일련)(?:\s*(?:no\.?|number|번호))?\s*([:=#]?)\s*(.+)", re.IGNORECASE | re.DOTALL
        ),
    ),
)
# GS1 General Specifications, section 7.8.5: identifiers of a predefined length, by their first two digits:
# (digits of the identifier, characters of its value).
_FIXED: dict[str, tuple[int, int]] = {
    "00": (2, 18),
    **dict.fromkeys(("01", "02", "03"), (2, 14)),
    "04": (2, 16),
    **{f"{first}": (2, 6) for first in range(11, 20)},
    "20": (2, 2),
    **{f"{first}": (4, 6) for first in range(31, 37)},
    "41": (3, 13),
}
_LONG_IDENTIFIERS = {"39": 4, "43": 4, "70": 4, "71": 3, "72": 4, "80": 4, "81": 4, "82": 4} | dict.fromkeys(
    ("23", "24", "25", "40", "42"), 3
)
_SHORT_IDENTIFIERS = {"10", "21", "22", "30", "37"} | {f"{first}" for first in range(90, 100)}


@dataclass(frozen=True)
class CodeRule:
    """A rule that was read; without a `pattern` it is AUTOMATIC."""

    text: str
    pattern: re.Pattern[str] | None = None

    def find(self, code: str, *, is_gs1: bool = False, names_product: bool = False) -> dict[str, str]:
        """Return what the text of a code says: `lot`, `serial`, both or nothing.

        `is_gs1`: the symbol itself said so. `names_product`: it is of a kind (EAN) that is the same on every part.
        """
        text = code[:LONGEST_CODE].strip(" \r\n\t")
        if self.pattern is not None:
            found = self.pattern.fullmatch(_without_prefix(text))
            return _values({} if found is None else found.groupdict())
        return _values(_find_automatically(text, is_gs1=is_gs1, names_product=names_product))


def read_code_rule(text: str) -> CodeRule | None:
    """Return the rule that a person wrote; None where codes are not read.

    Raises BadInput: code_rule_too_long, code_rule_without_field, code_rule_field (a field that there is not, or twice),
    code_rule_ambiguous (two fields side by side, of which the first does not say how long it is).
    """
    written = unicodedata.normalize("NFC", text.strip())
    if not written:
        return None
    if written.lower() == AUTOMATIC:
        return CodeRule(AUTOMATIC)
    if len(written) > LONGEST_RULE:
        raise BadInput("code_rule_too_long", highest=LONGEST_RULE)
    fields = [found[1] for found in _FIELD.finditer(written) if found[1] != "*"]
    plain = _FIELD.split(written)[::3]
    if any("{" in one or "}" in one for one in plain) or len(fields) != len(set(fields)):
        raise BadInput("code_rule_field", rule=written)
    if not fields:
        raise BadInput("code_rule_without_field", rule=written)
    return CodeRule(written, _compile(written, plain))


def _compile(written: str, plain: list[str]) -> re.Pattern[str]:
    pieces = [re.escape(plain[0])]
    found = list(_FIELD.finditer(written))
    for place, field in enumerate(found):
        after = plain[place + 1]
        is_last = place == len(found) - 1
        if field[2]:
            inside = f".{{{int(field[2])}}}"
        elif after:
            inside = f"[^{re.escape(after[0])}]+"
        elif is_last:
            inside = ".+"
        else:
            raise BadInput("code_rule_ambiguous", rule=written)
        pieces += [inside if field[1] == "*" else f"(?P<{field[1]}>{inside})", re.escape(after)]
    return re.compile("".join(pieces), re.DOTALL)


def _values(found: Mapping[str, str]) -> dict[str, str]:
    """Return the values without blanks around them; none where one does not fit its column or holds control signs."""
    values = {name: text.strip() for name, text in found.items() if text.strip()}
    fits = all(
        len(text) <= _LONGEST_VALUE and not any(unicodedata.category(c) == "Cc" for c in text)
        for text in values.values()
    )
    return values if fits else {}


def _without_prefix(text: str) -> str:
    return _SYMBOLOGY_PREFIX.sub("", text)


def _find_automatically(text: str, *, is_gs1: bool, names_product: bool) -> dict[str, str]:
    says_gs1 = is_gs1 or text.startswith(_GS1_PREFIXES)
    text = _without_prefix(text)
    if text.startswith("[)>"):
        return _find_by_data_identifiers(text)
    if text.lower().startswith(("http://", "https://")):
        return _find_in_digital_link(text)
    if says_gs1 or _GROUP in text:
        return _pick(_split_elements(text))
    if _BRACKETED.sub("", text) == "" and text:
        return _pick(dict(_BRACKETED.findall(text)))
    labeled = _find_labels(text)
    if labeled:
        return labeled
    return {} if names_product else {SERIAL: text}


def _pick(elements: Mapping[str, str]) -> dict[str, str]:
    return {name: elements[key] for name, key in ((LOT, "10"), (SERIAL, "21")) if key in elements}


def _split_elements(text: str) -> dict[str, str]:
    """Return the GS1 elements by identifier; none where the text is not made of them throughout."""
    elements: dict[str, str] = {}
    rest = text.strip(_GROUP)
    while rest:
        first = rest[:2]
        if first in _FIXED:
            digits, length = _FIXED[first]
            identifier, value, rest = rest[:digits], rest[digits : digits + length], rest[digits + length :]
            if len(value) < length:
                return {}
            rest = rest.removeprefix(_GROUP)
        else:
            digits = 2 if first in _SHORT_IDENTIFIERS else _LONG_IDENTIFIERS.get(first, 0)
            identifier, (value, _sep, rest) = rest[:digits], rest[digits:].partition(_GROUP)
        if not identifier.isdecimal() or not value:
            return {}
        elements.setdefault(identifier, value)
    return elements


def _find_in_digital_link(text: str) -> dict[str, str]:
    segments = urlsplit(text).path.strip("/").split("/")
    if "01" not in segments:
        return {}
    pairs = segments[segments.index("01") :]
    return _pick({key: unquote(value) for key, value in zip(pairs[::2], pairs[1::2], strict=False)})


def _find_by_data_identifiers(text: str) -> dict[str, str]:
    """Return what the fields of format 06 say (ANSI MH10.8.2: 1T is the supplier's lot, S the serial number)."""
    found: dict[str, str] = {}
    for field in text.removeprefix("[)>").replace(_END, "").replace(_RECORD, _GROUP).split(_GROUP):
        if field.startswith("1T"):
            found.setdefault(LOT, field[2:])
        elif field.startswith("S"):
            found.setdefault(SERIAL, field[1:])
    return found


def _find_labels(text: str) -> dict[str, str]:
    pieces = [piece.strip() for piece in re.split(r"[;,|&\n\r\t]", text) if piece.strip()]
    words = text.split()
    if len(pieces) == 1 and len(words) > 1 and all(_read_label(word) for word in words):
        pieces = words
    found: dict[str, str] = {}
    for piece in pieces:
        read = _read_label(piece)
        # Of "SN000123" alone nobody can tell whether SN belongs to the number.
        if read is not None and (read[2] or len(pieces) > 1 or read[0] == LOT):
            found.setdefault(read[0], read[1])
    return found


def _read_label(piece: str) -> tuple[str, str, bool] | None:
    """Return (field, value, whether a sign stands between them) of "LOT: 7" or "LOT7"; None for "LOTUS"."""
    for name, pattern in _LABELS:
        found = pattern.fullmatch(piece)
        if found is not None and (found[1] or not (found[2][0].isalpha() or " " in found[2])):
            return name, found[2].lstrip(" -"), bool(found[1])
    return None
