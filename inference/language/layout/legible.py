"""Whether letters are what is seen on the page: a font without a character map gives others.

Such a page is treated as one without text: what it says would be searched and quoted in letters that mean nothing.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence

from inference.language.layout.sheet import Word

# Shares of the letters in English, of a hundred thousand; other languages in Latin script are near enough.
_LATIN = dict(
    zip(
        "abcdefghijklmnopqrstuvwxyz",
        (
            8167, 1492, 2782, 4253, 12702, 2228, 2015, 6094, 6966, 253, 1772, 4025, 2406,
            6749, 7507, 1929, 195, 5987, 6327, 9056, 2758, 978, 2360, 250, 1974, 174,
        ),
        strict=True,
    )
)  # fmt: skip
# Syllables that more than half of any Korean text is made of.
_KOREAN = frozenset(
    "이다는을를의에가고하은로기한지도사인어정시과자해리대수서일나부장보전면공상제라있아주스고여들것그으불량원조치확점검부품작업설비"
    "교체청소발생표격리기준합니습경우까때및또록마만매모무물방번비생선성세속손신않안야양열온와요용우위유음입재적절접중즉진질차처"
    "측크터통트판페포폐표품필함행형호화후"
)
_LEAST_LATIN, _LEAST_KOREAN, _LEAST_STRANGE = 60, 24, 12
# The mean logarithm of the shares: prose is near -2.9, shifted letters near -3.5; short texts stray.
_LATIN_AT_LEAST, _SHORT_LATIN_AT_LEAST, _SHORT = -3.15, -3.38, 200
_KOREAN_SHARE = 0.22
_STRANGE_SHARE = 0.05


def is_legible(words: Sequence[Word]) -> bool:
    """Return whether the words of a page can be what is seen: neither without a meaning of their own nor scrambled.

    Each font is looked at by itself: one that cannot be read is enough where it sets more than a few symbols.
    """
    fonts: dict[int, list[Word]] = {}
    for word in words:
        fonts.setdefault(word.font, []).append(word)
    total = sum(len(word.text) for word in words)
    strange = sum(len(word.text) for group in fonts.values() if _is_scrambled(group) for word in group)
    strange += sum(_count_strange(word) for group in fonts.values() if not _is_scrambled(group) for word in group)
    return strange < _LEAST_STRANGE or strange < _STRANGE_SHARE * total


def _count_strange(word: Word) -> int:
    if not word.legible:
        return len(word.text)
    return sum(
        letter == "\N{REPLACEMENT CHARACTER}" or unicodedata.category(letter) in {"Cc", "Co", "Cn", "Cs"}
        for letter in word.text
    )


def _is_scrambled(words: Sequence[Word]) -> bool:
    """Return whether the letters come as often as in no language that manuals are written in."""
    text = "".join(word.text for word in words)
    korean = [letter for letter in text if "가" <= letter <= "힣"]
    if len(korean) >= _LEAST_KOREAN and sum(letter in _KOREAN for letter in korean) < _KOREAN_SHARE * len(korean):
        return True
    accented = sum("\u00a1" <= letter <= "\u00ff" and letter.isalpha() for letter in text)
    if accented >= _LEAST_STRANGE and accented > 0.4 * len(text):
        return True
    latin = [letter for letter in text.lower() if letter in _LATIN]
    if len(latin) < _LEAST_LATIN or len(latin) < 0.5 * len(text):
        return False
    mean = sum(math.log(_LATIN[letter] / 100_000) for letter in latin) / len(latin)
    return mean < (_LATIN_AT_LEAST if len(latin) >= _SHORT else _SHORT_LATIN_AT_LEAST)
