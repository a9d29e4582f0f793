"""What each operation needs of the scopes of a key: one table, asked in one place (`core.api.context.find_context`).

A key without scopes may everything that its role may; one with scopes only what one of them is for. An operation that
the table does not know is refused to every key with scopes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi.routing import APIRoute

from core.accounts.api_keys import Caller
from core.accounts.key_scopes import DATA, INSPECT, MODELS, READ, REPORTS
from core.errors import NotAllowed
from core.transactions import HasDatabase, reading
from storage.tables import Inspection, Job

_MOST_DIGITS = 18  # as many as every database's largest number has
_READING = frozenset({"GET", "HEAD"})


@dataclass(frozen=True)
class Need:
    """Any of `scopes` will do; `own_results`: also the scope `inspect`, for what the key itself has inspected."""

    scopes: tuple[str, ...]
    own_results: bool = False

    @property
    def name(self) -> str:
        """Return the scope that a refusal names."""
        return self.scopes[0]


_LOOK_UP, _OWN = Need((READ,)), Need((READ,), own_results=True)
_INSPECT, _DATA, _MODELS = Need((INSPECT,)), Need((DATA,)), Need((MODELS,))
# By the tag of a route: what reading needs, and what changing needs.
_BY_TAG: dict[str, tuple[Need, Need]] = {
    "inspections": (_OWN, _DATA),
    "batches": (_OWN, _INSPECT),
    "products": (_LOOK_UP, _DATA),
    "preprocessing": (_LOOK_UP, _DATA),
    "defect types": (_LOOK_UP, _DATA),
    "images": (_LOOK_UP, _DATA),
    "imports": (_LOOK_UP, _DATA),
    "manuals": (_LOOK_UP, _DATA),
    "comparisons": (_LOOK_UP, _MODELS),
    "datasets": (_LOOK_UP, _MODELS),
    "training": (_LOOK_UP, _MODELS),
    "trained models": (_LOOK_UP, _MODELS),
    "deployments and jobs": (_LOOK_UP, _MODELS),
    "models and thresholds": (_LOOK_UP, _MODELS),
    "statistics": (Need((READ, REPORTS)), _MODELS),
    "reports": (Need((REPORTS,)), _MODELS),
    "assistant": (_LOOK_UP, _LOOK_UP),
    "health": (Need((READ, REPORTS)), _MODELS),
}
# By the name of a route, where its tag does not say it.
_BY_NAME: dict[str, Need] = {
    "inspect": _INSPECT,
    "inspect_several": _INSPECT,
    "inspect_by_view": _INSPECT,
    "predict_by_trained_model": _INSPECT,
    # Asked again about what was inspected; nothing of the inspection changes.
    "ask": Need((DATA,), own_results=True),
    "get_report": Need((READ, REPORTS), own_results=True),
    # A conversation is the caller's own; what it drafts is a training.
    "confirm_draft_of_turn": _MODELS,
    "put_draft_of_turn": _MODELS,
    "remove_draft_of_turn": _MODELS,
}


def need_of(name: str, tags: Iterable[str], method: str) -> Need | None:
    """Return what the operation called `name` needs; None for one that the table does not know."""
    named = _BY_NAME.get(name)
    if named is not None:
        return named
    of_tag = next((_BY_TAG[tag] for tag in tags if tag in _BY_TAG), None)
    if of_tag is None:
        return None
    return of_tag[0] if method in _READING else of_tag[1]


def require_scope(
    services: HasDatabase, caller: Caller, route: APIRoute, method: str, given: Mapping[str, Any]
) -> None:
    """Raise NotAllowed api_scope_missing unless the key is for the operation; `given` are the parts of its address."""
    if not caller.scopes:
        return
    need = need_of(route.name, [str(tag) for tag in route.tags], method)
    if need is not None:
        if caller.scopes & set(need.scopes):
            return
        if need.own_results and INSPECT in caller.scopes and _is_own(services, caller, given):
            return
    raise NotAllowed(
        "api_scope_missing",
        name=caller.name,
        scope="?" if need is None else need.name,
        scopes=", ".join(sorted(caller.scopes)),
    )


def _is_own(services: HasDatabase, caller: Caller, given: Mapping[str, Any]) -> bool:
    """Return whether the address names an inspection, or a batch of them, that the key's account has made."""
    with reading(services) as session:
        if (number := _number(given.get("inspection_id"))) is not None:
            inspected = session.get(Inspection, number)
            return inspected is not None and inspected.created_by == caller.person.id
        if (number := _number(given.get("batch_id"))) is not None:
            queued = session.get(Job, number)
            return queued is not None and queued.created_by == caller.person.id
    return False


def _number(value: object) -> int | None:
    text = str(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else None
