"""The offline parser: deterministic rules on the words of the tasks, Korean and English, spaced or not."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from core.assistant.names import Names
from core.assistant.offline.intents import (
    ASKS,
    BY_WORDS,
    CANCEL,
    GROUPS,
    HOW_MANY,
    OWN,
    SHORT_START,
    START,
    STEPS,
    TRAIN,
    is_question_about_runs,
)
from core.assistant.offline.naming import blank_products, find_products, find_types, list_own_words, pattern_of
from core.assistant.offline.periods import read_period
from core.assistant.offline.places_words import HOW_IS_IT, INSPECTION, LATEST, LINE, LOT, ORDINALS, RUN, SHIFT, TOP
from core.assistant.offline.settings_words import read_settings
from core.assistant.offline.text import line_key, normalize
from core.assistant.offline.understood import Discard, Help, Look, Pending, Situation, Start, Train, Understood

_SCOPED = frozenset({"count_inspections", "rank_defect_types", "trend_defect_rate", "list_inspections"})


def parse(words: str, names: Names, situation: Situation, *, today: date) -> Understood:
    """Return what a message is understood as. The same words in the same situation give the same."""
    text = normalize(words)
    blank = blank_products(text, names)
    if situation.has_draft:
        of_draft = _read_draft_words(text, blank, names, situation)
        if of_draft is not None:
            return of_draft
    if situation.pending is not None and (picked := _pick(text, situation.pending, names)) is not None:
        return picked
    if _wants_training(blank):
        return _train(text, blank, names)
    found = _look(text, blank, names, situation, today)
    if found is not None:
        return found
    wanted = _train(text, blank, names)
    if wanted.said.keys() & {"task", "model.recipe"} and (wanted.products or len(wanted.said) > 1):
        # “leather classifier, one hour”: no verb is needed.
        return wanted
    return _go_on(text, blank, names, situation, today) or Help()


def _wants_training(text: str) -> bool:
    return TRAIN.search(text) is not None and not is_question_about_runs(text)


def _train(text: str, blank: str, names: Names, *, changes_draft: bool = False) -> Train:
    products = tuple(one.code for one in find_products(text, names))
    said = read_settings(blank)
    if len(products) == 1:
        view = _read_view(blank, names, products[0])
        said |= {"data.view": view} if view else {}
    return Train(said, products, changes_draft)


def _read_view(text: str, names: Names, product_code: str) -> str:
    product = names.product(product_code)
    views = names.views_of(product.id) if product is not None else ()
    return next((view for view in views if pattern_of(normalize(view)).search(text)), "")


def _read_draft_words(text: str, blank: str, names: Names, situation: Situation) -> Understood | None:
    """Return what the words mean for the draft that is open, None where they are about something else."""
    if CANCEL.search(text):
        return Discard()
    changed = _train(text, blank, names, changes_draft=True)
    asks_for_more = _look(text, blank, names, situation, date(2000, 1, 1)) is not None
    pending = situation.pending
    if pending is not None and not pending.tool:
        picked = _pick(text, pending, names)
        if isinstance(picked, Train):
            return Train({**picked.said, **changed.said}, picked.products or changed.products, changes_draft=True)
    if _wants_training(blank):
        # The same again in other words, or another training: a new draft takes the old one's place.
        return (
            Start() if START.search(text) and not changed.products and not changed.said else _train(text, blank, names)
        )
    if changed.said and not asks_for_more:
        return changed
    if START.search(text) or SHORT_START.fullmatch(text):
        return Start()
    if changed.products and not asks_for_more:
        return changed
    return None


def _pick(text: str, pending: Pending, names: Names) -> Understood | None:
    """Return the pending question answered by these words: by place, by name, or by settings; None for others."""
    if CANCEL.search(text):
        return Discard() if not pending.tool else Help()
    value = _picked_value(text, pending, names)
    if value is None:
        return None
    if pending.tool:
        return Look(pending.tool, {**pending.arguments, pending.field: value})
    said = read_settings(blank_products(text, names))
    if pending.field == "product":
        view = _read_view(blank_products(text, names), names, value)
        return Train({**said, **({"data.view": view} if view else {})}, (value,), changes_draft=True)
    return Train({**said, pending.field: value}, (), changes_draft=True)


def _picked_value(text: str, pending: Pending, names: Names) -> str | None:
    for place, pattern in enumerate(ORDINALS[: len(pending.choices)]):
        if re.search(pattern, text):
            return pending.choices[place][0]
    if re.search(r"\blast\b|마지막", text) and len(text) < 20 and pending.choices:
        return pending.choices[-1][0]
    values = [value for value, _label in pending.choices]
    exact = [value for value in values if pattern_of(normalize(value)).search(text)]
    if exact:
        return max(exact, key=len)
    if pending.field == "product":
        own = Names(tuple(one for one in names.products if one.code in values), (), {}, ())
        found = find_products(text, own)
        return found[0].code if len(found) == 1 else None
    if pending.field == "defect_type":
        types = find_types(text, tuple(one for one in names.types if one.name.code in values))
        return types[0].name.code if len({one.name.code for one in types}) == 1 else None
    return None


def _look(text: str, blank: str, names: Names, situation: Situation, today: date) -> Look | None:
    """Return the look-up that the words ask for, None where no rule fits."""
    for intent, pattern in ASKS:
        if pattern.search(blank) is None:
            continue
        if intent == "defects_where":
            by = _read_group(blank)
            return Look("count_inspections", _scope(text, names, today, group_by=by or "line"))
        if intent == "rank_defect_types" and (by := _read_group(blank)) not in ("", "type"):
            return Look("count_inspections", _scope(text, names, today, group_by=by))
        if intent == "explain_inspection":
            return _explain(text, blank, names, situation, today)
        return _make(intent, text, blank, names, today)
    return None


def _make(intent: str, text: str, blank: str, names: Names, today: date) -> Look:
    product = _product(text, names)
    if intent in _SCOPED:
        return Look(intent, _scoped_arguments(intent, text, blank, names, today))
    if intent == "review":
        return Look("list_inspections", {**_scope(text, names, today), "review": "waiting"})
    if intent == "read_manual":
        found = _scope(text, names, today)
        arguments: dict[str, Any] = {name: found[name] for name in ("product", "defect_type") if name in found}
        return Look(intent, arguments if arguments.get("defect_type") else {**arguments, **_question(text, product)})
    if intent == "list_open_actions":
        return Look(intent, {**product, **({"whose": "mine"} if OWN.search(text) else {})})
    if intent == "show_run":
        found_run = RUN.search(blank)
        number = next((one for one in found_run.groups() if one), None) if found_run is not None else None
        return Look(intent, {**product, **({"run": int(number)} if number else {})})
    if intent == "list_products":
        return Look(intent, {})
    return Look(intent, product)


def _question(text: str, product: dict[str, Any]) -> dict[str, Any]:
    """Return free words as the question, where they hold more than the task's own words."""
    return {"question": text[:200]} if list_own_words(text) and product else {}


