"""What a route is given: the interface, the caller, the language; and the parameters that many routes share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Path, Query, Request
from fastapi.security import HTTPBearer
from starlette.concurrency import run_in_threadpool

from core.access import ENGINEER, Person, reaches
from core.accounts.api_keys import Caller
from core.accounts.bindings import limit_services
from core.api.interface import Interface
from core.api.scopes import require_scope
from core.errors import NotAllowed
from core.refusals import note_refusal
from core.services import Services

LARGEST_ID = 2**63 - 1

# For the OpenAPI page alone: the key was looked at before the framework saw the request.
BEARER = HTTPBearer(auto_error=False, scheme_name="apiKey", description="python -m core api-key add NAME --role ROLE")


@dataclass(frozen=True)
class Context:
    """Who asks, of what, in which language; `base` is the path that addresses of this interface begin with."""

    interface: Interface
    caller: Caller
    language: str
    path: str
    base: str

    @property
    def services(self) -> Services:
        """Return the services of the process, which show what the caller is bound to alone."""
        return limit_services(self.interface.services, self.caller.bindings)

    @property
    def person(self) -> Person:
        """Return the account that the caller acts as."""
        return self.caller.person

    def address(self, *parts: object) -> str:
        """Return the address of something under /v1."""
        return "/".join([self.base, "v1", *(str(part) for part in parts)])


# What a line worker's key may change. Every other operation that changes something needs an engineer's: a new one is
# closed until it is named here.
_OPEN_TO_WORKERS = frozenset(
    {
        ("DELETE", "/assistant/conversations/{conversation_id}"),
        ("PATCH", "/assistant/conversations/{conversation_id}"),
        ("POST", "/assistant/ask"),
        ("POST", "/assistant/ask/stream"),
        ("POST", "/batches"),
        ("POST", "/batches/{batch_id}/cancel"),
        ("POST", "/batches/{batch_id}/resume"),
        ("POST", "/defect-types"),
        ("POST", "/inspections"),
        ("POST", "/inspections/by-view"),
        ("POST", "/inspections/many"),
        ("POST", "/inspections/{inspection_id}/second-opinion"),
        ("POST", "/trained-models/{model}/predict"),
        ("PUT", "/inspections/{inspection_id}/action"),
        ("PUT", "/inspections/{inspection_id}/defect-type"),
        ("PUT", "/inspections/{inspection_id}/review"),
        ("PUT", "/inspections/{inspection_id}/verdict"),
    }
)


async def find_context(request: Request, _key: Annotated[object, Depends(BEARER)]) -> Context:
    """Return the context of a request that was admitted.

    Raises NotAllowed role_too_low before anything is looked up, where a worker's key asks for a change that is none of
    theirs (the use case looks at the account again), and what the key is not for.
    """
    state = request.scope["state"]
    interface: Interface = request.app.state.interface
    caller: Caller = state["caller"]
    if caller.scopes or not _is_within_reach(request, caller):
        # Only then is the database asked or written to: no other request waits for it.
        await run_in_threadpool(_require_rights, request, caller)
    return Context(
        interface=interface,
        caller=caller,
        language=state["language"],
        path=request.url.path,
        base=str(request.scope.get("root_path", "")),
    )


def _is_within_reach(request: Request, caller: Caller) -> bool:
    """Return whether the role of the key reaches the operation."""
    if request.method in {"GET", "HEAD"} or reaches(caller.person.role, ENGINEER):
        return True
    # Some versions of the framework leave the prefix of an included router out.
    route = str(getattr(request.scope.get("route"), "path", "")).removeprefix("/v1")
    return (request.method, route) in _OPEN_TO_WORKERS


def _require_rights(request: Request, caller: Caller) -> None:
    """Raise NotAllowed role_too_low, api_scope_missing; the refusal is noted."""
    interface: Interface = request.app.state.interface
    route = request.scope["route"]
    if not _is_within_reach(request, caller):
        note_refusal(
            interface.services,
            caller.person,
            reason="role_too_low",
            place="core.api.context",
            needed=ENGINEER,
            role=caller.person.role,
        )
        raise NotAllowed("role_too_low", needed=ENGINEER)
    try:
        require_scope(interface.services, caller, route, request.method, request.path_params)
    except NotAllowed as error:
        interface.note_scope_refusal(caller, scope=str(error.params["scope"]), operation=route.name)
        raise


Asked = Annotated[Context, Depends(find_context)]
Id = Annotated[int, Path(ge=1, le=LARGEST_ID)]
PageNumber = Annotated[int, Query(ge=1, le=1_000_000, description="Counts from 1 on.")]
PageSize = Annotated[int, Query(ge=1, le=200)]
OnceKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=100,
        pattern=r"^[\x21-\x7e]+$",
        description="Any text that is new for each request. Sent again with the same request, it gets the same answer, "
        "and nothing is made twice.",
    ),
]
