"""Models in use: whether they are up to date, what they hardly find, their thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.access import ENGINEER, WORKER
from core.assistant.results import MOST_ROWS, Address, Cell, Column, ToolResult
from core.assistant.tools.contract import Tool, ToolContext
from core.assistant.tools.scopes import PRODUCT
from core.catalog.names import ProductName
from core.errors import NotReady
from core.i18n import N_
from core.inspections.terms import THRESHOLD_METHODS
from core.model_report.in_force import read_product_thresholds
from core.models.judgments import WeakSpot
from core.models.kinds import MANUAL_INDEX, MEMORY_BANK, SIMILARITY_INDEX
from core.registry.model_status import model_states
from core.registry.weak_models import list_weak_models

DASHBOARD_SCREEN = "pages/overview/dashboard.py"
REPORT_SCREEN = "pages/analysis/model_report.py"
KINDS: dict[str, str] = {
    MEMORY_BANK: N_("Memory bank"),
    SIMILARITY_INDEX: N_("Similarity index"),
    MANUAL_INDEX: N_("Manual index"),
}
STATES: dict[str, str] = {"current": N_("current"), "out_of_date": N_("out of date"), "none": N_("none")}


def model_state(context: ToolContext, arguments: Mapping[str, Any]) -> ToolResult:
    """Return for each product and kind of model whether it is current, out of date or missing."""
    say, speech = context.speech.say, context.speech
    product = context.product(arguments)
    products = context.names.products if product is None else (product,)
    states = model_states(context.services, with_changes=False)
    rows: list[tuple[Cell, ...]] = []
    stale = missing = 0
    for one in products:
        for kind, msgid in KINDS.items():
            found = states.get((kind, one.id))
            if found is None:
                continue
            stale += found.state == "out_of_date"
            missing += found.state == "none"
            number = found.active.number if found.active is not None else None
            built = speech.moment(found.active.created_at) if found.active is not None else ""
            rows.append((speech.product(one), say(msgid), say(STATES[found.state]), number, built))
    what = speech.product(product) if product is not None else say(N_("all products"))
    return ToolResult(
        tool="model_state",
        arguments=dict(arguments),
        title=say(N_("State of the models")),
        query=say(N_("State of the models: {what}"), what=what),
        words=(
            say(
                N_("{what}: of {n} models, {stale} are out of date and {missing} are missing."),
                what=speech.subject(product),
                n=len(rows),
                stale=stale,
                missing=missing,
            ),
        ),
        columns=(
            Column(say(N_("Product"))),
            Column(say(N_("Model"))),
            Column(say(N_("State"))),
            Column(say(N_("Version")), "id"),
            Column(say(N_("Built"))),
        ),
        rows=tuple(rows[:MOST_ROWS]),
        address=Address(DASHBOARD_SCREEN, say(N_("Open the dashboard")), _query(product)),
        n_left_out=max(0, len(rows) - MOST_ROWS),
    )


def weak_spots(context: ToolContext, arguments: Mapping[str, Any]) -> ToolResult:
    """Return the defects that models in use hardly find on their test images."""
    say, speech = context.speech.say, context.speech
    product = context.product(arguments)
    weak = [one for one in list_weak_models(context.services) if product is None or one.product == product.code]
    rows = [
        (
            _name(context, one.product, one.view),
            one.number,
            _name_type(context, one.product, spot),
            spot.n,
            spot.image_auroc,
            spot.escape,
        )
        for one in weak
        for spot in one.spots
    ]
    what = speech.product(product) if product is not None else say(N_("all products"))
    msgid = (
        N_("{what}: {n} models in use hardly find some defects on their test images.")
        if weak
        else N_("{what}: no model in use has a known weak spot on its test images.")
    )
    return ToolResult(
        tool="weak_spots",
        arguments=dict(arguments),
        title=say(N_("Weak spots of the models")),
        query=say(N_("Weak spots of the models: {what}"), what=what),
        words=(say(msgid, what=speech.subject(product), n=len(weak)),),
        columns=(
            Column(say(N_("Product"))),
            Column(say(N_("Version")), "id"),
            Column(say(N_("Defect type"))),
            Column(say(N_("Test images")), "number"),
            Column("AUROC", "number"),
            Column(say(N_("Judged OK")), "number"),
        ),
        rows=tuple(rows[:MOST_ROWS]),
        address=Address(REPORT_SCREEN, say(N_("Open the model report")), _query(product)),
        n_left_out=max(0, len(rows) - MOST_ROWS),
    )


def read_thresholds(context: ToolContext, arguments: Mapping[str, Any]) -> ToolResult:
    """Return the thresholds in force of a product or of all, each view's own, with how and when they were found."""
    say, speech = context.speech.say, context.speech
    product = context.product(arguments)
    rows: list[tuple[Cell, ...]] = []
    words: list[str] = []
    for one in context.names.products if product is None else (product,):
        for view in context.names.views_of(one.id) or (None,):
            try:
                found = read_product_thresholds(context.services, one.id, view)
            except NotReady as error:
                words += [error.sentence(speech.language)] if product is not None else []
                continue
            entry = found.in_force
            name = _name(context, one.code, view or "")
            rows.append(
                (
                    name,
                    found.head.number,
                    round(entry.review_at, 3),
                    round(entry.reject_at, 3),
                    say(THRESHOLD_METHODS.get(entry.method, entry.method)),
                    speech.moment(entry.created_at),
                    entry.saved_by,
                    entry.reason,
                )
            )
            if product is not None:
                words.append(
                    say(
                        N_("{name}: review from {review}, NG from {reject} (memory bank version {number})."),
                        name=name,
                        review=f"{entry.review_at:.3f}",
                        reject=f"{entry.reject_at:.3f}",
                        number=found.head.number,
                    )
                )
    if not words:
        words = [say(N_("{n} models in use have thresholds."), n=len(rows))]
    what = speech.product(product) if product is not None else say(N_("all products"))
    return ToolResult(
        tool="read_thresholds",
        arguments=dict(arguments),
        title=say(N_("Thresholds in force")),
        query=say(N_("Thresholds in force: {what}"), what=what),
        words=tuple(words),
        columns=(
            Column(say(N_("Product"))),
            Column(say(N_("Version")), "id"),
            Column(say(N_("Review from")), "number"),
            Column(say(N_("NG from")), "number"),
            Column(say(N_("Method"))),
            Column(say(N_("Since"))),
            Column(say(N_("By"))),
            Column(say(N_("Reason"))),
        ),
        rows=tuple(rows[:MOST_ROWS]),
        address=Address(REPORT_SCREEN, say(N_("Open the model report")), _query(product)),
        n_left_out=max(0, len(rows) - MOST_ROWS),
    )