def _explain(text: str, blank: str, names: Names, situation: Situation, today: date) -> Look:
    found = INSPECTION.search(blank)
    number = next((one for one in found.groups() if one), None) if found is not None else None
    if number:
        return Look("explain_inspection", {"inspection": number})
    scope = _scope(text, names, today)
    place: dict[str, Any] = {name: scope[name] for name in ("product", "line", "lot") if name in scope}
    latest = LATEST.search(blank) or place or not situation.has_inspection
    return Look("explain_inspection", {"inspection": "latest" if latest else "context", **place})


def _scoped_arguments(intent: str, text: str, blank: str, names: Names, today: date) -> dict[str, Any]:
    arguments = _scope(text, names, today)
    top = TOP.search(blank)
    if intent in {"rank_defect_types", "list_inspections"} and top is not None:
        arguments["top"] = int(top[1] or top[2])
    if intent == "count_inspections":
        by = _read_group(blank)
        arguments |= {"group_by": by} if by else {}
    if intent == "trend_defect_rate":
        by = next((step for step, pattern in STEPS if re.search(pattern, blank)), "")
        arguments |= {"by": by} if by else {}
    if intent == "rank_defect_types":
        arguments.pop("defect_type", None)
    if intent == "list_inspections":
        arguments.pop("shift", None)
        if re.search(r"\bng\b|불량|불합격|reject|defect|fail", blank):
            arguments["verdict"] = "reject"
        elif re.search(r"\bok\b|양품|합격|정상", blank):
            arguments["verdict"] = "ok"
        elif re.search(r"보류|review", blank):
            arguments["verdict"] = "review"
    return arguments


