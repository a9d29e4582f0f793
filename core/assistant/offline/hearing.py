"""A message in the forms in which it is read: comparable, without the names of products, and masked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from core.assistant.names import Names
from core.assistant.offline.masking import mask
from core.assistant.offline.naming import blank_products
from core.assistant.offline.words.text import normalize


@dataclass(frozen=True)
class Heard:
    """What was said: `blank` has no names of products, `masked` letters for all that is no word of the tasks."""

    text: str
    blank: str
    masked: str
    names: Names
    today: date


def hear(words: str, names: Names, today: date) -> Heard:
    """Return a message in all its forms."""
    # An idiom that would be the name of a defect.
    text = re.sub(r"\bbr(?:oken|eak) (?:(?:it|that|this|them|those|these) )?(?:down|out)\b", "split", normalize(words))
    return Heard(text, blank_products(text, names), mask(text, names, today), names, today)
