"""The defect rate over time, as *Quality trends* shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.access import ENGINEER
from core.analytics.groups import By, Group
from core.analytics.trend_filter import ALL_TIME, CUSTOM, TrendFilter
from core.analytics.trends import read_trend
from core.assistant.results import MOST_ROWS, Address, Chart, Column, ToolResult
from core.assistant.tools.contract import Argument, Tool, ToolContext
from core.assistant.tools.counting import name_key
from core.assistant.tools.scopes import DEFECT_TYPE, PERIOD_ARGUMENTS, PLACE_ARGUMENTS, PRODUCT, read_scope
from core.i18n import N_

TRENDS_SCREEN = "pages/analysis/quality_trends.py"
STEPS: dict[By, str] = {
    "day": N_("by day"),
    "week": N_("by week"),
    "month": N_("by month"),
    "shift": N_("by shift"),
    "hour": N_("by hour"),
}


def trend_defect_rate(context: ToolContext, arguments: Mapping[str, Any]) -> ToolResult:
    """Return the defect rate group by group in time, and which points lie outside the control limits."""
    asked = read_scope(context, arguments)
    say, speech = context.speech.say, context.speech
    said = str(arguments.get("by") or "day")
    by: By = next(one for one in STEPS if one == said)
    wanted = TrendFilter(
        period=CUSTOM if asked.scope.first is not None else ALL_TIME,
        first_day=asked.scope.first,
        last_day=asked.scope.last if asked.scope.first is not None else None,
        product=asked.scope.product_id,
        line=asked.scope.line or "",
        lot=asked.scope.lot or "",
        shift=asked.scope.shift or "",
        defect_type=asked.scope.defect_type_id,
        by=by,
    )
    trend = read_trend(context.services, wanted, today=context.today)
    outside = {point.place for point in trend.rate.points if "beyond_3" in point.rules}
    rows = [
        (
            name_key(context, by, Group(group.key, group.counts)),
            group.counts.n,
            group.n_rejected,
            group.n_rejected / group.counts.n if group.counts.n else None,
            say(N_("outside the limits")) if place in outside else "",
        )
        for place, group in enumerate(trend.groups)
    ]
    what = f"{asked.describe(context)} · {say(STEPS[by])}"
    total = trend.total.n
    words = [
        say(N_("{what}: no part was inspected."), what=speech.begin(what))
        if not total
        else say(
            N_("{what}: {ng} NG of {n} inspected ({rate})."),
            what=speech.begin(what),
            ng=speech.number(trend.n_rejected),
            n=speech.number(total),
            rate=speech.share(trend.n_rejected / total),
        )
    ]
    if outside:
        words.append(say(N_("Outside the control limits: {n}."), n=speech.number(len(outside))))
    if len(rows) > 1 and rows[0][3] is not None and rows[-1][3] is not None:
        words.append(
            say(
                N_("From {first} ({start}) to {last} ({end})."),
                first=speech.share(rows[0][3]),
                start=rows[0][0],
                last=speech.share(rows[-1][3]),
                end=rows[-1][0],
            )
        )
    return ToolResult(
        tool="trend_defect_rate",
        arguments=dict(arguments),
        title=say(N_("Defect rate over time")),
        query=say(N_("Defect rate: {what}"), what=what),
        words=tuple(words),
        columns=(
            Column(say(N_("When"))),
            Column(say(N_("Inspected parts")), "number"),
            Column(say(N_("NG")), "number"),
            Column(say(N_("Defect rate")), "share"),
            Column(say(N_("Control limits"))),
        ),
        rows=tuple(rows[-MOST_ROWS:]),
        chart=Chart("line", 0, 3) if len(rows) > 1 else None,
        address=Address(TRENDS_SCREEN, say(N_("Open in Quality trends")), wanted.to_query()),
        n_left_out=max(0, len(rows) - MOST_ROWS) + trend.n_left_out,
    )


TREND_DEFECT_RATE = Tool(
    "trend_defect_rate",
    N_("Reading the trend"),
    "The defect rate over time with the points outside the control limits.",
    ENGINEER,
    trend_defect_rate,
    (
        *PERIOD_ARGUMENTS,
        PRODUCT,
        *PLACE_ARGUMENTS,
        DEFECT_TYPE,
        Argument("by", "The steps in time; day where it is left out.", choices=tuple(STEPS)),
    ),
)
