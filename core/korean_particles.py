"""Korean particles that fit the word before them: 기공으로, 치수로, 999가.

A translation leaves both forms open after a gap, as in "{name}은(는)": which one is right is known when it is filled.
The rules are those of the Standard Korean Grammar: by the final sound of what is read out, digits and letters too.
"""

from __future__ import annotations

import re
from typing import Any, Final, Literal

# Ends in a vowel, in ㄹ (after which it is 로, as after a vowel), or in another consonant.
Sound = Literal["vowel", "rieul", "consonant"]

_OPEN = re.compile(
    r"은\(는\)|는\(은\)|이\(가\)|가\(이\)|을\(를\)|를\(을\)|와\(과\)|과\(와\)|\(으\)로|\(이\)(?=[가-힣])"
)
# After a consonant, after a vowel.
_FORMS: Final = {"은": ("은", "는"), "이": ("이", "가"), "을": ("을", "를"), "과": ("과", "와")}
_PAIRS: Final = {"는": "은", "가": "이", "를": "을", "와": "과"}
_CLOSING = "\"'”’»」』》】]`*_ "
_SYLLABLES, _FINALS, _RIEUL = (0xAC00, 0xD7A3), 28, 8
# 영·십·백·천·만, 일, 이, 삼, 사, 오, 육, 칠, 팔, 구.
_DIGITS: Final[dict[str, Sound]] = {
    "0": "consonant", "1": "rieul", "2": "vowel", "3": "consonant", "4": "vowel", "5": "vowel", "6": "consonant",
    "7": "rieul", "8": "rieul", "9": "vowel",
}  # fmt: skip
_LETTERS: Final[dict[str, Sound]] = {"l": "rieul", "m": "consonant", "n": "consonant", "r": "rieul"}
_WORD = re.compile(r"\.?[A-Za-z]+$")
# What a word of Latin letters ends in, as it is said in Korean; nothing where that differs from word to word.
_ENDINGS: Final[tuple[tuple[str, Sound], ...]] = (
    ("ng", "consonant"), ("le", "rieul"), ("l", "rieul"), ("ne", "consonant"), ("me", "consonant"),
    ("n", "consonant"), ("m", "consonant"), ("ee", "vowel"), *((one, "vowel") for one in "adfhiorsuvwxyz"),
)  # fmt: skip


class KoreanText(str):
    """A sentence with gaps; filling it chooses the particles."""

    __slots__ = ()

    def format(self, *args: Any, **values: Any) -> str:
        """Return the sentence with its gaps filled, as `str.format` does."""
        return fit_particles(super().format(*args, **values))

    def format_map(self, mapping: Any, /) -> str:
        """Return the sentence with its gaps filled, as `str.format_map` does."""
        return fit_particles(super().format_map(mapping))


def has_open_particle(text: str) -> bool:
    """Return whether a particle stands there in both forms."""
    return _OPEN.search(text) is not None


def fit_particles(text: str) -> str:
    """Return the text with each particle in the form that fits what stands before it.

    Where nobody can tell how that is read ("kit"), both forms stay.
    """
    return _OPEN.sub(lambda found: _choose(found[0], _final_sound(text[: found.start()])), text)


def _choose(both: str, sound: Sound | None) -> str:
    if sound is None:
        return both
    if both == "(으)로":
        return "으로" if sound == "consonant" else "로"
    if both == "(이)":
        return "" if sound == "vowel" else "이"
    after_consonant, after_vowel = _FORMS[_PAIRS.get(both[0], both[0])]
    return after_vowel if sound == "vowel" else after_consonant


def _final_sound(before: str) -> Sound | None:
    """Return what the text is heard to end in; None where that cannot be told."""
    text = before.rstrip(_CLOSING)
    while text.endswith(")") and "(" in text:
        # What stands in brackets is not read: 기공(pore)이.
        text = text[: text.rindex("(")].rstrip(_CLOSING)
    if not text:
        return None
    last = text[-1]
    if _SYLLABLES[0] <= ord(last) <= _SYLLABLES[1]:
        final = (ord(last) - _SYLLABLES[0]) % _FINALS
        return "vowel" if final == 0 else "rieul" if final == _RIEUL else "consonant"
    if last in _DIGITS:
        return _DIGITS[last]
    if last == "%":
        return "vowel"
    word = _WORD.search(text)
    return None if word is None else _final_sound_of_word(word[0])


def _final_sound_of_word(word: str) -> Sound | None:
    """Return the same for Latin letters; those of NG, PCB and .png are named one by one."""
    is_ending, word = word.startswith("."), word.removeprefix(".")
    if is_ending or word.isupper() or not set(word.lower()) & set("aeiouy"):
        return _LETTERS.get(word[-1].lower(), "vowel")
    return next((sound for ending, sound in _ENDINGS if word.lower().endswith(ending)), None)
