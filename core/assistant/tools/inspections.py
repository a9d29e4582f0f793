"""Single inspections: why one is NG, and lists of the newest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.access import WORKER
from core.assistant.results import MOST_ROWS, Address, Column, ToolResult
from core.assistant.tools.contract import Argument, Tool, ToolContext
from core.assistant.tools.scopes import (
    DEFECT_TYPE,
    HISTORY_SCREEN,
    PERIOD_ARGUMENTS,
    PLACE_ARGUMENTS,
    PRODUCT,
    AskedScope,
    read_scope,
)
from core.catalog.names import DefectTypeName
from core.errors import BadInput, NotFound
from core.history.filters import HistoryFilter
from core.history.lines import load_lines
from core.history.search import find_inspections
from core.i18n import N_
from core.inspections.records import InspectionRecord, load_record
from core.inspections.stored_values import DefectRegion
from core.inspections.terms import ACTION_NAMES, THRESHOLD_METHODS, VERDICT_NAMES

TRACEABILITY_SCREEN = "pages/inspection/traceability.py"
_USUAL_ROWS = 10
_MOST_REGIONS, _MOST_CASES = 5, 3
PLACES: dict[tuple[int, int], str] = {
    (0, 0): N_("top left"),
    (0, 1): N_("top"),
    (0, 2): N_("top right"),
    (1, 0): N_("left"),
    (1, 1): N_("center"),
    (1, 2): N_("right"),
    (2, 0): N_("bottom left"),
    (2, 1): N_("bottom"),
    (2, 2): N_("bottom right"),
}


def explain_inspection(context: ToolContext, arguments: Mapping[str, Any]) -> ToolResult:
    """Return why a part got its verdict: the inspection of the number, the one opened last, or the newest NG part."""
    record = load_record(context.services, _find(context, arguments))
    say = context.speech.say
    words = [_say_verdict(context, record), *_say_regions(context, record), *_say_type(context, record)]
    words += _say_similar(context, record)
    words.append(
        say(
            N_("Judged by memory bank version {number}; thresholds {method}."),
            number=record.model.number,
            method=say(THRESHOLD_METHODS.get(record.threshold_method, record.threshold_method)),
        )
    )
    return ToolResult(
        tool="explain_inspection",
        arguments=dict(arguments),
        title=say(N_("Why inspection {number} is {verdict}"), number=record.id, verdict=_verdict(context, record)),
        query=say(
            N_("Inspection {number}: {product}, {when}"),
            number=record.id,
            product=context.speech.product(record.product),
            when=context.speech.moment(record.created_at),
        ),
        words=tuple(words),
        columns=(
            Column(say(N_("Place"))),
            Column(say(N_("Left (px)")), "number"),
            Column(say(N_("Top (px)")), "number"),
            Column(say(N_("Width (px)")), "number"),
            Column(say(N_("Height (px)")), "number"),
            Column(say(N_("Score")), "number"),
            Column(say(N_("Defect type"))),
        ),
        rows=tuple(
            (_place(context, one, record), one.x, one.y, one.w, one.h, round(one.score, 3), _type(context, one, record))
            for one in record.regions[:MOST_ROWS]
        ),
        address=Address(TRACEABILITY_SCREEN, say(N_("Open everything behind it")), {"inspection": str(record.id)}),
        n_left_out=max(0, len(record.regions) - MOST_ROWS),
    )


def list_inspections(context: ToolContext, arguments: Mapping[str, Any]) -> ToolResult:
    """Return the newest inspections that fit, with their verdicts."""
    asked = read_scope(context, arguments, usual="all")
    say = context.speech.say
    review = "waiting" if arguments.get("review") == "waiting" else None
    filters = asked.to_history(context, **({"review": review, "verdict": None} if review else {}))
    wanted, _wrong = HistoryFilter.from_query(filters)
    found = find_inspections(context.services, wanted, zone=context.speech.zone)
    top = arguments.get("top")
    limit = min(MOST_ROWS, top) if isinstance(top, int) and top > 0 else _USUAL_ROWS
    what = asked.describe(context) + (f" · {say(N_('Waits for review'))}" if review else "")
    lines = load_lines(context.services, list(found.ids[:limit]))
    msgid = N_("{what}: {n} inspections or more.") if found.is_cut else N_("{what}: {n} inspections.")
    return ToolResult(
        tool="list_inspections",
        arguments=dict(arguments),
        title=say(N_("Newest inspections")),
        query=say(N_("Inspections: {what}"), what=what),
        words=(say(msgid, what=context.speech.begin(what), n=context.speech.number(found.total)),),
        columns=(
            Column(say(N_("Number")), "id"),
            Column(say(N_("When"))),
            Column(say(N_("Product"))),
            Column(say(N_("Verdict"))),
            Column(say(N_("Score")), "number"),
            Column(say(N_("Defect type"))),
            Column(say(N_("Line"))),
            Column(say(N_("Lot"))),
            Column(say(N_("Corrective action"))),
        ),
        rows=tuple(
            (
                line.id,
                context.speech.moment(line.created_at),
                context.speech.product(line.product),
                say(VERDICT_NAMES[line.final_verdict]),
                round(line.score, 3),
                context.speech.defect(line.defect_type) if line.defect_type is not None else "",
                line.line,
                line.lot,
                say(ACTION_NAMES[line.action_status]),
            )
            for line in lines
        ),
        address=Address(HISTORY_SCREEN, say(N_("Open in the history")), {"view": "review"} if review else filters),
        n_left_out=max(0, found.total - len(lines)),
    )


def _find(context: ToolContext, arguments: Mapping[str, Any]) -> int:
    said = str(arguments.get("inspection") or "context").strip().lstrip("#")
    if said == "context" and context.inspection_id is not None:
        return context.inspection_id
    if said.isascii() and said.isdecimal() and len(said) <= 18:
        return int(said)
    if said not in {"context", "latest"}:
        raise BadInput("assistant_argument_wrong", name="inspection", value=said[:40])
    asked: AskedScope = read_scope(context, {**arguments, "verdict": "reject"}, usual="all")
    wanted, _wrong = HistoryFilter.from_query(asked.to_history(context))
    found = find_inspections(context.services, wanted, zone=context.speech.zone, limit=1)
    if not found.total:
        raise NotFound("assistant_no_ng_part")
    return int(found.ids[0])


def _verdict(context: ToolContext, record: InspectionRecord) -> str:
    return context.speech.say(VERDICT_NAMES[record.decision.verdict])


def _say_verdict(context: ToolContext, record: InspectionRecord) -> str:
    say = context.speech.say
    numbers = {
        "number": record.id,
        "score": f"{record.score:.3f}",
        "review": f"{record.review_at:.3f}",
        "reject": f"{record.reject_at:.3f}",
    }
    by_model = {
        "reject": N_("Inspection {number} is NG: its score {score} reaches the NG threshold {reject}."),
        "review": N_("Inspection {number} is to be reviewed: its score {score} lies between {review} and {reject}."),
        "ok": N_("Inspection {number} is OK: its score {score} is below the review threshold {review}."),
    }
    words = say(by_model[record.verdict], **numbers)
    if record.decision.verdict == record.verdict:
        return words
    changed = say(
        N_("A person changed the verdict to {verdict}: “{reason}”."),
        verdict=_verdict(context, record),
        reason=record.decision.override_reason,
    )
    return f"{words} {changed}"


def _say_regions(context: ToolContext, record: InspectionRecord) -> list[str]:
    if not record.regions:
        return []
    shown = sorted(record.regions, key=lambda one: -one.score)[:_MOST_REGIONS]
    places = list(dict.fromkeys(_place(context, one, record) for one in shown))
    return [
        context.speech.say(
            N_("It differs from good parts in {n} places: {places}."),
            n=len(record.regions),
            places=", ".join(places),
        )
    ]


def _say_type(context: ToolContext, record: InspectionRecord) -> list[str]:
    say, chosen = context.speech.say, record.decision.defect_type_id
    confirmed = next((one for one in record.defect_types if one.id == chosen), None)
    if confirmed is not None:
        return [say(N_("The defect type was confirmed: {name}."), name=context.speech.defect(confirmed))]
    if record.suggestion is None:
        return []
    share = context.speech.share(record.suggestion.confidence)
    if record.suggestion.defect_type is None:
        return [say(N_("It is like none of the known defect types ({share} sure)."), share=share)]
    name = context.speech.defect(record.suggestion.defect_type)
    return [say(N_("The suggested defect type is {name} ({share} sure)."), name=name, share=share)]


def _say_similar(context: ToolContext, record: InspectionRecord) -> list[str]:
    found = record.similar.defects[:_MOST_CASES]
    if not found:
        return []
    names = [
        f"{one.stored_name} ({context.speech.defect(one.defect_type) if one.defect_type else '–'}, "
        f"{context.speech.share(one.similarity)})"
        for one in found
    ]
    return [context.speech.say(N_("The most similar known defects: {names}."), names=", ".join(names))]


def _place(context: ToolContext, region: DefectRegion, record: InspectionRecord) -> str:
    across = 3 * (region.x + region.w / 2) / max(1, record.width_px)
    down = 3 * (region.y + region.h / 2) / max(1, record.height_px)
    return context.speech.say(PLACES[min(2, int(down)), min(2, int(across))])


def _type(context: ToolContext, region: DefectRegion, record: InspectionRecord) -> str:
    found: DefectTypeName | None = next((one for one in record.defect_types if one.id == region.defect_type_id), None)
    return context.speech.defect(found) if found is not None else ""


EXPLAIN_INSPECTION = Tool(
    "explain_inspection",
    N_("Reading the inspection"),
    "Says why a part is NG, in review or OK: score, thresholds, places, suggested type, similar cases, model version.",
    WORKER,
    explain_inspection,
    (
        Argument("inspection", "The number of an inspection; `context`: the one opened last; `latest`: the newest NG."),
        PRODUCT,
        *PLACE_ARGUMENTS[:2],
    ),
)
LIST_INSPECTIONS = Tool(
    "list_inspections",
    N_("Looking up inspections"),
    "Lists the newest inspections with their verdicts.",
    WORKER,
    list_inspections,
    (
        *PERIOD_ARGUMENTS,
        PRODUCT,
        *PLACE_ARGUMENTS[:2],
        DEFECT_TYPE,
        Argument("verdict", "Of this verdict in force.", choices=tuple(VERDICT_NAMES)),
        Argument("review", "`waiting`: those that wait for a review.", choices=("waiting",)),
        Argument("top", "How many, 10 without.", kind="number"),
    ),
)
