"""Rights are asked of the database as it is now, by every use case that a person acts in."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.access import ENGINEER, WORKER, Person, as_person, require_role
from core.accounts import people
from core.errors import NotAllowed
from core.services import Services

ROOT = Path(__file__).resolve().parents[3]
PASSWORD = "correct horse battery"
# Called by use cases that have asked already, inside their transaction or after their work.
PARTS_OF_USE_CASES = {
    "core.access.require_role",
    "core.audit.record",
    "core.catalog.edits.save_edit",
    "core.guidance.records.keep_guidance",
    "core.inspections.batch.store_examined",
    "core.registry.retention.expire_versions",
    "core.accounts.sessions.begin",
    # What a person is bound to, asked beside the role.
    "core.accounts.bindings.bindings_of",
    "core.accounts.bindings.fit_line",
    "core.accounts.bindings.require_bound",
    "core.accounts.bindings.seen_by",
    # The person stands in the audit log alone: the routes of downloads and the worker's jobs have asked.
    "core.backups.backing_up.make",
    "core.batches.exports.stream_batch_csv",
    "core.batches.exports.stream_rejected",
    "core.batches.exports.write_batch_xlsx",
    "core.outgoing.note_export",
    "core.refusals.note_refusal",
    "core.reports.history_table.stream_history_csv",
    "core.reports.history_table.write_history_xlsx",
}


def _use_cases() -> Iterator[str]:
    """Return every public function of core that takes the person who acts."""
    for path in sorted((ROOT / "core").rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                names = {argument.arg for argument in node.args.args + node.args.kwonlyargs}
                if {"person", "services"} <= names or (node.name in {"record", "save_edit"} and "person" in names):
                    yield f"{module}.{node.name}"


USE_CASES = sorted(set(_use_cases()) - PARTS_OF_USE_CASES)


@pytest.fixture
def kim(services: Services, admin: Person) -> Person:
    return as_person(
        people.create_user(services, admin, login="kim", display_name="Kim", role="admin", password=PASSWORD)
    )


def _call(name: str, services: Services, person: Person) -> None:
    """Call a use case with arguments that mean nothing: the person is looked at before anything else."""
    module, _dot, function = name.rpartition(".")
    target = getattr(importlib.import_module(module), function)
    arguments: dict[str, Any] = {"services": services, "person": person}
    for parameter in inspect.signature(target).parameters.values():
        if parameter.default is parameter.empty:
            arguments.setdefault(parameter.name, _Anything())
    result = target(**arguments)
    if isinstance(result, Iterator):
        next(result)


class _Anything:
    """An argument that gives way to whatever is asked of it."""

    def __getattr__(self, name: str) -> _Anything:
        return self

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 1

    def __hash__(self) -> int:
        return 1

    def __eq__(self, other: object) -> bool:
        return True


def test_the_parts_that_need_not_ask_are_there() -> None:
    assert set(_use_cases()) >= PARTS_OF_USE_CASES


@pytest.mark.parametrize("name", USE_CASES)
def test_a_person_whose_account_was_disabled_can_do_nothing(
    services: Services, admin: Person, kim: Person, name: str
) -> None:
    people.create_user(services, admin, login="lee", display_name="Lee", role="admin", password=PASSWORD)
    people.disable_user(services, admin, kim.id)
    with pytest.raises(NotAllowed) as caught:
        _call(name, services, kim)
    assert caught.value.code == "session_over"


def test_the_stored_role_counts_and_not_the_one_that_was_carried_along(
    services: Services, admin: Person, kim: Person
) -> None:
    people.create_user(services, admin, login="lee", display_name="Lee", role="admin", password=PASSWORD)
    people.set_role(services, admin, kim.id, WORKER)
    with pytest.raises(NotAllowed) as caught:
        require_role(services, kim, ENGINEER)
    assert caught.value.code == "role_too_low"
    require_role(services, kim, WORKER)
    with pytest.raises(NotAllowed):
        require_role(services, replace(kim, role="admin"), ENGINEER)
    people.set_role(services, admin, kim.id, ENGINEER)
    require_role(services, replace(kim, role=WORKER), ENGINEER)


def test_a_new_password_makes_nobody_of_who_signed_in_with_the_old_one(
    services: Services, admin: Person, kim: Person
) -> None:
    people.set_password(services, admin, kim.id, "another password")
    with pytest.raises(NotAllowed) as caught:
        require_role(services, kim, WORKER)
    assert caught.value.code == "session_over"


def test_an_account_that_is_gone_is_nobody(services: Services) -> None:
    with pytest.raises(NotAllowed):
        require_role(services, Person(id=4711, login="x", display_name="X", role="admin"), WORKER)
