"""A message without its names, days and numbers: what is left tells the task, whatever a plant calls its products."""

from __future__ import annotations

import re
from datetime import date

from core.assistant.names import Names
from core.assistant.offline.evidence.examples import LINE_MARK, LOT_MARK, NUMBER, PERIOD, PRODUCT, SHIFT_MARK, TYPE
from core.assistant.offline.naming import blank_products, mark_products, mark_types
from core.assistant.offline.words.periods import read_period
from core.assistant.offline.words.places_words import LINE, LOT, SHIFT
from core.assistant.offline.words.text import PARTICLES

_SPACE_BEFORE_PARTICLE = re.compile(rf"(?<=[A-Z]) (?=(?:{PARTICLES})(?![가-힣]))")


def mask(text: str, names: Names, today: date) -> str:
    """Return normalized text with a capital letter for each product, type, period, line, shift, lot and number.

    Normalized text has small letters only, so that the capitals are nothing else.
    """
    text = blank_products(text, names, mark=PRODUCT)
    _period, text = read_period(text, today, mark=PERIOD)
    # “a lot of” names none.
    text = LOT.sub(lambda found: LOT_MARK if any(char.isdecimal() for char in found[0]) else found[0], text)
    text = LINE.sub(LINE_MARK, text)
    text = SHIFT.sub(SHIFT_MARK, text)
    text = mark_types(text, names.types, TYPE)
    if PRODUCT not in text:
        text = mark_products(text, names, PRODUCT)
    text = " ".join(re.sub(r"(?<![A-Z])\d+(?:[.,]\d+)*", NUMBER, text).split())
    return _SPACE_BEFORE_PARTICLE.sub("", text)
