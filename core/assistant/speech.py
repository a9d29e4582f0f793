"""Words of the assistant in the language of the person: messages, numbers, days and moments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import TYPE_CHECKING

from core.catalog.names import name_defect, name_product
from core.i18n import N_, translate

if TYPE_CHECKING:
    from core.catalog.names import HasDefectNames, HasProductNames


@dataclass(frozen=True)
class Speech:
    """Speaks one language ("ko" or "en"); moments are told in `zone`, that of the plant."""

    language: str
    zone: tzinfo

    def say(self, msgid: str, **params: object) -> str:
        """Return the message with its parameters filled in."""
        text = translate(self.language, msgid)
        return text.format(**params) if params else text

    def product(self, product: HasProductNames) -> str:
        """Return what the product is called."""
        return name_product(product, self.language)

    def subject(self, product: HasProductNames | None) -> str:
        """Return what a sentence about a product begins with; None is all of them."""
        return self.say(N_("All products")) if product is None else self.product(product)

    def defect(self, defect: HasDefectNames) -> str:
        """Return what the defect type is called."""
        return name_defect(defect, self.language)

    def begin(self, words: str) -> str:
        """Return words as a sentence begins: “this week” is “This week” there."""
        return f"{words[:1].upper()}{words[1:]}"

    def number(self, value: float, decimals: int = 0) -> str:
        """Return a number with thousands separators."""
        return f"{value:,.{decimals}f}"

    def share(self, value: float | None) -> str:
        """Return a share as a percentage with one decimal, a dash where there is none."""
        return "–" if value is None else f"{value * 100:.1f}%"

    def day(self, value: date) -> str:
        """Return a day as YYYY-MM-DD."""
        return value.isoformat()

    def moment(self, value: datetime) -> str:
        """Return a moment on the plant's clock, to the minute."""
        return value.astimezone(self.zone).strftime("%Y-%m-%d %H:%M")
