"""Which defects a text names: this one, other ones of the product, or both."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

# A Korean noun is followed by its particle, or by a noun that leads on from it.
_AFTER_A_SYLLABLE = (
    "(?=(?:은|는|이|가|을|를|의|에|에서|에는|와|과|도|만|로|으로|나|이나|처럼|까지|부터|라면|이면|란|이란|"
    "불량|결함|발생|제거|방지|처리|검사|부위|자국|높이|크기|길이|유형|종류)(?![가-힣])|[^가-힣]|$)"
)
_PARTING = re.compile(r"[\s_\-‐‑/·.,()]+")
_BETWEEN = r"[\s_\-‐‑/·]*"
_LONG_WORD = 3
# A code of one letter or figure is one where it stands alone, in a cell or in brackets, or behind what it is: "a" is
# a word of English, and "1" the number of a step.
_CODE_BEFORE = (
    r"(?:(?<=\|)|(?<=\| )|(?<=[(\[\n])|(?<![\s\S])"
    r"|(?<=code )|(?<=type )|(?<=defect )|(?<=class )|(?<=코드 )|(?<=유형 )|(?<=불량 ))"
)
_CODE_AFTER = r"(?=\s*(?:[|)\]:：\n]|$)|\s*\|)"
# A product may have a type called so: a text that says the word does not speak of that type.
_SAYS_NOTHING = frozenset({"불량", "결함", "이상", "기타", "defect", "defects", "ng", "bad", "other", "others", "etc"})


@dataclass(frozen=True)
class Named:
    """Whether a text names this defect, and whether it names another one."""

    own: bool
    other: bool

    @property
    def alone(self) -> bool:
        """Return whether it names this defect and no other."""
        return self.own and not self.other


class DefectNames:
    """The names of one defect, and those of the product's other ones. Where one name holds another, the longer counts.

    A name of one syllable counts as a word of its own only (버, 버를; not 서버), Latin ones between word boundaries and
    in the plural, too; hyphens, underscores and spaces are the same.
    """

    def __init__(self, own: Sequence[str], others: Sequence[Sequence[str]] = ()) -> None:
        mine = {_squeeze(name): name for name in own if _squeeze(name)}
        telling = {key: name for key, name in mine.items() if key not in _SAYS_NOTHING}
        self._own = frozenset(telling or mine)
        foreign = {_squeeze(name): name for names in others for name in names if _squeeze(name)}
        kept = {key: name for key, name in foreign.items() if key not in mine and key not in _SAYS_NOTHING}
        self.knows_others = bool(kept)
        names = sorted([*(telling or mine).items(), *kept.items()], key=lambda item: -len(item[0]))
        self._keys = [key for key, _name in names]
        self._pattern = re.compile("|".join(f"({_pattern(name)})" for _key, name in names)) if names else None

    def __bool__(self) -> bool:
        """Return whether there is a name of this defect at all."""
        return bool(self._own)

    def find(self, text: str) -> Named:
        """Return which defects the text names."""
        own = other = False
        if self._pattern is not None:
            for found in self._pattern.finditer(_fold(text)):
                is_own = self._keys[(found.lastindex or 1) - 1] in self._own
                own, other = own or is_own, other or not is_own
        return Named(own, other)

    def without(self, text: str) -> str:
        """Return the text, folded, without any name: what is left of a heading tells its section."""
        folded = _fold(text)
        return self._pattern.sub(" ", folded) if self._pattern is not None else folded


@lru_cache(maxsize=4096)
def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _squeeze(text: str) -> str:
    return "".join(character for character in _fold(text) if character.isalnum())


def _pattern(name: str) -> str:
    """Return the regular expression of a name; it has no groups."""
    words = [word for word in _PARTING.split(_fold(name)) if word]
    if len(words) == 1 and len(words[0]) == 1 and words[0].isascii():
        return _CODE_BEFORE + re.escape(words[0]) + _CODE_AFTER
    parts = [_spell(word, is_last=word is words[-1]) for word in words]
    spelled = _BETWEEN.join(parts)
    before = after = ""
    first, last = words[0][0], words[-1][-1]
    if _is_hangul(first):
        before = "(?<![가-힣])" if len(words[0]) == 1 else ""
    elif first.isalnum():
        before = "(?<![a-z0-9])"
    if _is_hangul(last):
        after = _AFTER_A_SYLLABLE if len(words) == 1 and len(words[0]) == 1 else ""
    elif last.isalnum():
        after = "(?![a-z0-9])"
    return f"{before}{spelled}{after}"


def _spell(word: str, *, is_last: bool) -> str:
    if all(map(_is_hangul, word)) and len(word) >= _LONG_WORD:
        # Compounds are written together or apart.
        return r"\s?".join(word)
    plural = "(?:e?s)?" if is_last and word.isascii() and word[-1].isalpha() else ""
    return re.escape(word) + plural


def _is_hangul(character: str) -> bool:
    return "가" <= character <= "힣"
