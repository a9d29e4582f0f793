"""A product's thresholds by its code, the report of its model, and what mistakes cost: over HTTP as on the screen."""

from __future__ import annotations

import pytest

from core.jobs import claims
from core.model_report.measurement import work_off
from core.models.kinds import MEMORY_BANK
from core.registry.versions import list_versions
from core.services import Services
from tests.api_server import ApiClient
from tests.plates import encode, plate, seed_of
from tests.scored_images import add_version, images, measure_as

PATH = "/v1/products/plate"


@pytest.fixture(scope="module")
def version_id(api_services: Services) -> int:
    return list_versions(api_services, MEMORY_BANK, 1)[-1].id


@pytest.fixture(scope="module")
def measured(engineer_api: ApiClient, api_services: Services, version_id: int) -> int:
    """Return the version after a measurement that was asked for over HTTP."""
    before = engineer_api.get(f"/v1/models/{version_id}/report")
    assert (before.status, before.json()["code"]) == (409, "report_not_measured")
    queued = engineer_api.ask("POST", f"/v1/models/{version_id}/measurement")
    assert (queued.status, queued.json()["kind"], queued.json()["state"]) == (202, "measurement", "queued")
    assert queued.headers["location"] == f"/api/v1/jobs/{queued.json()['id']}"
    again = engineer_api.ask("POST", f"/v1/models/{version_id}/measurement")
    assert (again.status, again.json()["code"]) == (409, "measurement_already_waiting")
    claim = claims.claim_next(api_services, "tests")
    assert claim is not None
    assert work_off(api_services, claim) is None
    assert claims.finish(api_services, claim, state="succeeded")
    job = engineer_api.get(f"/v1/jobs/{queued.json()['id']}").json()
    assert [one["outcome"] for one in job["outcomes"]] == ["measured"]
    return version_id


def test_the_report_tells_figures_with_bounds_and_images_when_asked(engineer_api: ApiClient, measured: int) -> None:
    found = engineer_api.get(f"/v1/models/{measured}/report").json()
    assert found["image_auroc"]["value"] == 1.0
    assert found["image_auroc"]["low"] < 1.0
    assert found["is_current"]
    assert found["images"] is None
    assert found["confusion"]["escape"]["total"] == found["n_defect"] > 0
    assert sum(found["confusion"]["good"].values()) == found["n_good"]
    assert {one["code"] for one in found["types"]} == {"spot", "scratch"}
    assert found["thresholds"][0]["review_at"] == 30.0
    listed = engineer_api.get(f"/v1/models/{measured}/report?images=true").json()["images"]
    assert len(listed) == found["n_good"] + found["n_defect"]
    assert {one["verdict"] for one in listed if one["defect_type"] is None} == {"ok"}


def test_thresholds_by_the_code_of_the_product(engineer_api: ApiClient, measured: int) -> None:
    first = engineer_api.get(f"{PATH}/thresholds").json()
    assert (first["product"], first["version_id"], first["history"]) == ("plate", measured, [])
    assert first["test"]["escape"]["count"] == 0
    body = {"review_at": 20.0, "reject_at": 60.0, "reason": "looser", "seen_id": first["in_force"]["id"]}
    saved = engineer_api.ask("PUT", f"{PATH}/thresholds", body=body)
    assert (saved.status, saved.json()["in_force"]["review_at"], saved.json()["in_force"]["method"]) == (
        200,
        20.0,
        "manual",
    )
    assert [one["review_at"] for one in saved.json()["history"]] == [30.0]
    late = engineer_api.ask("PUT", f"{PATH}/thresholds", body=body)
    assert (late.status, late.json()["code"]) == (409, "thresholds_changed")
    seen = saved.json()["in_force"]["id"]
    undone = engineer_api.ask("POST", f"{PATH}/thresholds/undo", body={"reason": "no", "seen_id": seen})
    assert undone.json()["in_force"]["review_at"] == 30.0


def test_a_changed_threshold_counts_in_the_running_server(engineer_api: ApiClient, worker_api: ApiClient) -> None:
    data = encode(plate(seed_of("test", "good", 70)))
    before = worker_api.inspect("plate", "a.png", data).json()
    now = engineer_api.get(f"{PATH}/thresholds").json()["in_force"]
    body = {"review_at": before["score"] / 2, "reject_at": 60.0, "reason": "strict", "seen_id": now["id"]}
    saved = engineer_api.ask("PUT", f"{PATH}/thresholds", body=body).json()["in_force"]
    after = worker_api.inspect("plate", "b.png", data).json()
    assert (before["verdict"], after["verdict"]) == ("ok", "review")
    # What was judged before stays as it was judged.
    assert worker_api.get(f"/v1/inspections/{before['id']}").json()["verdict"] == "ok"
    engineer_api.ask("POST", f"{PATH}/thresholds/undo", body={"reason": "back", "seen_id": saved["id"]})


