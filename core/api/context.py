"""What a route is given: the interface, the caller, the language; and the parameters that many routes share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Path, Query, Request
from fastapi.security import HTTPBearer

from core.access import Person
from core.accounts.api_keys import Caller
from core.accounts.bindings import limit_services
from core.api.interface import Interface
from core.api.scopes import require_scope
from core.errors import NotAllowed
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


def find_context(request: Request, _key: Annotated[object, Depends(BEARER)]) -> Context:
    """Return the context of a request that was admitted. Raises NotAllowed for what the key is not for."""
    state = request.scope["state"]
    interface: Interface = request.app.state.interface
    route = request.scope["route"]
    try:
        require_scope(interface.services, state["caller"], route, request.method, request.path_params)
    except NotAllowed as error:
        interface.note_scope_refusal(state["caller"], scope=str(error.params["scope"]), operation=route.name)
        raise
    return Context(
        interface=interface,
        caller=state["caller"],
        language=state["language"],
        path=request.url.path,
        base=str(request.scope.get("root_path", "")),
    )


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