def _scope(text: str, names: Names, today: date, **more: Any) -> dict[str, Any]:
    """Return period, product, defect type, line, lot and shift as arguments of a tool."""
    blank = blank_products(text, names)
    period, rest = read_period(blank, today)
    arguments: dict[str, Any] = dict(period)
    arguments |= _product(text, names)
    owner = names.product(arguments["product"]) if "product" in arguments else None
    if (line := LINE.search(rest)) is not None and not re.search(BY_WORDS["line"], rest):
        arguments["line"] = _line(next(one for one in line.groups() if one), names)
        rest = f"{rest[: line.start()]} {rest[line.end() :]}"
    if (lot := LOT.search(rest)) is not None and any(char.isdecimal() for char in lot[0]):
        arguments["lot"] = _lot(lot)
        rest = f"{rest[: lot.start()]} {rest[lot.end() :]}"
    if (shift := SHIFT.search(rest)) is not None:
        arguments["shift"] = next(one for one in shift.groups() if one)
    types = find_types(rest, names.types_of(owner.id if owner is not None else None))
    if types:
        arguments["defect_type"] = types[0].name.code
    return {**arguments, **{name: value for name, value in more.items() if value}}


def _product(text: str, names: Names) -> dict[str, Any]:
    found = find_products(text, names)
    if not found:
        return {}
    # Several: the tool asks back, with what they have in common as what was said.
    return {"product": found[0].code if len(found) == 1 else _common(text, found)}


def _common(text: str, found: tuple[Any, ...]) -> str:
    return " ".join(list_own_words(text))[:60] or found[0].code


def _line(said: str, names: Names) -> str:
    wanted = line_key(said)
    return next((line for line in names.lines if line_key(line) == wanted), said)


def _lot(found: re.Match[str]) -> str:
    """Return a lot as it is usually written, in capitals: small letters come from the comparison only.

    `lot-77` may be its whole name: then it is taken with the word.
    """
    whole = re.match(r"lot[-_][a-z0-9_.-]+", found[0])
    return (whole[0] if whole else next(one for one in found.groups() if one)).upper()


def _read_group(text: str) -> str:
    return next((by for by, pattern in GROUPS if re.search(pattern, text)), "")


def _go_on(text: str, blank: str, names: Names, situation: Situation, today: date) -> Look | None:
    """Return the last look-up with what the words change about it: “and yesterday?”, “그럼 3라인은?”."""
    last = situation.last
    if len(text) > 60:
        return None
    changed = _scope(text, names, today)
    is_counted = HOW_MANY.search(blank) is not None and changed.keys() & {"product", "defect_type", "line", "lot"}
    if is_counted or (changed and HOW_IS_IT.search(text)):
        return Look("count_inspections", changed)
    if last is None or last.tool not in _SCOPED:
        return None
    by = _read_group(blank)
    if by and last.tool == "count_inspections":
        changed["group_by"] = by
    if not changed:
        return None
    kept = dict(last.arguments)
    if changed.keys() & {"period", "first_day", "last_day"}:
        kept = {name: value for name, value in kept.items() if name not in {"period", "first_day", "last_day"}}
    if last.tool in {"rank_defect_types"}:
        changed.pop("defect_type", None)
    return Look(last.tool, {**kept, **changed})
