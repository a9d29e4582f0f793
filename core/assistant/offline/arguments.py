"""What a tool is called with, read from a message."""

from __future__ import annotations

import re
from typing import Any

from core.assistant.names import Names
from core.assistant.offline.evidence.concepts import has_concept
from core.assistant.offline.evidence.familiar import is_familiar
from core.assistant.offline.hearing import Heard
from core.assistant.offline.naming import find_products, find_types, list_own_words
from core.assistant.offline.understood import Look, Situation
from core.assistant.offline.words.periods import read_period
from core.assistant.offline.words.places_words import INSPECTION, LATEST, LINE, LOT, RUN, SHIFT, TOP
from core.assistant.offline.words.request_words import (
    asks_which_defects,
    counts_a_type,
    is_own,
    looks_for_time,
    read_group,
    read_looked_for,
    read_step,
)
from core.assistant.offline.words.text import line_key

_PERIOD = ("period", "first_day", "last_day")
_PLACE = ("product", "line", "lot")
# What each tool may be called with; those that are not here with a product alone.
TAKEN: dict[str, frozenset[str]] = {
    "count_inspections": frozenset({*_PERIOD, *_PLACE, "shift", "defect_type", "group_by"}),
    "rank_defect_types": frozenset({*_PERIOD, *_PLACE, "shift", "top"}),
    "trend_defect_rate": frozenset({*_PERIOD, *_PLACE, "shift", "defect_type", "by"}),
    "list_inspections": frozenset({*_PERIOD, *_PLACE, "defect_type", "verdict", "review", "top"}),
    "explain_inspection": frozenset({"inspection", *_PLACE}),
    "read_manual": frozenset({"product", "defect_type", "question"}),
    "list_open_actions": frozenset({"product", "whose"}),
    "show_run": frozenset({"product", "run"}),
    "list_products": frozenset(),
}
ONE_PRODUCT = frozenset({"product"})
_PLACES_TO_COMPARE = frozenset({"line", "lot", "shift", "product"})
_IN_TIME = frozenset({"day", "week", "month"})


def make_look(intent: str, heard: Heard, situation: Situation) -> Look:
    """Return the look-up of this task with what the message says about it."""
    group = read_group(heard.masked)
    if group == "type" and counts_a_type(heard.masked):
        # “burr count of the type A castings”: one type is named, and counted.
        group = ""
    tool = _fit_tool(intent, heard.masked, group)
    found: dict[str, Any] = read_scope(heard)
    if tool == "explain_inspection":
        return _explain(heard, found, situation)
    if tool == "count_inspections":
        found |= {"group_by": group} if group else {}
        looked_for = "" if group else read_looked_for(heard.masked)
        if looked_for or (not group and has_concept(heard.masked, "where")):
            found["group_by"] = looked_for or "line"
    elif tool == "trend_defect_rate":
        step = read_step(heard.masked)
        found |= {"by": step} if step else {}
    elif tool == "list_inspections":
        found |= {"review": "waiting"} if intent == "review" else _read_verdict(heard)
    elif tool == "read_manual" and "defect_type" not in found and "product" in found:
        # Free words, where they hold more than the task's own ones.
        found |= {"question": heard.text[:200]} if _has_own_words(heard) else {}
    elif tool == "list_open_actions" and is_own(heard.text):
        found["whose"] = "mine"
    elif tool == "show_run" and (number := _first_group(RUN, heard.blank)):
        found["run"] = int(number)
    if tool in {"rank_defect_types", "list_inspections"} and (top := _first_group(TOP, heard.blank)):
        found["top"] = int(top)
    taken = TAKEN.get(tool, ONE_PRODUCT)
    return Look(tool, {name: value for name, value in found.items() if name in taken})


def _fit_tool(intent: str, masked: str, group: str) -> str:
    """Return the tool for a task: what is asked by line, by day or as a curve is another tool's."""
    if intent == "review":
        return "list_inspections"
    if intent in {"rank_defect_types", "read_manual"} and counts_a_type(masked):
        return "count_inspections"
    if intent == "count_inspections" and group in ("", "type") and asks_which_defects(masked):
        return "rank_defect_types"
    if intent == "rank_defect_types" and group not in ("", "type"):
        return "count_inspections"
    if intent in {"read_manual", "list_inspections"} and group in _PLACES_TO_COMPARE:
        return "count_inspections"
    changes = has_concept(masked, "trend") or has_concept(masked, "updown")
    if intent == "trend_defect_rate" and group not in ("", *_IN_TIME, "shift") and not changes:
        return "count_inspections"
    if intent == "trend_defect_rate" and group and looks_for_time(masked) and not changes:
        return "count_inspections"
    if intent == "count_inspections" and group in _IN_TIME and has_concept(masked, "rate"):
        return "trend_defect_rate"
    return intent


