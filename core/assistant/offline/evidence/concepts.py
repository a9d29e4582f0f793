"""Which concepts a message holds: words of one meaning are one piece of evidence, and slips of the finger too."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

import numpy as np

from core.assistant.offline.evidence.examples import list_example_words, load_concepts
from core.assistant.offline.words.text import HANGUL, strip_particle

# What is masked is evidence as well: a question with a defect type is more likely one for the manual.
_MASKS = "PTDLSKN"
_SHORT = 14
_FORMS = r"(?:e?s|e?d|ing|er)?"
# 만 and 는 mean something only behind what they belong to.
_BEHIND = frozenset({"only", "also"})
_LEAST_TO_CORRECT, _LONG, _LONG_KOREAN = 4, 8, 3
_N, _L, _M, _P, _SS = "\u11ab", "\u11af", "\u11b7", "\u11b8", "\u11bb"
_FINAL = frozenset(chr(code) for code in range(0x11A8, 0x11C3))
# What a stem's last vowel becomes with 어: 생기 생겨, 나오 나와, 주 줘, 뜨 떠, 되 돼.
_CONTRACTED = {"\u1175": "\u1167", "\u1169": "\u116a", "\u116e": "\u116f", "\u1173": "\u1165", "\u116c": "\u116b"}
_ALIKE = str.maketrans("ᅢᅤᅨᅫᅰᆻ", "ᅦᅦᅦᅬᅬᆺ")


def read_concepts(masked: str) -> np.ndarray:
    """Return 1 for each concept, each mask and shortness that the masked message has, else 0."""
    found = [pattern.search(masked) is not None for pattern in _patterns()]
    found += [mark in masked for mark in _MASKS]
    return np.array([*found, len(masked) < _SHORT], np.float64)


def has_concept(masked: str, name: str) -> bool:
    """Return whether the masked message holds this concept."""
    place = [one for one, _words in load_concepts()].index(name)
    return _patterns()[place].search(masked) is not None


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile("|".join(_pattern(name, one) for one in words)) for name, words in load_concepts())


def _pattern(name: str, said: str) -> str:
    if said.endswith("~"):
        return _pattern_of_stem(said[:-1])
    if HANGUL.search(said) or not said.isascii():
        if len(said) == 1:
            return rf"(?<=[가-힣A-Z]){said}(?![가-힣])" if name in _BEHIND else rf"(?<![가-힣]){said}(?![가-힣])"
        return r"\s*".join(re.escape(one) for one in said.replace(" ", ""))
    body = r"[\s-]+".join(re.escape(word.rstrip("*")) for word in said.casefold().split())
    end = r"\w*" if said.endswith("*") else _FORMS
    return rf"(?<![a-z]){body}{end}(?![a-z])"


def _pattern_of_stem(stem: str) -> str:
    spaced = [r"\s*".join(re.escape(one) for one in form.replace(" ", "")) for form in conjugate(stem)]
    # A stem of one syllable begins a word: 많, but no 많 within another.
    return rf"{'(?<![가-힣])' if len(stem) == 1 else ''}(?:{'|'.join(spaced)})"


def conjugate(stem: str) -> tuple[str, ...]:
    """Return what the forms of a Korean verb or adjective begin with: 흔하 is 흔한, 흔해, 흔했, 생기 is 생겨, 생긴."""
    jamo = unicodedata.normalize("NFD", stem)
    if jamo[-1] in _FINAL:
        # 만들 loses its ㄹ: 만든, 만듭.
        soft = [jamo[:-1] + end for end in (_N, _P)] if jamo[-1] == _L and len(stem) > 1 else []
        return tuple(unicodedata.normalize("NFC", one) for one in (jamo, *soft))
    forms = [jamo, *(jamo + end for end in (_N, _L, _M, _P))]
    if stem[-1] == "하":
        contracted = [jamo[:-1] + "\u1162"]
    elif stem[-1] == "르" and len(stem) > 1:
        before = unicodedata.normalize("NFD", stem[:-1])
        contracted = [before + _L + ("라" if before[-1] in "\u1161\u1169" else "러")]
        contracted = [unicodedata.normalize("NFD", one) for one in contracted]
    elif jamo[-1] in _CONTRACTED:
        contracted = [jamo[:-1] + _CONTRACTED[jamo[-1]]]
    else:
        contracted = [jamo]
    forms += [one for base in contracted for one in (base, base + _SS)]
    return tuple(dict.fromkeys(unicodedata.normalize("NFC", one) for one in forms))


def correct_spelling(masked: str) -> str:
    """Return masked text with words that are a slip away from a word of the tasks put right, English and Korean."""
    return re.sub(rf"[a-z]{{{_LEAST_TO_CORRECT},}}|[가-힣]{{2,}}", lambda found: _correct(found[0]), masked)


@lru_cache(maxsize=4096)
def _correct(word: str) -> str:
    known = list_example_words()
    # 교대로 is 교대 with a particle, and no slip of 그대로.
    if word in known or strip_particle(word) in known or any(pattern.search(word) for pattern in _patterns()):
        return word
    near = _near_korean(word) if HANGUL.match(word) else _near_english(word)
    return min(near)[1] if near else word


def _near_english(word: str) -> list[tuple[int, str]]:
    at_most = 1 if len(word) < _LONG else 2
    likely = [
        other
        for other in list_example_words()
        if other[0] == word[0] and abs(len(other) - len(word)) <= at_most and len(other) >= _LEAST_TO_CORRECT
    ]
    found = [(count_slips(word, other), other) for other in likely]
    return [one for one in found if one[0] <= at_most]


def _near_korean(word: str) -> list[tuple[int, str]]:
    """Return words that sound alike (임게값), and of three syllables or more those with another letter (임계걊)."""
    jamo = _to_jamo(word)
    at_most = 0 if len(word) < _LONG_KOREAN else 1
    likely = [(other, sound) for other, sound in _korean_words() if abs(len(sound) - len(jamo)) <= at_most]
    if not at_most:
        return [(0, other) for other, sound in likely if sound == jamo]
    # Two with one slip between them have nearly the same letters: far fewer are to be compared in order.
    likely = [(other, sound) for other, sound in likely if len(set(sound) ^ set(jamo)) <= 2]
    found = [(count_slips(jamo, sound), other) for other, sound in likely]
    return [one for one in found if one[0] <= at_most]


@cache
def _korean_words() -> tuple[tuple[str, str], ...]:
    words = sorted(word for word in list_example_words() if HANGUL.match(word) and len(word) >= 2)
    return tuple((word, _to_jamo(word)) for word in words)


def _to_jamo(word: str) -> str:
    """Return the letters of a Korean word, those that sound alike as one: ㅐ and ㅔ, ㅙ and ㅚ, ㅅ and ㅆ at an end."""
    return unicodedata.normalize("NFD", word).translate(_ALIKE)


def count_slips(word: str, other: str) -> int:
    """Return how many letters were left out, added, changed or swapped with the next one."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for place, letter in enumerate(word, 1):
        older, before, row = before, row, [place]
        for at, wanted in enumerate(other, 1):
            best = min(before[at] + 1, row[at - 1] + 1, before[at - 1] + (letter != wanted))
            if place > 1 and at > 1 and letter == other[at - 2] and word[place - 2] == wanted:
                best = min(best, older[at - 2] + 1)
            row.append(best)
    return row[-1]