def test_the_cheapest_pair_stands_on_the_costs_of_the_product(engineer_api: ApiClient, measured: int) -> None:
    costs = engineer_api.get(f"{PATH}/costs").json()
    assert costs["row_version"] == 0
    unknown = engineer_api.get(f"{PATH}/thresholds/methods/cheapest?defect_rate=2")
    assert (unknown.status, unknown.json()["code"]) == (422, "defect_rate_invalid")
    wanted = {**costs, "escape": 900.0, "currency": "KRW", "defect_rate": 0.03}
    saved = engineer_api.ask("PUT", f"{PATH}/costs", body=wanted)
    assert (saved.status, saved.json()["row_version"], saved.json()["defect_rate"]) == (200, 1, 0.03)
    stale = engineer_api.ask("PUT", f"{PATH}/costs", body=wanted)
    assert (stale.status, stale.json()["code"]) == (409, "stale_save")
    found = engineer_api.get(f"{PATH}/thresholds/methods/cheapest").json()
    assert found["figures"]["defect_rate"] == 0.03
    assert found["review_range"][0] <= found["review_range"][1]
    assert "few_defects" in found["warnings"] or found["test"]["escape"]["total"] >= 10
    now = engineer_api.get(f"{PATH}/thresholds").json()["in_force"]
    body = {"method": "cheapest", "reason": "costs", "seen_id": now["id"]}
    kept = engineer_api.ask("PUT", f"{PATH}/thresholds", body=body).json()["in_force"]
    assert (kept["method"], kept["review_at"]) == ("cheapest", found["review_at"])
    engineer_api.ask("POST", f"{PATH}/thresholds/undo", body={"reason": "back", "seen_id": kept["id"]})


def test_what_cannot_be_computed_or_is_not_said_is_refused(engineer_api: ApiClient, measured: int) -> None:
    missing = engineer_api.get(f"{PATH}/thresholds/methods/percentile")
    assert (missing.status, missing.json()["code"]) == (409, "calibration_scores_missing")
    now = engineer_api.get(f"{PATH}/thresholds").json()["in_force"]
    for body in (
        {},
        {"review_at": 3.0},
        {"review_at": 3.0, "reject_at": 4.0, "method": "cheapest"},
    ):
        refused = engineer_api.ask("PUT", f"{PATH}/thresholds", body={**body, "reason": "x", "seen_id": now["id"]})
        assert (refused.status, refused.json()["code"]) == (422, "api_values_wrong"), body
    crossed = {"review_at": 5.0, "reject_at": 4.0, "reason": "x", "seen_id": now["id"]}
    assert engineer_api.ask("PUT", f"{PATH}/thresholds", body=crossed).json()["code"] == "thresholds_crossed"
    nothing = engineer_api.get("/v1/products/nothing/thresholds")
    assert (nothing.status, nothing.json()["code"]) == (404, "product_unknown")


def test_a_worker_reads_and_does_not_change(worker_api: ApiClient, measured: int) -> None:
    now = worker_api.get(f"{PATH}/thresholds").json()["in_force"]
    body = {"review_at": 3.0, "reject_at": 4.0, "reason": "x", "seen_id": now["id"]}
    for method, path, sent in (
        ("PUT", f"{PATH}/thresholds", body),
        ("POST", f"{PATH}/thresholds/undo", {"reason": "x", "seen_id": now["id"]}),
        ("PUT", f"{PATH}/costs", {"escape": 1, "overkill": 1, "review": 1, "row_version": 0}),
        ("POST", f"/v1/models/{measured}/measurement", None),
        ("GET", f"{PATH}/thresholds/methods/f1_max", None),
    ):
        assert worker_api.ask(method, path, body=sent).status == 403, path


def test_two_versions_are_compared_on_the_same_images(
    engineer_api: ApiClient, api_services: Services, measured: int
) -> None:
    from core.catalog.products import find_product

    product = find_product(api_services, "plate")
    first, second = (add_version(api_services, product) for _ in range(2))
    measure_as(api_services, first, images([5, 10], [22, 30]))
    measure_as(api_services, second, images([5, 10], [22, 30]))
    found = engineer_api.get(f"/v1/models/{first}/comparison?other={second}").json()
    assert (found["n_common"], found["disagreements"], found["a"]["version_id"]) == (4, [], first)
    assert found["escape"] == {"value": 0, "low": 0, "high": 0, "p": None}
    same = engineer_api.get(f"/v1/models/{first}/comparison?other={first}")
    assert (same.status, same.json()["code"]) == (422, "comparison_same_version")
