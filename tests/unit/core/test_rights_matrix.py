"""Nothing that is an engineer's or an administrator's lets a line worker in: refused first, and kept in the log."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from sqlmodel import select

from core.access import WORKER, Person
from core.errors import NotAllowed
from core.services import Services
from storage.tables import AuditLog

ROOT = Path(__file__).resolve().parents[3]
# What asks for the role under a condition, and the arguments with which it does.
_CONDITIONAL: dict[str, dict[str, Any]] = {
    "core.accounts.people.set_password": {"user_id": 0},
    "core.accounts.bindings.load_bindings": {"user_ids": (0,)},
    "core.accounts.session_list.end_session": {"session_id": 0},
    "core.accounts.session_list.end_all_sessions": {"user_id": 0},
    "core.accounts.session_list.list_sessions": {"user_id": 0},
    "core.catalog.defect_types.create_defect_type": {"outcome": "good"},
    "core.jobs.queue.submit": {"kind": "memory_bank"},
}
# These look at something of the subject first, by which the role that is needed is known.
_LATER = {
    "core.jobs.queue.cancel": "the kind of the job says who may cancel it",
    "core.assistant.tools.contract.Tool.call": "a tool is called by the assistant alone, in the person's name",
    "core.assistant.offline.answering.respond": "is asked with a conversation of the person's own",
}


class Untouchable:
    """An argument that fails as soon as anything is done with it."""

    def _touched(self, *_args: object, **_named: object) -> NoReturn:
        raise AssertionError("looked at an argument before the role was asked for")

    __getattr__ = __iter__ = __len__ = __bool__ = __eq__ = __int__ = __str__ = __fspath__ = _touched
    __contains__ = __getitem__ = __lt__ = __gt__ = __index__ = __float__ = __add__ = __format__ = _touched
    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class UseCase:
    """A function of core that asks for a role above a line worker's."""

    module: str
    name: str
    is_public: bool

    @property
    def place(self) -> str:
        return f"{self.module}.{self.name}"


def _use_cases() -> Iterator[UseCase]:
    # The REST interface is tried by its addresses, in tests/unit/core/api/test_rights.py.
    for path in sorted(found for found in (ROOT / "core").rglob("*.py") if "api" not in found.parts):
        tree = ast.parse(path.read_text("utf-8"))
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        owners: list[tuple[str, list[ast.stmt]]] = [("", tree.body)]
        owners += [(f"{node.name}.", node.body) for node in tree.body if isinstance(node, ast.ClassDef)]
        for owner, body in owners:
            for node in body:
                if isinstance(node, ast.FunctionDef) and _asks(node):
                    yield UseCase(module, owner + node.name, is_public=not node.name.startswith("_"))


def _asks(function: ast.FunctionDef) -> bool:
    return any(
        isinstance(node, ast.Call)
        and ast.unparse(node.func) == "require_role"
        and len(node.args) == 3
        and ast.unparse(node.args[2]) != "WORKER"
        for node in ast.walk(function)
    )


USE_CASES = list(_use_cases())


def _call(case: UseCase, services: Services, person: Person) -> None:
    function = getattr(importlib.import_module(case.module), case.name)
    given = _CONDITIONAL.get(case.place, {})
    values: list[Any] = []
    named: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        context = SimpleNamespace(services=services, person=person)
        value = {"services": services, "person": person, "context": context, **given}.get(name)
        if value is None and name not in given:
            if parameter.default is not parameter.empty:
                continue
            value = Untouchable()
        if parameter.kind is parameter.KEYWORD_ONLY:
            named[name] = value
        elif parameter.kind in {parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD}:
            values.append(value)
    result = function(*values, **named)
    if inspect.isgenerator(result):
        next(result)
    elif hasattr(result, "__enter__"):
        result.__enter__()


def test_every_use_case_above_a_worker_refuses_one_before_anything_else(
    services: Services, worker_person: Person
) -> None:
    tried = [case for case in USE_CASES if case.is_public and case.place not in _LATER]
    assert len(tried) > 170
    assert worker_person.role == WORKER
    wrong: dict[str, str] = {}
    for case in tried:
        try:
            _call(case, services, worker_person)
        except NotAllowed as error:
            if error.code != "role_too_low":
                wrong[case.place] = error.code
        except Exception as error:  # noqa: BLE001 - whatever it is, it was not refused
            wrong[case.place] = repr(error)
        else:
            wrong[case.place] = "let in"
    assert wrong == {}
    with services.database.reading() as session:
        rows = session.exec(select(AuditLog)).all()
    kept = {row.details["place"] for row in rows if row.user_id == worker_person.id and row.outcome == "refused"}
    assert {case.place for case in tried} - kept == set()
    assert {row.action for row in rows} == {"access.refused"}


@pytest.mark.parametrize("case", sorted(_LATER))
def test_exceptions_are_still_there(case: str) -> None:
    assert case in {one.place for one in USE_CASES}
