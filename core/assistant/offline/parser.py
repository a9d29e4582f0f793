"""The offline parser: what a message means in its conversation, Korean and English, without any language model.

A message is masked (no names, days and numbers), weighed for each task by what it shares with examples, and only then
read for what the task needs. The same words in the same situation mean the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from core.assistant.names import Names
from core.assistant.offline.arguments import make_look
from core.assistant.offline.dialogue import go_on, inherit, only_parts, pick_value, settle_relative
from core.assistant.offline.evidence.concepts import has_concept
from core.assistant.offline.evidence.deciding import DISCARD, FOLLOW_UP, NO_LOOK_UPS, START, TRAIN, Decision, decide
from core.assistant.offline.hearing import Heard, hear
from core.assistant.offline.naming import blank_products, find_products, pattern_of
from core.assistant.offline.understood import Discard, Help, Look, Pending, Situation, Start, Train, Understood, Which
from core.assistant.offline.words.places_words import LATEST
from core.assistant.offline.words.request_words import BACK, CANCEL, INSTEAD, PAST_RUNS, SHORT_START
from core.assistant.offline.words.request_words import START as START_WORDS
from core.assistant.offline.words.settings_words import SETTING_PATHS, read_settings
from core.assistant.offline.words.text import normalize

TASK = "task_meant"
# A question of its own, in whole words: it answers no other one.
_OWN_QUESTION_WORDS, _OWN_QUESTION_LEAD = 4, 0.3
_FRAGMENT, _NEAR = 24, 0.25
_SETTING_WEIGHT = 0.5
# Whatever else the words are like, these belong to a training; what is asked of past ones and of the manual may name
# them. “batch 20” is a lot as well, and minutes are a time.
_ONLY_SETTINGS = SETTING_PATHS - {"training.batch_size", "data.dataset", "data.test_share"}
_ASK_ABOUT_SETTINGS = frozenset({"list_runs", "show_run", "list_datasets", "read_manual", "model_state", "weak_spots"})


# What imitates a program, a record or a call of a tool is no order of a person.
_IMITATED = re.compile(r"</?[a-z_]+[^>]*>|\b[a-z_]+\([^)]*[=)]|\{\s*\"|\bdrop table\b|\brm -rf?\b|;\s*--")


def parse(words: str, names: Names, situation: Situation, *, today: date) -> Understood:
    """Return what a message is understood as."""
    heard = hear(settle_relative(normalize(words), situation.last, today), names, today)
    if _IMITATED.search(heard.text):
        return Help()
    decision = decide(heard.masked)
    pending = situation.pending
    if pending is not None and pending.field == TASK and (meant := _pick_task(heard, pending, situation)) is not None:
        return meant
    if situation.has_draft and (of_draft := _read_draft_words(heard, decision, situation)) is not None:
        return of_draft
    if pending is not None and not _asks_anew(decision) and (picked := _pick(heard, pending)) is not None:
        return picked
    return _understand(heard, decision, situation)


def _asks_anew(decision: Decision) -> bool:
    is_whole = len(decision.masked.split()) >= _OWN_QUESTION_WORDS
    return decision.looks_up and is_whole and decision.lead >= _OWN_QUESTION_LEAD


def _asks_of_past_runs(heard: Heard) -> bool:
    """Return whether trainings of before are asked for by a setting that they had, and not one of them by name."""
    if PAST_RUNS.search(heard.text) is None or LATEST.search(heard.text) is not None:
        return False
    return bool(read_settings(heard.blank).keys() & SETTING_PATHS)


def _understand(heard: Heard, decision: Decision, situation: Situation) -> Understood:
    if _asks_of_past_runs(heard) and "run" not in make_look("show_run", heard, situation).arguments:
        return inherit(make_look("list_runs", heard, situation), heard, situation)
    if decision.follows or _is_fragment(decision, situation) or only_parts(decision.masked, situation):
        gone_on = go_on(heard, situation)
        if gone_on is not None:
            return gone_on
        decision = decide(heard.masked, without=(FOLLOW_UP,))
    if decision.intent == TRAIN or (decision.intent == START and has_concept(decision.masked, "training")):
        return _train(heard, situation)
    if decision.is_unsure and (which := _ask_which(heard, decision, situation)) is not None:
        return which
    if decision.looks_up:
        return inherit(make_look(decision.intent, heard, situation), heard, situation)
    wanted = _train(heard, situation)
    if wanted.said.keys() & {"task", "model.recipe"} and (wanted.products or len(wanted.said) > 1):
        # “leather classifier, one hour”: no verb is needed.
        return wanted
    return Help()


def _is_fragment(decision: Decision, situation: Situation) -> bool:
    """Return whether a few words change the last look-up, though they might be a question of their own, too."""
    if situation.last is None or len(decision.masked) > _FRAGMENT:
        return False
    if not re.findall(r"[a-z]{2,}|[가-힣]{2,}", decision.masked):
        # Nothing but a name or a day: “yesterday?”, “3라인은”.
        return True
    is_near = decision.weight - decision.weight_of_following < _NEAR
    return is_near and decision.intent == situation.last.tool


def _ask_which(heard: Heard, decision: Decision, situation: Situation) -> Which | None:
    """Return the question which of two tasks is meant, None where both come to the same."""
    both = tuple(one for one in (decision.intent, *decision.others[:1]) if one not in NO_LOOK_UPS or one == TRAIN)
    looks = [make_look(one, heard, situation) for one in both if one != TRAIN]
    if len(both) < 2 or (len(looks) == 2 and looks[0] == looks[1]):
        return None
    return Which(both, heard.text)


def _pick_task(heard: Heard, pending: Pending, situation: Situation) -> Understood | None:
    """Return what the message before means as the task that is picked now."""
    value = pick_value(heard.text, pending, heard.names)
    if value is None:
        return None
    intents = str(pending.arguments.get("intents", "")).split(",")
    intent = intents[[one for one, _label in pending.choices].index(value)]
    before = hear(str(pending.arguments.get("said", "")), heard.names, heard.today)
    if intent == TRAIN:
        return _train(before, situation)
    return make_look(intent, before, situation) if intent not in NO_LOOK_UPS else Help()


def _train(heard: Heard, situation: Situation, *, changes_draft: bool = False) -> Train:
    products = tuple(one.code for one in find_products(heard.text, heard.names))
    if not products and not changes_draft and situation.last is not None and BACK.search(heard.text):
        before = heard.names.product(str(situation.last.arguments.get("product") or ""))
        products = (before.code,) if before is not None else ()
    said = read_settings(heard.blank)
    if len(products) == 1:
        said |= _read_view(heard.blank, heard.names, products[0])
    return Train(said, products, changes_draft)


def _read_view(text: str, names: Names, product_code: str) -> Mapping[str, Any]:
    product = names.product(product_code)
    views = names.views_of(product.id) if product is not None else ()
    return next(({"data.view": view} for view in views if pattern_of(normalize(view)).search(text)), {})


def _read_draft_words(heard: Heard, decision: Decision, situation: Situation) -> Understood | None:
    """Return what the words mean for the draft that is open, None where they are about something else."""
    if _asks_of_past_runs(heard):
        return None
    changed = _train(heard, situation, changes_draft=True)
    # “뒤집기는 하지 마” turns a setting off, and drops no draft.
    turns_off = any(value is False for value in changed.said.values())
    if not turns_off and (decision.intent == DISCARD or (CANCEL.search(heard.text) and not decision.looks_up)):
        return Discard()
    pending = situation.pending
    if pending is not None and not pending.tool and pending.field != TASK:
        picked = _pick(heard, pending)
        if isinstance(picked, Train):
            return Train({**picked.said, **changed.said}, picked.products or changed.products, changes_draft=True)
    is_setting = _names_setting(decision, changed)
    if changed.said and (is_setting or not decision.looks_up or decision.weight < _SETTING_WEIGHT):
        return changed if not _begins_anew(heard, decision, changed) else _train(heard, situation)
    if decision.looks_up:
        return None
    if changed.products:
        return changed if not _begins_anew(heard, decision, changed) else _train(heard, situation)
    if decision.intent == START or START_WORDS.search(heard.text) or SHORT_START.fullmatch(heard.text):
        return Start()
    return _train(heard, situation) if decision.intent == TRAIN else None


def _names_setting(decision: Decision, changed: Train) -> bool:
    """Return whether a setting is named that nothing but a training has; how images are changed is never asked for."""
    asks = decision.intent in _ASK_ABOUT_SETTINGS
    return any(one.startswith("augmentation.") or (one in _ONLY_SETTINGS and not asks) for one in changed.said)


def _begins_anew(heard: Heard, decision: Decision, changed: Train) -> bool:
    """Return whether another training is wanted: a new draft takes the old one's place."""
    return decision.intent == TRAIN and bool(changed.products) and INSTEAD.search(heard.text) is None


def _pick(heard: Heard, pending: Pending) -> Understood | None:
    """Return the pending question answered by these words: by place, by name, or by settings; None for others."""
    if CANCEL.search(heard.text):
        return Discard() if not pending.tool else Help()
    value = pick_value(heard.text, pending, heard.names)
    if value is None:
        return None
    if pending.tool:
        return Look(pending.tool, {**pending.arguments, pending.field: value})
    blank = blank_products(heard.text, heard.names)
    said = read_settings(blank)
    if pending.field == "product":
        return Train({**said, **_read_view(blank, heard.names, value)}, (value,), changes_draft=True)
    return Train({**said, pending.field: value}, (), changes_draft=True)
