"""Inspections and defects counted, by one property or in all, and the most frequent defect types."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from core.access import WORKER
from core.analytics.groups import By, Group, count_groups
from core.assistant.results import MOST_ROWS, Address, Chart, Column, ToolResult
from core.assistant.tools.contract import Argument, Tool, ToolContext
from core.assistant.tools.scopes import (
    DEFECT_TYPE,
    HISTORY_SCREEN,
    PERIOD_ARGUMENTS,
    PLACE_ARGUMENTS,
    PLACE_WORDS,
    PRODUCT,
    AskedScope,
    read_scope,
)
from core.catalog.names import ProductName
from core.i18n import N_

GROUPS: dict[By, str] = {
    "product": N_("Product"),
    "line": N_("Line"),
    "lot": N_("Lot"),
    "shift": N_("Shift"),
    "day": N_("Day"),
    "week": N_("Week"),
    "month": N_("Month"),
    "type": N_("Defect type"),
}
_IN_TIME = frozenset({"day", "week", "month", "shift"})


def count_inspections(context: ToolContext, arguments: Mapping[str, Any]) -> ToolResult:
    """Return how many parts were inspected, and how many were OK, in review and NG; by one property where asked."""
    asked = read_scope(context, arguments)
    say = context.speech.say
    by = _read_by(arguments)
    total = sum((group.counts for group in count_groups(context.services, asked.scope)), start=_none())
    what = context.speech.begin(asked.describe(context))
    words = [
        say(N_("{what}: no part was inspected."), what=what)
        if not total.n
        else say(
            N_("{what}: {n} inspected, {ng} NG ({rate}), {review} in review, {ok} OK."),
            what=what,
            n=context.speech.number(total.n),
            ng=context.speech.number(total.reject),
            rate=context.speech.share(total.defect_rate),
            review=context.speech.number(total.review),
            ok=context.speech.number(total.ok),
        )
    ]
    groups = count_groups(context.services, asked.scope, by) if by is not None else []
    groups = [group for group in groups if group.counts.n]
    if by not in _IN_TIME:
        groups.sort(key=lambda group: (-group.counts.reject, -group.counts.n))
    elif len(groups) > MOST_ROWS:
        groups = groups[-MOST_ROWS:]
    if by is not None and groups and by not in _IN_TIME:
        words.append(_most(context, groups[0], by))
    elif by is not None and groups:
        worst = max(groups, key=lambda group: (group.counts.reject, group.counts.n))
        words.append(_most(context, worst, by))
    heads = [] if by is None else [Column(say(GROUPS[by]))]
    columns = (
        *heads,
        Column(say(N_("Inspected parts")), "number"),
        Column(say(N_("NG")), "number"),
        Column(say(N_("Defect rate")), "share"),
        Column(say(N_("Review")), "number"),
        Column(say(N_("OK")), "number"),
    )
    rows = [
        ([] if by is None else [name_key(context, by, group)])
        + [
            group.counts.n,
            group.counts.reject,
            group.counts.defect_rate,
            group.counts.review,
            group.counts.ok,
        ]
        for group in (groups if by is not None else [Group(None, total)])
    ]
    return ToolResult(
        tool="count_inspections",
        arguments=dict(arguments),
        title=say(N_("Inspections by {what}"), what=say(GROUPS[by])) if by is not None else say(N_("Inspections")),
        query=_query(context, asked, by),
        words=tuple(words),
        columns=columns,
        rows=tuple(tuple(row) for row in rows[:MOST_ROWS]),
        chart=None if by is None or len(rows) < 2 else Chart("line" if by in _IN_TIME else "bar", 0, 2),
        address=Address(HISTORY_SCREEN, say(N_("Open in the history")), asked.to_history(context)),
        n_left_out=max(0, len(rows) - MOST_ROWS),
    )


def rank_defect_types(context: ToolContext, arguments: Mapping[str, Any]) -> ToolResult:
    """Return the defect types of the NG parts, the most frequent first."""
    asked = read_scope(context, arguments)
    say = context.speech.say
    scope = asked.scope
    found = [group for group in count_groups(context.services, scope, "type") if group.counts.reject]
    found.sort(key=lambda group: -group.counts.reject)
    n_rejected = sum(group.counts.reject for group in found)
    top = arguments.get("top")
    limit = min(MOST_ROWS, top) if isinstance(top, int) and top > 0 else MOST_ROWS
    what = asked.describe(context)
    if not found:
        words = [say(N_("{what}: no NG part."), what=context.speech.begin(what))]
    else:
        first = found[0]
        words = [
            say(
                N_("{what}: the most frequent is {name}, {n} of {all} NG parts ({share})."),
                what=context.speech.begin(what),
                name=name_key(context, "type", first),
                n=context.speech.number(first.counts.reject),
                all=context.speech.number(n_rejected),
                share=context.speech.share(first.counts.reject / n_rejected),
            )
        ]
    rows = [
        (name_key(context, "type", group), group.counts.reject, group.counts.reject / n_rejected) for group in found
    ]
    return ToolResult(
        tool="rank_defect_types",
        arguments=dict(arguments),
        title=say(N_("Most frequent defect types")),
        query=say(N_("NG parts by defect type: {what}"), what=what),
        words=tuple(words),
        columns=(Column(say(N_("Defect type"))), Column(say(N_("NG")), "number"), Column(say(N_("Share")), "share")),
        rows=tuple(rows[:limit]),
        chart=Chart("pareto", 0, 1) if len(rows) > 1 else None,
        address=Address(HISTORY_SCREEN, say(N_("Open in the history")), asked.to_history(context, verdict="reject")),
        n_left_out=max(0, len(rows) - limit),
    )


def name_key(context: ToolContext, by: By, group: Group) -> str:
    """Return what a group is called."""
    key, say = group.key, context.speech.say
    if by == "product":
        found = next((one for one in context.names.products if one.id == key), None)
        return _name_product(context, found, key)
    if by == "type":
        named = next((one.name for one in context.names.types if one.name.id == key), None)
        return context.speech.defect(named) if named is not None else say(N_("No type named"))
    if isinstance(key, tuple):
        return f"{context.speech.day(key[0])} {key[1]}".strip()
    if isinstance(key, datetime):
        return context.speech.moment(key)
    if isinstance(key, date):
        return context.speech.day(key)
    return str(key) if key not in (None, "") else say(N_("Not noted"))


def _name_product(context: ToolContext, found: ProductName | None, key: object) -> str:
    return (
        context.speech.product(found) if found is not None else context.speech.say(N_("Product {number}"), number=key)
    )


def _most(context: ToolContext, group: Group, by: By) -> str:
    name = name_key(context, by, group)
    if by in PLACE_WORDS and isinstance(group.key, str) and group.key:
        # A sentence says “line 3”, where a table has a heading.
        name = context.speech.say(PLACE_WORDS[by], name=name)
    return context.speech.say(
        N_("Most NG parts: {name}, {n} of {all} inspected ({rate})."),
        name=name,
        n=context.speech.number(group.counts.reject),
        all=context.speech.number(group.counts.n),
        rate=context.speech.share(group.counts.defect_rate),
    )


def _query(context: ToolContext, asked: AskedScope, by: By | None) -> str:
    say = context.speech.say
    if by is None:
        return say(N_("Inspections: {what}"), what=asked.describe(context))
    return say(N_("Inspections by {by}: {what}"), by=say(GROUPS[by]), what=asked.describe(context))


def _read_by(arguments: Mapping[str, Any]) -> By | None:
    said = str(arguments.get("group_by") or "")
    return next((by for by in GROUPS if by == said), None)


def _none() -> Any:
    from core.analytics.groups import Counts

    return Counts()


COUNT_INSPECTIONS = Tool(
    "count_inspections",
    N_("Counting inspections"),
    "Counts inspected parts: how many were OK, in review and NG, and the defect rate; in all or by one property.",
    WORKER,
    count_inspections,
    (
        *PERIOD_ARGUMENTS,
        PRODUCT,
        *PLACE_ARGUMENTS,
        DEFECT_TYPE,
        Argument("group_by", "By what it is counted; leave it out for the total.", choices=tuple(GROUPS)),
    ),
)
RANK_DEFECT_TYPES = Tool(
    "rank_defect_types",
    N_("Counting defect types"),
    "Ranks the defect types of NG parts, the most frequent first.",
    WORKER,
    rank_defect_types,
    (*PERIOD_ARGUMENTS, PRODUCT, *PLACE_ARGUMENTS, Argument("top", "How many types, all without.", kind="number")),
)
