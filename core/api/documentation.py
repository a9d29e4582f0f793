"""The OpenAPI description and its page, which brings its scripts with it: machines here have no network."""

from __future__ import annotations

import importlib.util
import secrets
from copy import deepcopy
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi
from starlette.responses import HTMLResponse, JSONResponse
from starlette.staticfiles import StaticFiles

from core.api.problems import MEDIA_TYPE, TITLES
from core.api.shapes import Problem

router = APIRouter(include_in_schema=False)

VERSION = "1"
DESCRIPTION = """\
The use cases of Geomsa's screens for programs, with the same checks.

* **Keys.** An administrator makes one: `python -m core api-key add NAME --role worker`. Send it as
  `Authorization: Bearer KEY` (or `X-API-Key: KEY`). With `--scope` it is for some things alone: `inspect`, `read`,
  `data`, `models`, `reports`; what it is not for is refused with the code `api_scope_missing`.
* **Errors** are `application/problem+json` (RFC 9457): `code` and `params` for programs, `detail` for people, in the
  language of `Accept-Language` (`ko`, `en`).
* **Sending again.** With an `Idempotency-Key`, a POST that is repeated gets the same response and makes nothing twice;
  responses are kept for 24 hours, inspections without limit.
* **Limits.** 50 MB an image, 512 MB a request of many; requests a minute by key (429 with `Retry-After`).
* **Changes** name the `row_version` that they were made on: 409 says who was faster.
"""
_ANYWHERE = (400, 401, 403, 429, 500, 503)
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Geomsa REST</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="page"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script nonce="{nonce}">
SwaggerUIBundle({{url: "openapi.json", dom_id: "#page", deepLinking: true, validatorUrl: null}});
</script>
</body>
</html>
"""
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


def assets_folder() -> Path:
    """Return the folder with the page's scripts and styles: the ones that the package fastapi-offline carries."""
    found = importlib.util.find_spec("fastapi_offline")
    assert found is not None
    assert found.submodule_search_locations
    return Path(found.submodule_search_locations[0]) / "static"


def add_documentation(app: FastAPI) -> None:
    """Add the description and its page to the application."""
    app.include_router(router, prefix="/v1")
    app.mount("/v1/docs", StaticFiles(directory=assets_folder()))


@router.get("/openapi.json")
def get_description(request: Request) -> Response:
    """Return the description, with addresses as of where the interface is mounted."""
    app: FastAPI = request.app
    schema = describe_interface(app)
    return JSONResponse({**schema, "servers": [{"url": str(request.scope.get("root_path", "")) or "/"}]})


@router.get("/docs")
def get_page() -> Response:
    """Return the page that shows the description and tries it out."""
    nonce = secrets.token_urlsafe(16)
    policy = _PAGE_POLICY.format(nonce=nonce)
    return HTMLResponse(_PAGE.format(nonce=nonce), headers={"Content-Security-Policy": policy})


def describe_interface(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI description, with the errors that each operation may have."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title="Geomsa REST", version=VERSION, description=DESCRIPTION, routes=app.routes, tags=app.openapi_tags
        )
        _add_errors(schema)
        app.openapi_schema = schema
    return deepcopy(app.openapi_schema)


def _add_errors(schema: dict[str, Any]) -> None:
    schemas = schema.setdefault("components", {}).setdefault("schemas", {})
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs", {}))
    schemas["Problem"] = problem
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            responses = operation["responses"]
            statuses = set(_ANYWHERE) if operation.get("security") else {403, 429, 500, 503}
            if "parameters" in operation or "requestBody" in operation:
                statuses |= {404, 422}
            if method in {"post", "put", "patch", "delete"}:
                statuses |= {408, 409, 413}
            if "requestBody" in operation:
                statuses.add(415)
            # A list is there in any state; what else needs one says so itself.
            if "{" not in path and method == "get" and "409" not in responses:
                statuses.discard(409)
            else:
                statuses.add(409)
            for status in sorted(statuses):
                content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
                responses[str(status)] = {"description": TITLES[status], "content": content}
