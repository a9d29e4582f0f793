"""Corrective actions that are still open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.access import WORKER
from core.assistant.results import MOST_ROWS, Address, Column, ToolResult
from core.assistant.tools.contract import Argument, Tool, ToolContext
from core.assistant.tools.scopes import HISTORY_SCREEN, PRODUCT
from core.history.filters import HistoryFilter
from core.i18n import N_
from core.inspections.follow_up.open_actions import list_open_actions as list_actions
from core.inspections.terms import VERDICT_NAMES


def list_open_actions(context: ToolContext, arguments: Mapping[str, Any]) -> ToolResult:
    """Return the open corrective actions, the newest first: all, a product's, or the person's own."""
    product = context.product(arguments)
    own = context.person.id if arguments.get("whose") == "mine" else None
    say, speech = context.speech.say, context.speech
    found = list_actions(
        context.services, product_id=product.id if product is not None else None, created_by=own, limit=MOST_ROWS
    )
    scope = [speech.product(product)] if product is not None else []
    scope += [say(N_("inspected by you"))] if own is not None else []
    what = " · ".join(scope) or say(N_("all products"))
    filters = HistoryFilter(product=product.id if product is not None else None, action="open", person=own)
    return ToolResult(
        tool="list_open_actions",
        arguments=dict(arguments),
        title=say(N_("Open corrective actions")),
        query=say(N_("Open corrective actions: {what}"), what=what),
        words=(
            say(
                N_("{what}: {n} corrective actions are open."),
                what=what if product is not None else speech.begin(what),
                n=speech.number(found.total),
            ),
        ),
        columns=(
            Column(say(N_("Number")), "id"),
            Column(say(N_("When"))),
            Column(say(N_("Product"))),
            Column(say(N_("Verdict"))),
            Column(say(N_("Defect type"))),
            Column(say(N_("Line"))),
            Column(say(N_("Lot"))),
            Column(say(N_("Note"))),
        ),
        rows=tuple(
            (
                row.inspection_id,
                speech.moment(row.created_at),
                speech.product(row.product),
                say(VERDICT_NAMES[row.verdict]),
                speech.defect(row.defect_type) if row.defect_type is not None else "",
                row.line,
                row.lot,
                row.note,
            )
            for row in found.rows
        ),
        address=Address(HISTORY_SCREEN, say(N_("Open in the history")), filters.to_query()),
        n_left_out=max(0, found.total - len(found.rows)),
    )


LIST_OPEN_ACTIONS = Tool(
    "list_open_actions",
    N_("Looking up open actions"),
    "Lists the corrective actions that are still open.",
    WORKER,
    list_open_actions,
    (PRODUCT, Argument("whose", "`mine`: only parts that the person inspected.", choices=("mine", "all"))),
)
