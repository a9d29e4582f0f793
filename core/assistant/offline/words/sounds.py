"""English words as Korean writes them by ear: 캐스팅 is casting, 크랙 is crack. Compared by what both sound like."""

from __future__ import annotations

import re
from functools import lru_cache

_FIRST = ["k", "k", "n", "t", "t", "r", "m", "p", "p", "s", "s", "", "j", "j", "j", "k", "t", "p", "h"]
_LAST = " kkknnntrkmprrprmppttNtjktpt"
# 0 ㅏ to 20 ㅣ. The vowel of 그 is written only because Korean needs one: English has none there.
_VOWELS = "aeaeoeoeoaeaouoeiuWii"
_HEARD = {"a": "aeo", "e": "eioa", "i": "ia", "o": "ou", "u": "uao", "y": "iau", "ou": "aou"}
_SHORTEST = 4


def sound_alike(korean: str, english: str) -> bool:
    """Return whether a Korean word is likely an English one by ear; short words sound like too many others."""
    heard = _sound_of_korean(korean)
    if len(heard) < _SHORTEST:
        return False
    written = _sounds_of_english(english)
    if heard not in written:
        return False
    letters = re.findall(r"(?<![aeiou])(?:ou|[aeiou])|(?<=[^aeiou])y", re.sub(r"(?<=[^aeiou])e$", "", english))
    said = [_VOWELS[place] for place in _vowel_places(korean) if _VOWELS[place] != "W"]
    # Where as many vowels are written as heard, each has to fit.
    pairs = zip(said, letters, strict=False) if len(said) == len(letters) else zip(said[:1], letters[:1], strict=False)
    return all(one in _HEARD[letter] for one, letter in pairs)


def _vowel_places(korean: str) -> list[int]:
    return [(ord(one) - 0xAC00) % 588 // 28 for one in korean if "가" <= one <= "힣"]


@lru_cache(maxsize=4096)
def _sound_of_korean(word: str) -> str:
    heard = ""
    for one in word:
        if not "가" <= one <= "힣":
            return ""
        place = ord(one) - 0xAC00
        vowel, last = place % 588 // 28, place % 28
        heard += _FIRST[place // 588] + ("" if _VOWELS[vowel] == "W" else "V") + _LAST[last].strip()
    heard = re.sub(r"(.)\1+", r"\1", heard)
    # 스크래치, 브러시: the last vowel is not heard.
    return heard[:-1] if re.search(r"[치시지]$", word) else heard


@lru_cache(maxsize=4096)
def _sounds_of_english(word: str) -> frozenset[str]:
    word = re.sub(r"(?<=[^aeiou])e$", "", re.sub(r"[^a-z]", "", word))
    # Korean writes no r after a vowel where none follows: 카펫 is carpet. An s may be heard as ㅈ, a th as ㅅ.
    without_r = re.sub(r"(?<=[aeiou])r(?![aeiouyr])", "", word)
    others = (without_r, word.replace("th", "s"), re.sub(r"(?<=[aeiou])s(?=[aeiou])", "j", word))
    return frozenset(_sound(one) for one in (word, *others))


def _sound(word: str) -> str:
    word = re.sub(r"(?<=[a-z])h(?![aeiouy])(?<![cspt]h)", "", word)
    for letters, heard in (
        ("tch", "J"), ("ch", "J"), ("sh", "S"), ("ph", "P"), ("th", "T"), ("ck", "K"), ("qu", "K"), ("x", "KS"),
    ):  # fmt: skip
        word = word.replace(letters, heard)
    word = re.sub(r"c(?=[eiy])", "S", word)
    word = re.sub(r"ng(?![aeiou])", "N", word)
    word = re.sub(r"^y|w", "", word)
    word = re.sub(r"[aeiouy]+", "V", word)
    table = str.maketrans("ckgtdbpfvszjlrnmhqJSPTK", "kkkttppppssjrrnmhkjsptk")
    return re.sub(r"([^N])\1+", r"\1", word.translate(table))
