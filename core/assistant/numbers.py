"""Numbers never come from a model: each in its words must stand in a result of this turn, or be the person's own."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.assistant.results import ToolResult

_NUMBER = re.compile(r"[-−]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|[-−]?\.\d+")
_DATE = re.compile(r"(\d{4})\s*[-./년]\s*(\d{1,2})\s*[-./월]\s*(\d{1,2})")
_PERCENT_AFTER = re.compile(r"\s*(?:%|퍼센트|프로(?![가-힣])|percent)")
# The mark of a numbered line is no end of a sentence.
_SENTENCE_END = re.compile(r"(?<![\s\d][0-9]\.)(?<!^[0-9]\.)(?<=[.!?。！？])\s+|\n+", re.MULTILINE)
_WORDS_FOR_NUMBERS = re.compile(
    r"\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fifteen|twenty|thirty|forty|fifty|sixty|"
    r"seventy|eighty|ninety|hundreds?|thousands?|millions?|dozens?|half|twice|double|doubled|triple|tripled|a third|"
    r"a quarter|none|zero)\b"
    r"|(?<![가-힣])(?:두|세|네|다섯|여섯|일곱|여덟|아홉|열|스무|수십|수백|수천|[일이삼사오육칠팔구]?[십백천만])\s*(?:건|개|번|배|장|퍼센트|프로|명|일|주)"
    r"|절반|두\s*배|세\s*배|반\s*이상",
    re.IGNORECASE,
)
_LIST_MARK = re.compile(r"^\s*(?:\d{1,2}[.)]|[-*•])\s+(?=\S)")
_LONGEST_DIGITS = 15


@dataclass(frozen=True)
class Known:
    """The numbers that may be said: values as they stand in results, and digits within names and dates."""

    values: tuple[float, ...]
    texts: frozenset[str]
    words: str

    def allows(self, said: str, *, is_percent: bool) -> bool:
        """Return whether a number is one of these: the same value, or the same rounded to the digits that were said."""
        plain = said.replace(",", "").replace("−", "-")
        if plain in self.texts:
            return True
        if len(plain) > _LONGEST_DIGITS:
            return False
        value = float(plain)
        decimals = len(plain.partition(".")[2])
        step = 0.5 * 10.0**-decimals
        for known in self.values:
            for one in (known * 100.0,) if is_percent else (known,):
                if one == value or (decimals and abs(one - value) <= step * (1.0 + 1e-9)):
                    return True
                # Whole numbers are rounded only where the known value is none itself, or a share in percent.
                if not decimals and not float(known).is_integer() and abs(one - value) <= step:
                    return True
        return is_percent and any(known == value for known in self.values if known > 1.0)


def know(results: Iterable[ToolResult], *, said: Sequence[str] = ()) -> Known:
    """Return the numbers of these results, and those that the person said."""
    values: list[float] = []
    texts: set[str] = set()
    words: list[str] = []
    for result in results:
        cells = [cell for row in result.rows for cell in row]
        values += [float(cell) for cell in cells if isinstance(cell, int | float) and not isinstance(cell, bool)]
        told = [*result.words, result.query, result.title, *(cell for cell in cells if isinstance(cell, str))]
        told += [f"{quote.text} {quote.page or ''} {quote.manual}" for quote in result.quotes]
        told += [str(value) for value in result.arguments.values()]
        words += told
        values += [float(len(result.rows)), float(result.n_left_out)] if result.rows else []
    words += said
    for text in words:
        text = unicodedata.normalize("NFKC", text)
        for found in _NUMBER.finditer(text):
            plain = found[0].replace(",", "").replace("−", "-")
            texts.add(plain.lstrip("-") if plain.startswith("-") else plain)
            if len(plain) <= _LONGEST_DIGITS:
                percent = _PERCENT_AFTER.match(text, found.end()) is not None
                values.append(float(plain) / 100.0 if percent else float(plain))
        for found in _DATE.finditer(text):
            texts |= {part.lstrip("0") for part in found.groups()} | set(found.groups())
    return Known(tuple(values), frozenset(texts), " ".join(words).casefold())


def is_supported(sentence: str, known: Known) -> bool:
    """Return whether every number in a sentence is known, in digits or in words."""
    text = _LIST_MARK.sub("", unicodedata.normalize("NFKC", sentence))
    for found in _NUMBER.finditer(text):
        said = found[0]
        before = text[found.start() - 1] if found.start() else " "
        if said[0] in "-−" and (before.isalnum() or before in "-−"):
            said = said[1:]  # a hyphen, as in a date or a lot
        percent = _PERCENT_AFTER.match(text, found.end()) is not None
        if not known.allows(said, is_percent=percent):
            return False
    return all(found[0].casefold() in known.words for found in _WORDS_FOR_NUMBERS.finditer(text))


def split_sentences(text: str) -> list[str]:
    """Return the sentences of a text, each with its end; lines are sentences of their own."""
    return [part.strip() for part in _SENTENCE_END.split(text) if part.strip()]


def split_finished(text: str) -> tuple[list[str], str]:
    """Return the sentences of a text that is still growing that are over, and what is not over yet."""
    end = max((found.end() for found in _SENTENCE_END.finditer(text)), default=0)
    return split_sentences(text[:end]), text[end:]
