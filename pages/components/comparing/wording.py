"""Names of views, types and figures of a comparison in the run's language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.catalog.defect_types import list_defect_types
from core.catalog.views import list_views
from core.comparisons.wording import name_entry
from core.fusion.rules import FOUND_AS_WORDS
from pages.components.shared.language import _, defect_name, language
from pages.components.shared.session import services

if TYPE_CHECKING:
    from core.comparisons.results import EntryResult, Figure


@dataclass(frozen=True)
class ProductWords:
    """What the views and the types of a product are called; a type `good` is a good part without a kind."""

    views: dict[str, str]
    types: dict[str, str]

    def view(self, code: str) -> str:
        """Return the name of a view, or of views that are combined."""
        return " + ".join(self.views.get(one, one) for one in code.split("+")) if code else _("All images")

    def label(self, code: str) -> str:
        """Return the name of a type, or of what a combination calls a part."""
        if code in FOUND_AS_WORDS:
            return _(FOUND_AS_WORDS[code])
        if not code:
            return _("no answer")
        return self.types.get(code, _("Good part") if code == "good" else code)

    def entries(self, entries: Sequence[EntryResult]) -> dict[str, str]:
        """Return the names of entries by key."""
        return {one.key: name_entry(one, self.views, _) for one in entries}


def read_words(product_id: int) -> ProductWords:
    """Return the names of a product's views and types."""
    views = {
        one.code: (one.name_en or one.name) if language() == "en" else one.name
        for one in list_views(services(), product_id, include_inactive=True)
    }
    types = {one.code: defect_name(one) for one in list_defect_types(services(), product_id, include_inactive=True)}
    return ProductWords(views, types)


def describe_figure(found: Figure | None, *, decimals: int = 3) -> str:
    """Return a figure with its interval, a dash for none."""
    if found is None:
        return "–"
    if found.low is None or found.high is None:
        return f"{found.value:.{decimals}f}"
    return f"{found.value:.{decimals}f} ({found.low:.2f}–{found.high:.2f})"
