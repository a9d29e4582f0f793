"""What several tools have in common: the arguments of a scope, and what a scope is called in words and in addresses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.analytics.scope import Scope
from core.assistant.names import NamedType
from core.assistant.periods import PERIOD_NAMES, Span
from core.assistant.tools.contract import Argument, ToolContext
from core.catalog.names import ProductName
from core.history.filters import HistoryFilter
from core.i18n import N_
from core.inspections.terms import VERDICT_NAMES

HISTORY_SCREEN = "pages/inspection/inspection_history.py"

PRODUCT = Argument("product", "A product's code or name, as the person said it.")
DEFECT_TYPE = Argument("defect_type", "A defect type's code or name, as the person said it.")
PERIOD_ARGUMENTS = (
    Argument(
        "period",
        f"One of {', '.join(PERIOD_NAMES)}, or a number of days such as 14d. Weeks begin on Monday.",
    ),
    Argument("first_day", "First day as YYYY-MM-DD, in place of a period."),
    Argument("last_day", "Last day as YYYY-MM-DD, counted too."),
)
PLACE_ARGUMENTS = (
    Argument("line", "The production line, as the person said it."),
    Argument("lot", "The lot."),
    Argument("shift", "The shift's name."),
)
PLACE_WORDS = {"line": N_("line {name}"), "lot": N_("lot {name}"), "shift": N_("shift {name}")}


@dataclass(frozen=True)
class AskedScope:
    """A scope of figures with the names in it."""

    scope: Scope
    span: Span
    product: ProductName | None
    defect_type: NamedType | None
    verdict: str = ""

    def describe(self, context: ToolContext) -> str:
        """Return what is counted, in words."""
        say = context.speech.say
        parts = [context.say_span(self.span)]
        if self.product is not None:
            parts.append(context.speech.product(self.product))
        if self.defect_type is not None:
            parts.append(context.speech.defect(self.defect_type.name))
        for place, msgid in PLACE_WORDS.items():
            if value := getattr(self.scope, place):
                parts.append(say(msgid, name=value))
        if self.verdict:
            parts.append(say(VERDICT_NAMES[self.verdict]))
        return " · ".join(parts)

    def to_history(self, context: ToolContext, **more: Any) -> dict[str, str]:
        """Return the words of the history's address; a shift is not among its filters."""
        start = None if self.scope.first is None else context.calendar.start_of(self.scope.first)
        end = context.calendar.end_of(self.scope.last) if self.span.name != "all" else None
        return HistoryFilter(
            **{
                "product": self.scope.product_id,
                "defect_type": self.scope.defect_type_id,
                "line": self.scope.line or "",
                "lot": self.scope.lot or "",
                "verdict": self.verdict or None,
                "since": start,
                "until": end,
                **more,
            }
        ).to_query()


def read_scope(context: ToolContext, arguments: Mapping[str, Any], *, usual: str = "30d") -> AskedScope:
    """Return the scope that the arguments name. Raises Unclear and BadInput."""
    product = context.product(arguments)
    span = context.span(arguments, usual=usual)
    type_id = context.type_id(arguments, product)
    named = next((one for one in context.names.types if one.name.id == type_id), None)
    scope = Scope(
        span.first,
        span.last,
        product_id=product.id if product is not None else None,
        line=context.line(arguments) or None,
        lot=context.lot(arguments) or None,
        shift=str(arguments.get("shift") or "") or None,
        defect_type_id=type_id,
    )
    return AskedScope(scope, span, product, named, str(arguments.get("verdict") or ""))