def _has_own_words(heard: Heard) -> bool:
    return any(not is_familiar(word) for word in list_own_words(re.sub(r"[A-Z]+", " ", heard.masked)))


def _read_verdict(heard: Heard) -> dict[str, str]:
    for verdict, concepts in (("reject", ("defect", "reject")), ("ok", ("good",)), ("review", ("review",))):
        if any(has_concept(heard.masked, one) for one in concepts):
            return {"verdict": verdict}
    return {"verdict": "ok"} if re.search(r"\bok\b|정상", heard.masked) else {}


def _explain(heard: Heard, scope: dict[str, Any], situation: Situation) -> Look:
    number = _first_group(INSPECTION, heard.blank) or _bare_number(heard)
    if number:
        return Look("explain_inspection", {"inspection": number})
    place: dict[str, Any] = {name: scope[name] for name in _PLACE if name in scope}
    latest = LATEST.search(heard.blank) or place or not situation.has_inspection
    return Look("explain_inspection", {"inspection": "latest" if latest else "context", **place})


def _bare_number(heard: Heard) -> str:
    """Return the only number that is no day, line or lot: “rationale for rejecting 27”."""
    _period, rest = read_period(heard.blank, heard.today)
    for pattern in (LOT, LINE, SHIFT):
        rest = pattern.sub(" ", rest)
    numbers = re.findall(r"(?<![\w.])\d{1,9}(?![\w.%])", rest)
    return numbers[0] if len(numbers) == 1 else ""


def read_scope(heard: Heard) -> dict[str, Any]:
    """Return period, product, defect type, line, lot and shift as arguments of a tool."""
    names = heard.names
    period, rest = read_period(heard.blank, heard.today)
    found: dict[str, Any] = {**period, **_product(heard.text, names)}
    owner = names.product(found["product"]) if "product" in found else None
    if (lot := LOT.search(rest)) is not None and any(char.isdecimal() for char in lot[0]):
        found["lot"] = _lot(lot)
        rest = f"{rest[: lot.start()]} {rest[lot.end() :]}"
    lines = list(LINE.finditer(rest))
    if lines:
        if len(lines) == 1:
            found["line"] = _line(next(one for one in lines[0].groups() if one), names)
        rest = LINE.sub(" ", rest)
    shifts = list(SHIFT.finditer(rest))
    if len(shifts) == 1:
        found["shift"] = next(one for one in shifts[0].groups() if one)
    types = find_types(SHIFT.sub(" ", rest), names.types_of(owner.id if owner is not None else None))
    if types:
        found["defect_type"] = types[0].name.code
        owners = {one.product_id for one in types}
        is_shared = sum(one.name.code == types[0].name.code for one in names.types) > 1
        if "product" not in found and len(owners) == 1 and is_shared:
            # “blow hole” is the casting's, whatever else has a hole: its code alone would not tell.
            found["product"] = next(one.code for one in names.products if one.id in owners)
    return found


def _product(text: str, names: Names) -> dict[str, Any]:
    found = find_products(text, names)
    if not found:
        return {}
    # Several: the tool asks back, with what they have in common as what was said.
    common = " ".join(list_own_words(text))[:60] or found[0].code
    return {"product": found[0].code if len(found) == 1 else common}


def _line(said: str, names: Names) -> str:
    wanted = line_key(said)
    return next((line for line in names.lines if line_key(line) == wanted), said)


def _lot(found: re.Match[str]) -> str:
    """Return a lot as it is usually written, in capitals: small letters come from the comparison only.

    `lot-77` may be its whole name: then it is taken with the word.
    """
    whole = re.match(r"lot[-_][a-z0-9_.-]+", found[0])
    return (whole[0] if whole else next(one for one in found.groups() if one)).upper()


def _first_group(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return "" if found is None else next((one for one in found.groups() if one), "")
