"""What people type, made comparable: letters, numbers in words, particles."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

LONGEST = 2000
_ENGLISH_NUMBERS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "ninety": 90,
    "hundred": 100,
}  # fmt: skip
_NAMES = "|".join(_ENGLISH_NUMBERS)
_COUNTED = re.compile(
    rf"\b({_NAMES})(?=\s*(?:minutes?|mins?|hours?|hrs?|epochs?|days?|weeks?|months?|parts?|inspections?|types?|defects?"
    r"|rejects?|ng|images?|pictures?|reasons?|kinds?|pieces|runs?|(?:most|latest|newest|last|worst|biggest) )\b)"
)
# “line three”; but “the last one” is no number.
_NUMBERED = re.compile(
    r"\b(line|station|machine|press|run|lot|inspection|shift|training|top|last|past)\s+(?:no\.? |number )?"
    rf"({_NAMES})\b(?<!last one)(?<!past one)(?<!top one)(?<!run one)"
)
_ORDINALS = {"first": "1st", "second": "2nd", "third": "3rd", "fourth": "4th", "fifth": "5th", "sixth": "6th"}
_ORDINAL_LINE = re.compile(rf"\b({'|'.join(_ORDINALS)})(?= (?:line|station|machine)\b)")
_KOREAN_NUMBERS = {
    "한": 1, "첫": 1, "두": 2, "세": 3, "네": 4, "다섯": 5, "여섯": 6, "일곱": 7, "여덟": 8, "아홉": 9, "열": 10,
    "스무": 20, "삼십": 30, "이십": 20, "십오": 15, "십": 10, "오십": 50, "오": 5, "백": 100,
}  # fmt: skip
_KOREAN_COUNTED = re.compile(
    rf"(?<![가-힣])({'|'.join(one for one in _KOREAN_NUMBERS if one != '첫')})\s*"
    r"(?=\s*(?:시간|분(?!류|할|석|포|기)|에폭|에포크|개(?!선|수|별|발)|주(?:일)?\s|달\s|건|번|일간|장(?![가-힣])|가지))"
)
_KOREAN_ORDINAL_LINE = re.compile(r"(첫|두|세|네|다섯|여섯)\s*번?째\s*(?=라인|호기|공정)")
_SPOKEN = "일이삼사오육칠팔구"
# 이 라인 is this line: what is written in one word is a number.
_SPOKEN_LINE = re.compile(rf"(?<![가-힣])([{_SPOKEN}])(?=(?:번\s*)?(?:라인|호기|공정))")
PARTICLES = (
    "에서는|에서의|에서|에게|으로는|으로|로는|로|까지|부터|에는|에도|에|은|는|이랑|랑|이나|나|이야|야|이가|이|가|을|를|의|"
    "도|만|과|와|하고|용|꺼|거|인데|입니다|이요|요"
)
_PARTICLE_END = re.compile(rf"(?:{PARTICLES})$")
_WORD = re.compile(r"[a-z0-9]+|[가-힣]+")
HANGUL = re.compile(r"[가-힣]")


def normalize(text: str) -> str:
    """Return the text in comparable form: NFKC, small letters, single spaces, numbers in digits; at most 2000."""
    text = unicodedata.normalize("NFKC", text[: 2 * LONGEST])[:LONGEST]
    text = "".join(" " if unicodedata.category(one) in {"Cc", "Cf", "Cs"} else one for one in text).casefold()
    text = text.translate(str.maketrans("“”‘’–—−×✕", "\"\"''---xx"))
    text = _write_in_digits(re.sub(r"(?<=\d),(?=\d{3}\b)", "", text))
    # `ng야`, `epoch은`: where a particle begins, the Latin word ends.
    text = re.sub(r"(?<=[a-z])(?=[가-힣])|(?<=[가-힣])(?=[a-z])", " ", text)
    return " ".join(text.split())


@lru_cache(maxsize=65536)
def normalize_name(name: str) -> str:
    """Return a name in the same form: names are compared with every message, so that it is kept."""
    return normalize(name)


def _write_in_digits(text: str) -> str:
    text = re.sub(r"\bhalf an hour\b|\b(?:an? )?half[- ]hour\b|반\s*시간", "30 minutes", text)
    text = re.sub(r"\b(?:an?|one) hour and a half\b|한\s*시간\s*반", "90 minutes", text)
    text = re.sub(r"\ban? (?=hour\b)", "1 ", text)
    text = _COUNTED.sub(lambda found: str(_ENGLISH_NUMBERS[found[1]]), text)
    text = _NUMBERED.sub(lambda found: f"{found[1]} {_ENGLISH_NUMBERS[found[2]]}", text)
    text = _ORDINAL_LINE.sub(lambda found: _ORDINALS[found[1]], text)
    text = _KOREAN_ORDINAL_LINE.sub(lambda found: str(_KOREAN_NUMBERS[found[1]]), text)
    text = _SPOKEN_LINE.sub(lambda found: str(_SPOKEN.index(found[1]) + 1), text)
    return _KOREAN_COUNTED.sub(lambda found: f"{_KOREAN_NUMBERS[found[1]]} ", text)


def list_words(text: str) -> list[str]:
    """Return the words of normalized text, Korean ones without their particles."""
    return [strip_particle(word) for word in _WORD.findall(text)]


def strip_particle(word: str) -> str:
    """Return a Korean word without its particle, where two letters or more stay."""
    if HANGUL.match(word) is None:
        return word
    bare = _PARTICLE_END.sub("", word)
    return bare if len(bare) >= 2 else word


def line_key(said: str) -> str:
    """Return what a line is compared by: its number or letters without the word for a line."""
    text = unicodedata.normalize("NFKC", said).casefold()
    text = re.sub(r"생산|라인|호기|번|호|\bline\b|[\s#_-]", "", text)
    text = re.sub(r"^(?:line|l)(?=\d)", "", text)
    return text.lstrip("0") or text
