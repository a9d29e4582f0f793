"""Products, types, images, manuals, jobs, models, thresholds, preprocessing, figures: as on the screens, and once."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select, update

from core.services import Services
from core.transactions import writing
from storage.tables import ApiAnswer, utc_now
from tests.api_server import ApiClient, serve_api
from tests.manual_files import scratch_manual
from tests.plates import encode, plate


def _product(api: ApiClient, name: str) -> dict[str, Any]:
    answer = api.ask("POST", "/v1/products", body={"name": name})
    assert answer.status == 201, answer.body
    return answer.json()  # type: ignore[no-any-return]


def test_a_product_is_added_changed_and_taken_out_of_use(engineer_api: ApiClient) -> None:
    made = _product(engineer_api, "Valve body")
    path = f"/v1/products/{made['id']}"
    assert engineer_api.get(path).json() == made
    changed = engineer_api.ask("PATCH", path, body={"row_version": 1, "description": "gray"}).json()
    assert (changed["name"], changed["description"], changed["row_version"]) == ("Valve body", "gray", 2)
    stale = engineer_api.ask("PATCH", path, body={"row_version": 1, "name": "x"})
    assert (stale.status, stale.json()["code"]) == (409, "stale_save")
    assert engineer_api.ask("DELETE", path).json()["is_active"] is False
    codes = [one["code"] for one in engineer_api.get("/v1/products").json()["items"]]
    assert made["code"] not in codes
    found = engineer_api.get(f"/v1/products?inactive=true&code={made['code']}").json()["items"]
    assert [one["id"] for one in found] == [made["id"]]


def test_a_repeated_request_gets_the_first_answer(engineer_api: ApiClient, api_services: Services) -> None:
    headers = {"Idempotency-Key": "p-1"}
    first = engineer_api.ask("POST", "/v1/products", body={"name": "Once", "code": "once"}, headers=headers)
    again = engineer_api.ask("POST", "/v1/products", body={"code": "once", "name": "Once"}, headers=headers)
    assert (first.status, again.status) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["location"] == first.headers["location"]
    assert (first.headers.get("idempotency-replayed"), again.headers["idempotency-replayed"]) == (None, "true")
    other = engineer_api.ask("POST", "/v1/products", body={"name": "Other"}, headers=headers)
    assert (other.status, other.json()["code"]) == (422, "idempotency_key_reused")
    elsewhere = engineer_api.ask("POST", "/v1/deployments", body={"kind": "all"}, headers=headers)
    assert (elsewhere.status, elsewhere.json()["code"]) == (422, "idempotency_key_reused")


def test_a_request_whose_first_is_still_worked_on_comes_again(engineer_api: ApiClient, api_services: Services) -> None:
    headers = {"Idempotency-Key": "p-2"}
    body = {"name": "Slow", "code": "slow"}
    engineer_api.ask("POST", "/v1/products", body=body, headers=headers)
    with writing(api_services) as session:
        session.execute(update(ApiAnswer).where(ApiAnswer.idempotency_key == "p-2").values(status=0))  # type: ignore[arg-type]
        session.commit()
    busy = engineer_api.ask("POST", "/v1/products", body=body, headers=headers)
    assert (busy.status, busy.json()["code"]) == (409, "idempotency_in_progress")
    with writing(api_services) as session:  # whoever worked on it was killed
        long_ago = utc_now() - timedelta(hours=1)
        session.execute(update(ApiAnswer).where(ApiAnswer.idempotency_key == "p-2").values(created_at=long_ago))  # type: ignore[arg-type]
        session.commit()
    tried_again = engineer_api.ask("POST", "/v1/products", body=body, headers=headers)
    assert (tried_again.status, tried_again.json()["code"]) == (409, "product_code_taken")


def test_what_was_refused_may_be_tried_again_with_the_same_key(engineer_api: ApiClient, api_services: Services) -> None:
    headers = {"Idempotency-Key": "p-3"}
    assert engineer_api.ask("POST", "/v1/products", body={"name": " "}, headers=headers).status == 422
    with api_services.database.reading() as session:
        assert session.exec(select(ApiAnswer).where(ApiAnswer.idempotency_key == "p-3")).first() is None
    assert engineer_api.ask("POST", "/v1/products", body={"name": "Third"}, headers=headers).status == 201


def test_a_defect_type_is_added_and_changed(engineer_api: ApiClient, worker_api: ApiClient) -> None:
    product = _product(engineer_api, "Lid")
    wanted = {"product_id": product["id"], "code": "dent", "name_ko": "찍힘"}
    made = worker_api.ask("POST", "/v1/defect-types", body=wanted)
    assert (made.status, made.json()["severity"]) == (201, "major")
    path = f"/v1/defect-types/{made.json()['id']}"
    changed = engineer_api.ask("PATCH", path, body={"row_version": 1, "severity": "critical", "is_active": False})
    assert (changed.json()["name_ko"], changed.json()["severity"], changed.json()["is_active"]) == (
        "찍힘",
        "critical",
        False,
    )
    assert engineer_api.get(f"/v1/defect-types?product={product['code']}").json()["items"] == []
    wrong = engineer_api.ask("POST", "/v1/defect-types", body={**wanted, "severity": "huge"})
    assert (wrong.status, wrong.json()["code"]) == (422, "severity_unknown")


def test_images_are_uploaded_relabeled_and_deleted(engineer_api: ApiClient) -> None:
    product = _product(engineer_api, "Cap")
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("in the zip.png", encode(plate(5)))
    files = [
        ("files", "a.png", encode(plate(1))),
        ("files", "b.png", encode(plate(1))),
        ("files", "c.png", b"nothing"),
        ("files", "d.zip", zipped.getvalue()),
    ]
    fields = {"product": product["code"], "image_type": "normal"}
    told = engineer_api.send_form("/v1/images", fields, files, {"Idempotency-Key": "i-1"})
    assert told.status == 200, told.body
    outcomes = {one["file"]: one["outcome"] for one in told.json()["outcomes"]}
    assert outcomes == {"a.png": "added", "b.png": "duplicate", "c.png": "refused", "d.zip/in the zip.png": "added"}
    again = engineer_api.send_form("/v1/images", fields, files, {"Idempotency-Key": "i-1"})
    assert again.json() == told.json()
    listed = engineer_api.get(f"/v1/images?product={product['code']}&image_type=normal").json()
    assert listed["total"] == 2
    one = listed["items"][-1]
    path = f"/v1/images/{one['id']}"
    assert engineer_api.get(f"{path}/file").body == encode(plate(1))
    assert engineer_api.get(f"{path}/thumbnail").headers["content-type"] == "image/webp"
    assert engineer_api.get(f"{path}/mask").status == 404
    moved = engineer_api.ask("PATCH", path, body={"row_version": one["row_version"], "split": "test"})
    assert moved.json()["split"] == "test"
    counts = engineer_api.get(f"/v1/images/statistics?product={product['code']}").json()
    assert (counts["normal"], counts["items"][0]["normal_test"]) == (2, 1)
    assert engineer_api.ask("DELETE", path).status == 204
    assert engineer_api.get(path).status == 404
    no_type = engineer_api.send_form("/v1/images", {**fields, "image_type": "defect"}, files[:1])
    assert (no_type.status, no_type.json()["code"]) == (422, "defect_type_missing")


def test_manuals_are_uploaded_and_deleted(engineer_api: ApiClient) -> None:
    product = _product(engineer_api, "Hose")
    files = [("files", "guide.pdf", scratch_manual()), ("files", "no.pdf", b"nothing")]
    told = engineer_api.send_form("/v1/manuals", {"product": product["code"]}, files).json()
    assert [one["outcome"] for one in told["outcomes"]] == ["added", "refused"]
    (one,) = engineer_api.get(f"/v1/manuals?product={product['code']}").json()["items"]
    path = f"/v1/manuals/{one['id']}"
    assert engineer_api.get(path).json()["state"] == "not_indexed"
    assert engineer_api.get(f"{path}/file").body == files[0][2]
    assert engineer_api.ask("DELETE", path).status == 204
    assert engineer_api.get(path).status == 404


def test_a_deployment_is_queued_watched_and_canceled(engineer_api: ApiClient, worker_api: ApiClient) -> None:
    wanted = {"kind": "memory_bank", "products": ["plate"]}
    assert worker_api.ask("POST", "/v1/deployments", body=wanted).status == 403
    headers = {"Idempotency-Key": "d-1"}
    started = engineer_api.ask("POST", "/v1/deployments", body=wanted, headers=headers)
    assert started.status == 202, started.body
    assert engineer_api.ask("POST", "/v1/deployments", body=wanted, headers=headers).json() == started.json()
    (job,) = started.json()["items"]
    assert (job["state"], job["kind"], job["position"]) == ("queued", "memory_bank", 1)
    path = started.headers["location"].removeprefix("/api")
    assert engineer_api.get(path).json()["id"] == job["id"]
    assert engineer_api.get(f"{path}/log").json() == {"lines": []}
    twice = engineer_api.ask("POST", "/v1/deployments", body=wanted)
    assert (twice.status, twice.json()["code"]) == (409, "job_already_waiting")
    assert engineer_api.ask("POST", f"{path}/cancel").json()["state"] == "cancelled"
    over = engineer_api.ask("POST", f"{path}/cancel")
    assert (over.status, over.json()["code"]) == (409, "job_already_over")
    assert job["id"] in [one["id"] for one in engineer_api.get("/v1/jobs?kind=memory_bank").json()["items"]]


def test_thresholds_are_set_with_a_reason_and_undone(engineer_api: ApiClient) -> None:
    (version,) = engineer_api.get("/v1/models?product=plate&kind=memory_bank").json()["items"]
    assert (version["state"], version["number"]) == ("active", 1)
    path = f"/v1/models/{version['id']}/thresholds"
    (first,) = engineer_api.get(path).json()["items"]
    wanted = {"review_at": 20.0, "reject_at": 60.0, "reason": "too strict", "seen_id": first["id"]}
    crossed = engineer_api.ask("POST", path, body={**wanted, "review_at": 70.0})
    assert (crossed.status, crossed.json()["code"]) == (422, "thresholds_crossed")
    made = engineer_api.ask("POST", path, body=wanted)
    assert (made.status, made.json()["method"]) == (201, "manual")
    late = engineer_api.ask("POST", path, body=wanted)
    assert (late.status, late.json()["code"]) == (409, "thresholds_changed")
    undone = engineer_api.ask("POST", f"{path}/undo", body={"reason": "back", "seen_id": made.json()["id"]})
    assert (undone.status, undone.json()["review_at"], undone.json()["reject_at"]) == (201, 30.0, 50.0)
    assert [one["review_at"] for one in engineer_api.get(path).json()["items"]] == [30.0, 20.0, 30.0]


def test_a_version_in_use_is_not_activated_and_the_first_leads_nowhere_back(engineer_api: ApiClient) -> None:
    (version,) = engineer_api.get("/v1/models?product=plate").json()["items"]
    path = f"/v1/models/{version['id']}"
    assert engineer_api.get(path).json() == version
    active = engineer_api.ask("POST", f"{path}/activate")
    assert (active.status, active.json()["code"]) == (409, "version_already_active")
    back = engineer_api.ask("POST", f"{path}/roll-back")
    assert (back.status, back.json()["code"]) == (409, "version_without_previous")


def test_preprocessing_is_read_and_set(engineer_api: ApiClient) -> None:
    product = _product(engineer_api, "Gasket")
    path = f"/v1/products/{product['id']}/preprocessing"
    now = engineer_api.get(path).json()
    assert (now["row_version"], now["state"], now["options"]["clahe"]) == (0, "no_model", False)
    body = {"row_version": 0, "options": {"clahe": True, "region_of_interest": [0.1, 0.1, 0.5, 0.5]}}
    saved = engineer_api.ask("PUT", path, body=body).json()
    assert (saved["row_version"], saved["options"]["clahe"]) == (1, True)
    assert saved["options"]["region_of_interest"] == [0.1, 0.1, 0.5, 0.5]
    assert engineer_api.ask("PUT", path, body=body).status == 409
    wrong = engineer_api.ask("PUT", path, body={"row_version": 1, "options": {"bit_depth": 3}})
    assert (wrong.status, wrong.json()["code"]) == (422, "preprocessing_invalid")


def test_figures_are_those_of_the_dashboard(engineer_api: ApiClient) -> None:
    told = engineer_api.get("/v1/statistics?product=plate&days=7").json()
    (line,) = told["per_product"]
    assert (line["product"], line["normal"], line["defect"]) == ("plate", 14, 10)
    assert told["inspections"] == line["inspections"] == told["totals"]["inspections"]
    assert told["before"]["inspections"] == 0
    assert [age["over_days"] for age in told["open_by_age"]] == [7, 3, 1, 0]
    whole = engineer_api.get("/v1/statistics?product=plate&all_time=true").json()
    assert (whole["since"], whole["before"]) == (None, None)


@pytest.mark.parametrize(
    ("by", "keys"), [("all", [None]), ("product", ["plate"]), ("week", None), ("shift", None), ("type", None)]
)
def test_figures_are_counted_by_a_property(engineer_api: ApiClient, by: str, keys: list[object] | None) -> None:
    total = engineer_api.get("/v1/statistics?all_time=true").json()["inspections"]
    told = engineer_api.get(f"/v1/statistics/groups?by={by}&all_time=true").json()
    assert told["by"] == by
    assert sum(group["inspections"] for group in told["groups"]) == total
    if keys is not None and total:
        assert [group["key"] for group in told["groups"]] == keys


def test_days_without_inspections_are_there_where_they_are_asked_for(engineer_api: ApiClient) -> None:
    path = "/v1/statistics/groups?by=day&from=2020-01-01&to=2020-01-05"
    assert engineer_api.get(path).json()["groups"] == []
    told = engineer_api.get(f"{path}&with_empty=true").json()
    assert [group["key"] for group in told["groups"]] == [f"2020-01-0{day}" for day in range(1, 6)]
    assert {group["defect_rate"] for group in told["groups"]} == {None}


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("by=day&from=2026-02-02&to=2026-02-01", 422, "statistics_period_reversed"),
        ("by=hour&all_time=true", 422, "statistics_period_too_long"),
        ("by=day&product=none", 404, "product_unknown"),
        ("by=century", 422, None),
        ("by=day&from=0001-01-01", 422, None),
    ],
)
def test_a_period_that_cannot_be_counted_is_refused(
    engineer_api: ApiClient, query: str, status: int, code: str | None
) -> None:
    answer = engineer_api.get(f"/v1/statistics/groups?{query}")
    assert answer.status == status
    assert code in (None, answer.json()["code"])


def test_health_needs_no_key_and_figures_do(stranger: ApiClient, worker_api: ApiClient) -> None:
    assert stranger.get("/v1/health/live").json() == {"status": "live"}
    ready = {"status": "ready", "database": "ok", "object_store": "ok", "worker": "missing", "models": "missing"}
    assert stranger.get("/v1/health/ready").json() == ready
    assert stranger.get("/v1/metrics").status == 401
    text = worker_api.get("/v1/metrics").body.decode()
    assert "geomsa_database_up 1.0" in text
    assert 'geomsa_api_requests_total{method="GET",route="/health/ready",status="200"}' in text
    for name in ("geomsa_jobs", "geomsa_workers_alive", "geomsa_api_request_seconds_bucket"):
        assert name in text


def test_a_store_that_does_not_answer_is_not_ready(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    from storage.objects import LocalObjects, ObjectStoreError

    def fail(_: LocalObjects) -> None:
        raise ObjectStoreError("object_store_unavailable")

    monkeypatch.setattr(LocalObjects, "check", fail)
    with serve_api(services) as port:
        stranger = ApiClient(port)
        answer = stranger.get("/v1/health/ready")
        assert (answer.status, answer.json()["code"]) == (503, "object_store_unavailable")
        assert int(answer.headers["retry-after"]) > 0
        assert stranger.get("/v1/health/live").status == 200


def test_the_description_is_complete_and_its_page_needs_no_network(stranger: ApiClient) -> None:
    schema = stranger.get("/v1/openapi.json").json()
    assert schema["servers"] == [{"url": "/api"}]
    names = []
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            names.append(operation["operationId"])
            assert operation["summary"], (method, path)
            refused = {status for status in operation["responses"] if status[0] in "45"}
            assert refused >= {"403", "429", "500", "503"}, (method, path)
            for status in refused:
                assert list(operation["responses"][status]["content"]) == ["application/problem+json"]
            if not path.startswith("/v1/health"):
                assert operation["security"] == [{"apiKey": []}], (method, path)
    assert len(names) == len(set(names)) >= 28
    page = stranger.get("/v1/docs")
    assert b"http" not in page.body.replace(b"http-equiv", b"")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for name in ("swagger-ui-bundle.js", "swagger-ui.css"):
        assert stranger.get(f"/v1/docs/{name}").status == 200
    assert json.dumps(schema)


def test_the_images_of_a_product_are_sent_as_a_zip_file_to_engineers_alone(
    engineer_api: ApiClient, worker_api: ApiClient
) -> None:
    plate_id = engineer_api.get("/v1/products?code=plate").json()["items"][0]["id"]
    path = f"/v1/products/{plate_id}/export?format=coco&split=test&split=train"
    sent = engineer_api.get(path)
    assert (sent.status, sent.headers["content-type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(sent.body)) as archive:
        assert archive.testzip() is None
        header = json.loads(archive.read("geomsa-export.json"))
        assert header["counts"]["images"] == len([name for name in archive.namelist() if name.startswith("images/")])
    assert worker_api.get(path).status == 403
    assert engineer_api.get(f"/v1/products/{plate_id}/export?format=zip").status == 422
    nothing = engineer_api.get(f"/v1/products/{plate_id}/export?split=val")
    assert (nothing.status, nothing.json()["code"]) == (422, "export_nothing")
