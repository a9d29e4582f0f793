"""What a message means after others: an answer to a question, another day, the same for another product."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from core.assistant.names import Names
from core.assistant.offline.arguments import ONE_PRODUCT, TAKEN, make_look, read_scope
from core.assistant.offline.evidence.concepts import has_concept
from core.assistant.offline.hearing import Heard
from core.assistant.offline.naming import find_products, find_types, list_tokens, pattern_of
from core.assistant.offline.understood import Look, Pending, Situation
from core.assistant.offline.words.periods import shift_relative
from core.assistant.offline.words.places_words import LATEST, ORDINALS
from core.assistant.offline.words.request_words import (
    ALSO,
    BACK,
    OF_MANY,
    WHOLE,
    asks_for_parts,
    is_own,
    read_group,
    read_step,
)
from core.assistant.offline.words.text import normalize

_PERIOD = frozenset({"period", "first_day", "last_day"})
_SCOPE = (*sorted(_PERIOD), "product", "line", "lot", "shift", "defect_type")
_FIGURES = frozenset({"count_inspections", "rank_defect_types", "trend_defect_rate", "list_inspections"})
_OF_MODELS = frozenset({"weak_spots", "read_thresholds", "model_state", "list_datasets", "list_runs", "show_run"})
# What “all of them” widens again, by the noun that is said with it; without one the first that was narrowed.
_NARROWED = (
    ("line", r"라인|호기|\blines?\b"), ("product", r"제품|품목|\bproducts?\b"), ("lot", r"로트|\blots?\b"),
    ("shift", r"교대|근무|조(?![가-힣])|\bshifts?\b"), ("whose", r"사람|\beverybody|\beveryone"),
    ("defect_type", r"유형|종류|불량|\btypes?\b"), ("verdict", r"판정|\bverdicts?\b"),
)  # fmt: skip
_SHORT = 20
# What is named with the words that part is a question of its own: “라인별 불량 건수”.
_OTHER_SUBJECTS = ("defect", "reject", "inspect", "rate", "model", "training", "threshold", "action", "dataset")
_SUBJECTS = ("defect", "reject", "inspect", "part", "rate", "model", "training", "threshold", "action", "products")


def pick_value(text: str, pending: Pending, names: Names) -> str | None:
    """Return the choice that the words name: by place, by name or in part; None for none."""
    for place, pattern in enumerate(ORDINALS[: len(pending.choices)]):
        if re.search(pattern, text):
            return pending.choices[place][0]
    if re.search(r"\blast\b|마지막", text) and len(text) < _SHORT and pending.choices:
        return pending.choices[-1][0]
    values = [value for value, _label in pending.choices]
    exact = [value for value in values if pattern_of(normalize(value)).search(text)]
    if exact:
        return max(exact, key=len)
    if pending.field == "product":
        own = Names(tuple(one for one in names.products if one.code in values), (), {}, ())
        found = find_products(text, own)
        return found[0].code if len(found) == 1 else _pick_by_word(text, own)
    if pending.field == "defect_type":
        types = find_types(text, tuple(one for one in names.types if one.name.code in values))
        return types[0].name.code if len({one.name.code for one in types}) == 1 else None
    return None


def _pick_by_word(text: str, own: Names) -> str | None:
    """Return the one product that has a word of the answer in its name: among few, one syllable tells them apart."""
    fits = {
        one.code: sum(pattern_of(token).search(text) is not None for token in list_tokens(one)) for one in own.products
    }
    best = max(fits.values(), default=0)
    found = [code for code, count in fits.items() if count == best]
    return found[0] if best and len(found) == 1 else None


def go_on(heard: Heard, situation: Situation) -> Look | None:
    """Return the last look-up with what the words change about it: “and yesterday?”, “그럼 3라인은?”; None for none."""
    last = situation.last
    if last is None:
        return None
    scope = read_scope(heard)
    changed: dict[str, Any] = dict(scope)
    group, step = read_group(heard.masked), read_step(heard.masked)
    tool = last.tool
    if tool == "trend_defect_rate" and step:
        changed["by"] = step
    elif tool in _FIGURES and group:
        tool, changed["group_by"] = "count_inspections", group
    if tool == "list_open_actions" and is_own(heard.text):
        changed["whose"] = "mine"
    if tool == "list_inspections":
        look = make_look("list_inspections", heard, situation).arguments
        changed |= {name: look[name] for name in ("verdict", "top") if name in look}
    taken = TAKEN.get(tool, ONE_PRODUCT)
    used = {name: value for name, value in changed.items() if name in taken}
    if not used and (widened := _widen(heard, last)) is not None:
        return widened
    if used:
        return Look(tool, {**_keep(last.arguments, used, taken), **used})
    # The last one knows nothing of a line or a day: the figures do.
    return Look("count_inspections", scope) if scope else None


def only_parts(masked: str, situation: Situation) -> bool:
    """Return whether figures asked for before are to be parted, and nothing else: “주야간으로 나눠서 보자”."""
    if situation.last is None or situation.last.tool not in _FIGURES or not asks_for_parts(masked):
        return False
    return bool(read_group(masked)) and not any(has_concept(masked, one) for one in _OTHER_SUBJECTS)


def _widen(heard: Heard, last: Look) -> Look | None:
    """Return the last look-up without what it was narrowed down to, where all of it is asked for; None for others."""
    if WHOLE.search(heard.text) is None:
        return None
    named = [name for name, noun in _NARROWED if name in last.arguments and re.search(noun, heard.text)]
    dropped = named or [name for name, _noun in _NARROWED if name in last.arguments]
    if not dropped:
        return None
    return Look(last.tool, {name: value for name, value in last.arguments.items() if name != dropped[0]})


def settle_relative(text: str, last: Look | None, today: date) -> str:
    """Return normalized text with days in place of “the week before”, seen from the period asked about last."""
    before = {} if last is None else {name: str(last.arguments.get(name) or "") for name in _PERIOD}
    return shift_relative(text, before, today)


def _keep(before: Mapping[str, Any], changed: Mapping[str, Any], taken: frozenset[str]) -> dict[str, Any]:
    dropped: set[str] = {"question"}
    if changed.keys() & _PERIOD:
        dropped |= _PERIOD
    if "product" in changed:
        # A type, a lot and an inspection are those of the product before.
        dropped |= {"defect_type", "lot"}
    kept = {name: value for name, value in before.items() if name in taken and name not in dropped}
    if kept.get("inspection") == "context" and changed:
        kept["inspection"] = "latest"
    return kept


def _is_elliptic(heard: Heard) -> bool:
    """Return whether the words name nothing that could be asked about: “제일 많은 건 뭐였는데”."""
    # A line, a shift or a lot only goes deeper: “3라인은 뭐가 제일 많아?”.
    named = re.search(r"[PT]|D(?!은|는|엔|에는)", heard.masked)
    return not named and len(heard.masked) <= _SHORT and not any(has_concept(heard.masked, one) for one in _SUBJECTS)


def _says_no_scope(look: Look, heard: Heard, last: Look) -> bool:
    """Return whether figures are asked for without saying of what, after others: “불량 목록 보여줘”."""
    # “the last 50 rejects” are the newest, whatever was asked about before.
    named = re.search(r"[PTDLSK]", heard.masked) or WHOLE.search(heard.text) or LATEST.search(heard.text)
    return not named and {look.tool, last.tool} <= _FIGURES


def _goes_into(look: Look, heard: Heard, last: Look) -> bool:
    """Return whether one of the groups that were counted before is named: a lot after “by lot”."""
    return (
        {look.tool, last.tool} <= _FIGURES
        and last.arguments.get("group_by") in look.arguments
        and re.search(r"[PD]", heard.masked) is None
    )


def _stays_with_product(look: Look, heard: Heard, last: Look) -> bool:
    """Return whether models, data or trainings are those of the product spoken of: “학습 이력도 보여줘”."""
    if look.tool not in _OF_MODELS or "product" in look.arguments or "run" in look.arguments:
        return False
    if WHOLE.search(heard.text) or OF_MANY.search(heard.text):
        return False
    return last.tool in _OF_MODELS or ALSO.search(heard.text) is not None


def _only_turns(heard: Heard) -> bool:
    """Return whether a few Korean words turn to something else of the same: “불량은?”, “어제랑 비교하면?”."""
    return len(heard.masked) <= _SHORT and re.search(r"(?:은|는|은요|는요|하면|보면)\s*\??$", heard.masked) is not None


def inherit(look: Look, heard: Heard, situation: Situation) -> Look:
    """Return a look-up with what was asked about before, where the words point back: “그 제품”, “which of those”."""
    last = situation.last
    if last is None:
        return look
    goes_on = BACK.search(heard.text) or _is_elliptic(heard) or _only_turns(heard)
    goes_on = goes_on or _says_no_scope(look, heard, last) or _goes_into(look, heard, last)
    if not goes_on and not _stays_with_product(look, heard, last):
        return look
    taken = TAKEN.get(look.tool, ONE_PRODUCT)
    said = dict(look.arguments)
    kept = {name: last.arguments[name] for name in _SCOPE if name in taken and name in last.arguments}
    if said.keys() & _PERIOD:
        kept = {name: value for name, value in kept.items() if name not in _PERIOD}
    return Look(look.tool, {**kept, **said})
