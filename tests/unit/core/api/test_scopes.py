"""Scopes of API keys: every operation asks for one, and what a key is not for is refused, said and recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from sqlmodel import col, select

from core.accounts.api_keys import create_key, key_state, list_ending_soon
from core.accounts.key_scopes import SCOPES
from core.accounts.people import command_line_person
from core.api.scopes import Need, need_of
from core.errors import BadInput
from core.services import Services
from storage.tables import ApiKey, AuditLog, utc_now
from tests.api_server import ApiClient
from tests.plates import encode, plate, seed_of

GOOD = encode(plate(seed_of("test", "good", 1)))
# What stands in an address whose type is not a number; numbers are those of nothing that is there.
_GIVEN = {"code": "plate", "method": "percentile", "name": "x", "format": "onnx", "model": "1"}


def _key(
    services: Services,
    port: int,
    *scopes: str,
    role: str = "engineer",
    products: Sequence[int] = (),
    lines: Sequence[str] = (),
) -> ApiClient:
    made = create_key(
        services,
        command_line_person(services),
        name=f"for {','.join(scopes)}",
        role=role,
        scopes=scopes,
        products=products,
        lines=lines,
    )
    return ApiClient(port, made.text)


def _operations(client: ApiClient) -> Iterator[tuple[str, str, Need | None]]:
    """Yield method, path and need of every operation that the OpenAPI description names and a key is needed for."""
    for path, operations in client.get("/v1/openapi.json").json()["paths"].items():
        for method, operation in operations.items():
            if operation.get("security"):
                yield method.upper(), path, need_of(operation["operationId"], operation["tags"], method.upper())


def test_every_operation_is_refused_to_a_key_with_other_scopes_and_open_to_one_with_its_own(
    served: tuple[Services, int],
) -> None:
    services, port = served
    found = list(_operations(ApiClient(port)))
    assert len(found) > 100
    assert [(method, path) for method, path, need in found if need is None] == []
    clients: dict[tuple[str, ...], ApiClient] = {}

    def client(*scopes: str) -> ApiClient:
        if scopes not in clients:
            clients[scopes] = _key(services, port, *scopes)
        return clients[scopes]

    wrong: list[str] = []
    for method, path, need in found:
        assert need is not None
        address = path
        for name in [part[1:-1] for part in path.split("/") if part.startswith("{")]:
            address = address.replace(f"{{{name}}}", _GIVEN.get(name, "987654"))
        others = tuple(scope for scope in SCOPES if scope not in need.scopes)
        refused = client(*others).ask(method, address)
        if (refused.status, refused.json()["code"]) != (403, "api_scope_missing"):
            wrong.append(f"{method} {path} is open to {others}: {refused.status}")
        if method == "GET":
            # Not found, or wrong values, or an answer: whatever it is, the scope is not what is missing.
            answer = client(need.scopes[0]).ask(method, address)
            if answer.status in {401, 403}:
                wrong.append(f"{method} {path} is closed to {need.scopes[0]}")
    assert wrong == []


def test_a_key_that_inspects_sees_its_own_results_alone(served: tuple[Services, int], worker_api: ApiClient) -> None:
    services, port = served
    others = worker_api.inspect("plate", "a.png", GOOD).json()["id"]
    station = _key(services, port, "inspect", role="worker")
    own = station.inspect("plate", "b.png", GOOD)
    assert own.status == 201, own.body
    number = own.json()["id"]
    for part in ("", "/image", "/heat-map", "/report"):
        assert station.get(f"/v1/inspections/{number}{part}").status == 200
        assert station.get(f"/v1/inspections/{others}{part}").json()["code"] == "api_scope_missing"
    assert station.get("/v1/inspections").status == 403
    assert station.ask("PUT", f"/v1/inspections/{number}/verdict", body={"row_version": 1}).status == 403


def test_a_refusal_says_what_is_missing_and_is_recorded_once_a_minute(served: tuple[Services, int]) -> None:
    services, port = served
    reader = _key(services, port, "read", "reports")
    first = reader.ask("POST", "/v1/deployments", body={}, headers={"Accept-Language": "ko"}).json()
    assert (first["code"], first["params"]["scope"]) == ("api_scope_missing", "models")
    assert "models" in first["detail"]
    assert "범위" in first["detail"]
    for _ in range(3):
        reader.ask("POST", "/v1/deployments", body={})
    with services.database.reading() as session:
        key = session.exec(select(ApiKey).where(ApiKey.name == "for read,reports")).one()
        rows = session.exec(
            select(AuditLog).where(AuditLog.action == "api_key.scope_refused", AuditLog.subject_id == key.id)
        ).all()
    assert [(row.outcome, row.details["operation"], row.details["scope"]) for row in rows] == [
        ("refused", "start_deployment", "models")
    ]


def test_a_role_is_not_widened_by_scopes(served: tuple[Services, int]) -> None:
    services, port = served
    everything = _key(services, port, *SCOPES, role="worker")
    answer = everything.ask("POST", "/v1/products", body={"name": "x", "code": "x"})
    assert (answer.status, answer.json()["code"]) == (403, "role_too_low")


def test_a_bound_key_inspects_and_sees_its_product_and_line_alone(
    served: tuple[Services, int], engineer_api: ApiClient
) -> None:
    services, port = served
    made = engineer_api.ask("POST", "/v1/products", body={"name": "other", "code": "bound-other"}).json()
    plate_id = next(one["id"] for one in engineer_api.get("/v1/products").json()["items"] if one["code"] == "plate")
    hidden = engineer_api.inspect("plate", "a.png", GOOD, line="L2").json()["id"]
    bound = _key(services, port, role="worker", products=[plate_id], lines=["L1"])
    assert [one["code"] for one in bound.get("/v1/products").json()["items"]] == ["plate"]
    assert bound.get(f"/v1/products/{made['id']}").status == 404
    assert bound.inspect("bound-other", "b.png", GOOD).status == 404
    refused = bound.inspect("plate", "b.png", GOOD, line="L2")
    assert (refused.status, refused.json()["code"]) == (403, "line_not_bound")
    own = bound.inspect("plate", "b.png", GOOD)
    assert (own.status, own.json()["line"]) == (201, "L1")
    assert bound.get(f"/v1/inspections/{hidden}").status == 404
    assert bound.get("/v1/inspections").json()["total"] == 1
    assert bound.get("/v1/statistics").status == 200


def test_scopes_are_known_words_and_kept_in_order(api_services: Services) -> None:
    person = command_line_person(api_services)
    made = create_key(api_services, person, name="x", role="worker", scopes=["read", "inspect"])
    assert made.row.scopes == ["inspect", "read"]
    with pytest.raises(BadInput) as caught:
        create_key(api_services, person, name="x", role="worker", scopes=["everything"])
    assert caught.value.code == "api_scope_unknown"
    with api_services.database.reading() as session:
        record = session.exec(
            select(AuditLog).where(AuditLog.action == "api_key.created").order_by(col(AuditLog.id).desc())
        ).first()
    assert record is not None
    assert record.details["scopes"] == ["inspect", "read"]
    assert made.text not in str(record.details)


def test_a_key_says_two_weeks_before_that_it_ends(api_services: Services) -> None:
    from datetime import timedelta

    from core.operations.ending_keys import check_keys

    person, now = command_line_person(api_services), utc_now()
    soon = create_key(api_services, person, name="soon", role="worker", expires_at=now + timedelta(days=13)).row
    later = create_key(api_services, person, name="later", role="worker", expires_at=now + timedelta(days=15)).row
    assert (key_state(soon), key_state(later)) == ("ends_soon", "valid")
    assert key_state(soon, now + timedelta(days=14)) == "expired"
    assert [row.name for row in list_ending_soon(api_services)] == ["soon"]
    assert check_keys(api_services)[:2] == (True, "check_api_keys_end")
