"""Inspecting by HTTP: as by every other way, once however often it is asked for, many at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlmodel import func, select

from core.accounts.people import open_person
from core.catalog.products import find_product
from core.inspections.description import describe_record
from core.inspections.inspection import inspect
from core.services import Services
from storage.tables import Inspection
from tests.api_server import ApiClient
from tests.plates import encode, plate, seed_of

GOOD = encode(plate(seed_of("test", "good", 1)))
SPOT = encode(plate(seed_of("test", "spot", 1), "spot"))


def _count(services: Services) -> int:
    with services.database.reading() as session:
        return session.exec(select(func.count()).select_from(Inspection)).one()


def _found(values: dict[str, Any]) -> dict[str, Any]:
    names = ("product", "verdict", "score", "review_at", "reject_at", "suggested_defect_type", "similar", "notes")
    regions = [{name: value for name, value in one.items() if value is not None} for one in values["regions"]]
    return {name: values[name] for name in names} | {"regions": regions}


def test_a_form_is_inspected_as_by_every_other_way(api_services: Services, worker_api: ApiClient) -> None:
    person = open_person(api_services, "worker")
    product = find_product(api_services, "plate")
    expected = inspect(api_services, person, product_id=product.id, data=SPOT, file_name="spot.png").record
    answer = worker_api.inspect("plate", "spot.png", SPOT, lot=" L-7 ", serial="S1")
    assert answer.status == 201, answer.body
    made = answer.json()
    assert _found(made) == _found(describe_record(expected))
    assert made["verdict"] == "reject"
    assert (made["lot"], made["serial"], made["source"], made["file"]) == ("L-7", "S1", "api", "spot.png")
    assert answer.headers["location"] == made["addresses"]["self"] == f"/api/v1/inspections/{made['id']}"
    kept = worker_api.get(f"/v1/inspections/{made['id']}").json()
    assert _found(kept) == _found(made)
    assert kept["created_by"] == "test worker"


def test_the_image_itself_may_be_the_body(worker_api: ApiClient) -> None:
    answer = worker_api.ask(
        "POST", "/v1/inspections?product=plate&line=A", body=GOOD, headers={"Content-Type": "image/png"}
    )
    assert answer.status == 201, answer.body
    assert (answer.json()["verdict"], answer.json()["line"]) == ("ok", "A")


def test_many_are_told_apart(worker_api: ApiClient) -> None:
    files = [("images", "a.png", GOOD), ("images", "b.png", b"no image"), ("images", "c.png", SPOT)]
    answer = worker_api.send_form("/v1/inspections/many", {"product": "plate"}, files, {"Accept-Language": "ko"})
    assert answer.status == 200, answer.body
    told = answer.json()
    assert [one["file"] for one in told["outcomes"]] == ["a.png", "b.png", "c.png"]
    assert [one["inspection"] and one["inspection"]["verdict"] for one in told["outcomes"]] == ["ok", None, "reject"]
    assert told["failed"] == 1
    assert told["outcomes"][1]["error"]["code"] == "image_not_an_image"
    assert "b.png" in told["outcomes"][1]["error"]["message"]
    assert "이미지" in told["outcomes"][1]["error"]["message"]


def test_a_hundred_repeated_requests_make_one_inspection(api_services: Services, worker_api: ApiClient) -> None:
    before = _count(api_services)
    with ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(lambda _: worker_api.inspect("plate", "spot.png", SPOT, once="press-1"), range(100)))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert _count(api_services) == before + 1


@pytest.mark.parametrize("other", ["image", "lot", "product"])
def test_a_key_that_comes_with_another_request_is_refused(worker_api: ApiClient, other: str) -> None:
    key = f"reused-{other}"
    assert worker_api.inspect("plate", "spot.png", SPOT, once=key, lot="1").status == 201
    data = GOOD if other == "image" else SPOT
    product = "none" if other == "product" else "plate"
    answer = worker_api.inspect(product, "spot.png", data, once=key, lot="2" if other == "lot" else "1")
    expected = (404, "product_unknown") if other == "product" else (422, "idempotency_key_reused")
    assert (answer.status, answer.json()["code"]) == expected


def test_the_same_key_of_another_program_is_another_key(worker_api: ApiClient, engineer_api: ApiClient) -> None:
    first = worker_api.inspect("plate", "a.png", GOOD, once="shared").json()
    assert engineer_api.inspect("plate", "a.png", GOOD, once="shared").json()["id"] != first["id"]


def test_eight_at_once_are_each_told_of_their_own_part(worker_api: ApiClient) -> None:
    parts = [("good", "ok"), ("spot", "reject")] * 12
    images = [encode(plate(seed_of("test", kind, 50 + n), kind)) for n, (kind, _) in enumerate(parts)]

    def ask(number: int) -> Any:
        return worker_api.inspect("plate", f"{number}.png", images[number], serial=f"S-{number}").json()

    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(ask, range(len(parts))))
    assert [one["verdict"] for one in made] == [verdict for _, verdict in parts]
    assert [one["serial"] for one in made] == [f"S-{number}" for number in range(len(parts))]
    assert len({one["id"] for one in made}) == len(parts)


@pytest.mark.parametrize(
    ("fields", "files", "status", "code"),
    [
        ({"product": "plate"}, [], 422, "api_file_missing"),
        ({"product": "nothing"}, [("image", "a.png", GOOD)], 404, "product_unknown"),
        ({}, [("image", "a.png", GOOD)], 404, "product_unknown"),
        ({"product": "plate"}, [("image", "a.png", GOOD)] * 2, 422, "api_one_file_only"),
        ({"product": "plate", "lot": "x" * 65}, [("image", "a.png", GOOD)], 422, "inspection_detail_too_long"),
        ({"product": "plate", "top_k": "0"}, [("image", "a.png", GOOD)], 422, "api_values_wrong"),
        ({"product": "plate"}, [("image", "a.png", b"")], 422, "image_empty"),
    ],
)
def test_what_cannot_be_inspected_is_said(
    worker_api: ApiClient, fields: dict[str, str], files: list[tuple[str, str, bytes]], status: int, code: str
) -> None:
    answer = worker_api.send_form("/v1/inspections", fields, files)
    assert (answer.status, answer.json()["code"]) == (status, code)


def test_pictures_and_report_are_there(worker_api: ApiClient) -> None:
    made = worker_api.inspect("plate", "spot.png", SPOT).json()
    for name, start in (("image", SPOT), ("heat_map", b"\x89PNG"), ("thumbnail", b"\xff\xd8"), ("report", b"%PDF")):
        answer = worker_api.get(made["addresses"][name].removeprefix("/api"))
        assert (answer.status, answer.body.startswith(start)) == (200, True), name
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_decisions_name_what_they_were_made_on(worker_api: ApiClient) -> None:
    made = worker_api.inspect("plate", "spot.png", SPOT).json()
    path = f"/v1/inspections/{made['id']}"
    kinds = worker_api.get("/v1/defect-types?product=plate").json()["items"]
    spot = next(one["id"] for one in kinds if one["code"] == "spot")
    first = worker_api.ask("PUT", f"{path}/defect-type", body={"row_version": 1, "defect_type_id": spot})
    assert (first.status, first.json()["defect_type_id"]) == (200, spot)
    stale = worker_api.ask("PUT", f"{path}/action", body={"row_version": 1, "status": "done"})
    assert (stale.status, stale.json()["code"]) == (409, "stale_save")
    done = worker_api.ask("PUT", f"{path}/action", body={"row_version": 2, "status": "done", "note": "wiped"})
    assert (done.json()["action_status"], done.json()["action_note"]) == ("done", "wiped")
    changed = {"row_version": 3, "verdict": "ok", "reason": "dust"}
    overruled = worker_api.ask("PUT", f"{path}/verdict", body=changed).json()
    assert (overruled["verdict"], overruled["review_state"]) == ("ok", "waiting")


def test_inspections_are_found_by_what_they_have_in_common(worker_api: ApiClient) -> None:
    for number in range(3):
        worker_api.inspect("plate", f"{number}.png", SPOT if number else GOOD, lot="FIND-ME")
    found = worker_api.get("/v1/inspections?product=plate&lot=FIND-ME&page_size=2").json()
    assert (found["total"], found["pages"], len(found["items"])) == (3, 2, 2)
    assert [one["file"] for one in found["items"]] == ["2.png", "1.png"]
    rejected = worker_api.get("/v1/inspections?lot=FIND-ME&verdict=reject").json()
    assert rejected["total"] == 2
    assert worker_api.get("/v1/inspections?verdict=perfect").status == 422


def test_a_batch_is_started_and_watched(worker_api: ApiClient) -> None:
    files = [("files", "a.png", GOOD), ("files", "b.png", SPOT)]
    headers = {"Idempotency-Key": "batch-1"}
    first = worker_api.send_form("/v1/batches", {"product": "plate", "title": "Monday"}, files, headers)
    assert first.status == 202, first.body
    again = worker_api.send_form("/v1/batches", {"product": "plate", "title": "Monday"}, files, headers)
    assert (again.status, again.json()["id"]) == (202, first.json()["id"])
    assert again.headers["idempotency-replayed"] == "true"
    path = first.headers["location"].removeprefix("/api")
    assert (worker_api.get(path).json()["files"], worker_api.get(path).json()["state"]) == (2, "queued")
    rows = worker_api.get(f"{path}/results").json()
    assert [(one["file"], one["state"]) for one in rows["items"]] == [("a.png", "waiting"), ("b.png", "waiting")]
    assert worker_api.ask("POST", f"{path}/cancel").json()["state"] == "cancelled"
