"""Whatever a person changes is recorded, and whatever is recorded has words in both languages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path

import pytest

from core.audit_fields import FIELD_NAMES
from core.audit_log.telling import summarize
from core.audit_log.words import ACTION_NAMES, GROUP_NAMES, SUBJECT_NAMES, group_of
from core.models.judgments import REASONS
from core.training.runs.acceptance import (
    BROKEN,
    FEWER_LABELS,
    FINDS_LITTLE,
    GOALS_MISSED,
    NEAR_CHANCE,
    OTHER_TASK,
    UNTESTED,
    WORSE,
)
from inference.vision.images.preprocessing import Preprocessing

ROOT = Path(__file__).resolve().parents[4]
_ACTION = re.compile(r"[a-z_]+\.[a-z_]+")
# What writes in a person's name and adds no row, and why.
NOT_RECORDED = {
    "core.accounts.people.save_language": "the language of one's own screens",
    "core.accounts.sessions.begin": "signing in is recorded by whoever let the person in",
    "core.assistant.confirming.change_draft": "a draft of one's own; confirming it is recorded",
    "core.assistant.confirming.discard_draft": "a draft of one's own; confirming it is recorded",
    "core.assistant.conversations._add": "one's own conversation",
    "core.assistant.conversations._start": "one's own conversation",
    "core.assistant.conversations.delete_conversation": "one's own conversation",
    "core.assistant.conversations.discard_waiting": "one's own conversation",
    "core.assistant.conversations.rename_conversation": "one's own conversation",
    "core.gauge.pictures._store": "the trial keeps who added its picture, and when",
    "core.gauge.rating.rate": "the rating keeps who gave it, and when",
    "core.gauge.rating.take_back": "a rating of one's own before the study is closed",
    "core.guidance.records.keep_guidance": "the record of the guidance keeps who asked, and when",
    "core.image_imports.drafts.discard_draft": "a draft from which nothing was taken in",
    "core.inspections.follow_up.drafts._save": "what is typed and not yet decided",
    "core.inspections.storing._insert": "the inspection itself keeps who made it, when and from where",
    "core.similarity.text_search.search_text": "the search history keeps who searched, and when",
}


class _Module:
    """The functions of a module, and what its names stand for elsewhere in core."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.tree = ast.parse(path.read_text("utf-8"))
        self.functions = {node.name: node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef)}
        self.imported: dict[str, tuple[str, str]] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("core"):
                for alias in node.names:
                    self.imported[alias.asname or alias.name] = (node.module or "", alias.name)


