"""What a line worker's key may do through the REST interface, and nothing else: the rest is refused, and kept."""

from __future__ import annotations

import re
import uuid
from typing import Any

from sqlmodel import select

from core.services import Services
from storage.tables import AuditLog
from tests.api_server import ApiClient

# Whatever is not named here needs a quality engineer.
WORKERS_OWN = {
    "DELETE /v1/assistant/conversations/{conversation_id}",
    "PATCH /v1/assistant/conversations/{conversation_id}",
    "POST /v1/assistant/ask",
    "POST /v1/assistant/ask/stream",
    "POST /v1/batches",
    "POST /v1/batches/{batch_id}/cancel",
    "POST /v1/batches/{batch_id}/resume",
    "POST /v1/defect-types",
    "POST /v1/inspections",
    "POST /v1/inspections/by-view",
    "POST /v1/inspections/many",
    "POST /v1/inspections/{inspection_id}/second-opinion",
    "POST /v1/trained-models/{model}/predict",
    "PUT /v1/inspections/{inspection_id}/action",
    "PUT /v1/inspections/{inspection_id}/defect-type",
    "PUT /v1/inspections/{inspection_id}/review",
    "PUT /v1/inspections/{inspection_id}/verdict",
}
# What only looks, and needs an engineer all the same.
ENGINEERS_LOOKS = {
    "GET /v1/comparisons",
    "GET /v1/datasets",
    "GET /v1/products/{product_id}/export",
    "GET /v1/reports",
    "GET /v1/reports/period",
    "GET /v1/reports/period.pdf",
    "GET /v1/training/runs",
}
_NUMBER = re.compile(r"\{[a-z_]+\}")


def _value(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """Return some value that fits the schema: only what is required, as small as may be."""
    if "$ref" in schema:
        return _value(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    for word in ("anyOf", "oneOf", "allOf"):
        if word in schema:
            return _value(schema[word][0], schemas)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        wanted = schema.get("required", [])
        return {name: _value(schema["properties"][name], schemas) for name in wanted}
    if kind == "array":
        return [_value(schema.get("items", {}), schemas)] * max(1, schema.get("minItems", 0))
    if kind == "string":
        return "x" * max(3, schema.get("minLength", 0)) if "format" not in schema else "2026-11-01"
    if kind in {"integer", "number"}:
        return schema.get("minimum", schema.get("exclusiveMinimum", 0)) + 1
    return True if kind == "boolean" else {}


def _form(schema: dict[str, Any], schemas: dict[str, Any]) -> tuple[bytes, str]:
    """Return a form with a file in each field that takes one."""
    boundary = uuid.uuid4().hex
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    parts = []
    for name, one in schema.get("properties", {}).items():
        if name not in schema.get("required", []):
            continue
        item = one.get("items", one)
        is_file = item.get("format") == "binary" or "contentMediaType" in item
        disposition = f'form-data; name="{name}"' + ('; filename="a.png"' if is_file else "")
        parts.append(f"--{boundary}\r\nContent-Disposition: {disposition}\r\n\r\nx\r\n")
    return ("".join(parts) + f"--{boundary}--\r\n").encode(), f"multipart/form-data; boundary={boundary}"


def _ask(client: ApiClient, method: str, path: str, operation: dict[str, Any], schemas: dict[str, Any]) -> Any:
    content = operation.get("requestBody", {}).get("content", {})
    address = _NUMBER.sub("1", path)
    query = [
        f"{one['name']}={_value(one['schema'], schemas)}"
        for one in operation.get("parameters", [])
        if one["in"] == "query" and one.get("required")
    ]
    address += "?" + "&".join(query) if query else ""
    if "application/json" in content:
        return client.ask(method, address, body=_value(content["application/json"]["schema"], schemas))
    if "multipart/form-data" in content:
        body, kind = _form(content["multipart/form-data"]["schema"], schemas)
        return client.ask(method, address, body=body, headers={"Content-Type": kind})
    return client.ask(method, address)


def test_a_workers_key_gets_no_further_than_a_worker(api_services: Services, worker_api: ApiClient) -> None:
    described = worker_api.get("/v1/openapi.json").json()
    schemas = described["components"]["schemas"]
    operations = {
        f"{method.upper()} {path}": (method.upper(), path, operation)
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    }
    assert operations.keys() >= WORKERS_OWN | ENGINEERS_LOOKS
    changing = {name for name in operations if not name.startswith("GET ")}
    refused = sorted((changing - WORKERS_OWN) | ENGINEERS_LOOKS)
    assert len(refused) > 50
    wrong = {}
    for name in refused:
        answer = _ask(worker_api, *operations[name], schemas)
        if answer.status != 403 or answer.json()["code"] != "role_too_low":
            wrong[name] = (answer.status, answer.body[:160])
    assert wrong == {}
    with api_services.database.reading() as session:
        rows = session.exec(select(AuditLog).where(AuditLog.outcome == "refused", AuditLog.channel == "api")).all()
    kept = {row.details["where"] for row in rows}
    assert {_NUMBER.sub("1", name) for name in refused} - kept == set()
    assert {row.address for row in rows} == {"127.0.0.1"}
    assert all(row.user_id is not None for row in rows)
    # The other way round: what is a worker's own is refused for other reasons at most.
    kept_out = []
    for name in sorted(WORKERS_OWN):
        answer = _ask(worker_api, *operations[name], schemas)
        if answer.status == 403 and answer.json()["code"] == "role_too_low":
            kept_out.append(name)
    assert kept_out == []