def _query(product: ProductName | None) -> dict[str, str]:
    return {} if product is None else {"product": str(product.id)}


def _name(context: ToolContext, product_code: str, view: str) -> str:
    product = context.names.product(product_code)
    name = context.speech.product(product) if product is not None else product_code
    return f"{name} · {view}" if view else name


def _name_type(context: ToolContext, product_code: str, spot: WeakSpot) -> str:
    if not spot.defect_type:
        return context.speech.say(N_("All defects"))
    product = context.names.product(product_code)
    own = context.names.types_of(product.id if product is not None else None)
    found = next((one.name for one in own if one.name.code == spot.defect_type), None)
    return context.speech.defect(found) if found is not None else spot.defect_type


MODEL_STATE = Tool(
    "model_state",
    N_("Looking at the models"),
    "Whether each product's models are current, out of date or missing.",
    WORKER,
    model_state,
    (PRODUCT,),
)
WEAK_SPOTS = Tool(
    "weak_spots",
    N_("Looking for weak spots"),
    "The defects that the models in use hardly find on their test images.",
    ENGINEER,
    weak_spots,
    (PRODUCT,),
)
READ_THRESHOLDS = Tool(
    "read_thresholds",
    N_("Reading the thresholds"),
    "The thresholds in force (review and NG) with method, date, author and reason.",
    ENGINEER,
    read_thresholds,
    (PRODUCT,),
)
