"""The application: routes, and how each kind of error is answered."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from core.api.admission import Admission
from core.api.documentation import add_documentation
from core.api.interface import Interface
from core.api.problems import from_http, to_response
from core.api.routes import (
    batches,
    comparisons,
    defect_types,
    exports,
    guidance,
    health,
    history,
    image_regions,
    images,
    inspecting,
    inspections,
    jobs,
    manuals,
    model_reports,
    models,
    preprocessing,
    products,
    reports,
    statistics,
    thresholds,
)
from core.api.routes.catalog import views
from core.api.routes.combining import fusion
from core.api.routes.combining import inspecting as view_inspecting
from core.api.routes.curation import imports, trash
from core.api.routes.methods import second_opinions
from core.api.routes.training import assistant, datasets, runs
from core.api.routes.training import exports as model_exports
from core.api.uploads import content_type_of
from core.errors import AppError, BadInput, from_lower
from core.services import Services

_log = logging.getLogger("geomsa.api")

_ROUTERS = (
    history.router,
    inspecting.router,
    view_inspecting.router,
    inspections.router,
    second_opinions.router,
    batches.router,
    comparisons.router,
    datasets.router,
    runs.router,
    products.router,
    views.router,
    exports.router,
    preprocessing.router,
    defect_types.router,
    images.router,
    image_regions.router,
    trash.router,
    imports.router,
    manuals.router,
    guidance.router,
    jobs.router,
    models.router,
    model_exports.router,
    thresholds.router,
    fusion.router,
    model_reports.router,
    statistics.router,
    reports.router,
    assistant.router,
    health.router,
)
_MOST_FIELDS_SAID = 8


def build_application(services: Services) -> Admission:
    """Return the application that serves /api, for these services."""
    interface = Interface(services)
    app = FastAPI(
        title="Geomsa REST",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.interface = interface
    for router in _ROUTERS:
        app.include_router(router, prefix="/v1")
    add_documentation(app)
    app.add_exception_handler(AppError, _answer_app_error)
    app.add_exception_handler(HTTPException, _answer_http_error)
    app.add_exception_handler(RequestValidationError, _answer_wrong_values)
    app.add_exception_handler(Exception, _answer_unexpected)
    return Admission(app, interface)


def _language(request: Request) -> str:
    return str(request.scope["state"]["language"])


async def _answer_app_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, AppError)
    return to_response(error, _language(request))


async def _answer_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return to_response(from_http(error), _language(request), headers=error.headers)


async def _answer_wrong_values(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(one["type"] == "json_invalid" for one in found):
        return to_response(BadInput("api_bad_request"), _language(request))
    is_json = content_type_of(request).endswith("json")
    if not is_json and content_type_of(request) and any(tuple(one["loc"]) == ("body",) for one in found):
        return to_response(BadInput("api_media_type"), _language(request))
    fields = [_name_field(one) for one in found]
    said = ", ".join(list(dict.fromkeys(fields))[:_MOST_FIELDS_SAID])
    wrong = [{"field": name, "message": str(one["msg"])} for name, one in zip(fields, found, strict=True)]
    return to_response(BadInput("api_values_wrong", fields=said), _language(request), errors=wrong)


async def _answer_unexpected(request: Request, error: Exception) -> Response:
    # Never its text, which may hold paths or secrets: the log has it.
    return to_response(from_lower(error), _language(request))


def _name_field(error: dict[str, Any]) -> str:
    names = [str(part) for part in error["loc"]]
    return ".".join(names[1:]) or ".".join(names)