def _modules() -> dict[str, _Module]:
    found = {}
    for path in sorted((ROOT / "core").rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        found[name] = _Module(name, path)
    return found


MODULES = _modules()


def _calls(function: ast.FunctionDef, name: str) -> bool:
    return any(
        isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == name for node in ast.walk(function)
    )


def _reached(module: _Module, function: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    """Yield the functions of core that a function names: calls, callbacks, and those of imported modules."""
    for node in ast.walk(function):
        if isinstance(node, ast.Name):
            if node.id in module.functions:
                yield module.name, node.id
            elif node.id in module.imported:
                yield module.imported[node.id]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            at, name = module.imported.get(node.value.id, ("", ""))
            if f"{at}.{name}" in MODULES:
                yield f"{at}.{name}", node.attr


@cache
def _records(module: str, name: str) -> bool:
    waiting, seen = [(module, name)], set()
    while waiting:
        here = waiting.pop()
        if here in seen or here[0] not in MODULES or here[1] not in MODULES[here[0]].functions:
            continue
        seen.add(here)
        function = MODULES[here[0]].functions[here[1]]
        if here[0] != "core.audit" and (_calls(function, "record") or _calls(function, "record_refusal")):
            return True
        # A refusal that is recorded is no record of what is done.
        waiting += [one for one in _reached(MODULES[here[0]], function) if one[1] != "require_role"]
    return False


def _writes_for_a_person() -> set[tuple[str, str]]:
    return {
        (module.name, name)
        for module in MODULES.values()
        for name, function in module.functions.items()
        if "person" in {one.arg for one in (*function.args.args, *function.args.kwonlyargs)}
        and _calls(function, "writing")
    }


def test_what_is_written_for_a_person_is_recorded() -> None:
    found = _writes_for_a_person()
    assert len(found) > 80
    silent = {f"{module}.{name}" for module, name in found if not _records(module, name)}
    assert silent == NOT_RECORDED.keys()


def _actions() -> Iterator[tuple[str, str]]:
    """Yield each action with the module that records it: also where a module chooses among several."""
    known = {action.split(".")[0] for action in ACTION_NAMES}
    for module in MODULES.values():
        for node in ast.walk(module.tree):
            if (
                not isinstance(node, ast.Call)
                or ast.unparse(node.func).split(".")[-1] not in {"record", "record_refusal"}
                or len(node.args) < 4
            ):
                continue
            if isinstance(node.args[2], ast.Constant):
                yield str(node.args[2].value), module.name
                continue
            for part in ast.walk(module.tree):
                value = part.value if isinstance(part, ast.Constant) else None
                if isinstance(value, str) and _ACTION.fullmatch(value) and value.split(".")[0] in known:
                    yield value, module.name


def _spread(module: _Module, call: ast.Call) -> Iterator[str]:
    """Yield the fields that a call is given by `**`: of a dict written there, or in the function it comes from."""
    for keyword in call.keywords:
        if keyword.arg is not None:
            continue
        trees: list[ast.AST] = [keyword.value]
        for node in ast.walk(keyword.value):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in module.functions:
                trees.append(module.functions[node.func.id])
        for node in (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Dict)):
            yield from (key.value for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str))


def test_every_field_that_a_row_is_given_in_a_dict_has_words() -> None:
    kept = {
        name
        for module in MODULES.values()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in {"record", "record_refusal"}
        for name in _spread(module, node)
    }
    assert {"held_back", "overridden", "flips", "view"} <= kept
    assert kept <= FIELD_NAMES.keys()


def test_every_preprocessing_option_has_words() -> None:
    assert {field.name for field in fields(Preprocessing)} <= FIELD_NAMES.keys()


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_reason_against_a_version_is_told_in_words(language: str) -> None:
    codes = [*sorted(REASONS), f"{WORSE}_auroc_unsure", OTHER_TASK, FEWER_LABELS, NEAR_CHANCE, FINDS_LITTLE]
    codes += [UNTESTED, GOALS_MISSED, BROKEN]
    told = summarize({"overridden": codes}, language).partition(": ")[2].split(", ")
    assert len(told) == len(codes)
    assert not set(told) & set(codes)
    assert all(language == "en" or not text.isascii() for text in told)


def test_every_field_that_a_row_keeps_has_words() -> None:
    kept = {
        keyword.arg
        for module in MODULES.values()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in {"record", "record_refusal"}
        for keyword in node.keywords
        if keyword.arg is not None
    }
    assert len(kept) > 60
    # These two are never told by their names.
    assert kept - FIELD_NAMES.keys() == {"changes", "row_version"}


def test_every_action_and_subject_has_words() -> None:
    actions = dict(_actions())
    assert len(actions) > 80
    assert {action: at for action, at in actions.items() if action not in ACTION_NAMES} == {}
    exports = {
        f"export.{node.args[2].value!s}"
        for folder in ("core", "pages")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"note_export"}
        and len(node.args) > 2
        and isinstance(node.args[2], ast.Constant)
    }
    assert exports > set()
    assert exports - ACTION_NAMES.keys() == set()
    assert {group_of(action) for action in ACTION_NAMES} == GROUP_NAMES.keys()
    subjects = {
        str(node.args[3].value)
        for module in MODULES.values()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).split(".")[-1] in {"record", "record_refusal"}
        and len(node.args) > 3
        and isinstance(node.args[3], ast.Constant)
    }
    assert subjects - SUBJECT_NAMES.keys() == set()
