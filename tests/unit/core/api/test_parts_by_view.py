"""Views by HTTP: a part inspected by several pictures, and how they are combined."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.catalog.products import find_product
from core.services import Services, build_services
from tests.api_server import ApiClient, make_client, serve_api
from tests.plates import copy_data, folder_settings
from tests.toy_models import use_toy_models
from tests.viewed_plates import GOOD, SCRATCH, SPOT, with_views

PATH = "/v1/inspections/by-view"
RULE = {"method": "weighted_average", "weights": {"ct": 0.5, "rgb": 0.5}, "review_at": 0.3, "reject_at": 0.7}


@pytest.fixture(scope="module")
def served_views(toy_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Services, int]]:
    folder = tmp_path_factory.mktemp("api-views") / "data"
    services = use_toy_models(build_services(folder_settings(copy_data(toy_template, folder))))
    with_views(services, find_product(services, "plate"))
    with serve_api(services) as port:
        yield services, port
    services.database.dispose()


@pytest.fixture(scope="module")
def worker(served_views: tuple[Services, int]) -> ApiClient:
    return make_client(*served_views, role="worker")


@pytest.fixture(scope="module")
def engineer(served_views: tuple[Services, int]) -> ApiClient:
    return make_client(*served_views, role="engineer")


def test_a_part_is_inspected_by_a_file_field_for_each_view(worker: ApiClient) -> None:
    answer = worker.send_form(
        PATH, {"product": "plate", "lot": "L1"}, [("ct", "a.png", SPOT), ("rgb", "b.png", SCRATCH)], {}
    )
    assert answer.status == 201, answer.body
    made = answer.json()
    assert (made["verdict"], made["found_as"], made["missing_views"], made["lot"]) == ("reject", "combined", [], "L1")
    assert [(one["view"], one["verdict"]) for one in made["views"]] == [("ct", "reject"), ("rgb", "reject")]
    assert made["fusion"]["method"] == "voting"
    assert worker.get(f"/v1/inspections/{made['id']}").json()["views"] == made["views"]


def test_a_missing_view_and_a_broken_picture_are_told(worker: ApiClient) -> None:
    answer = worker.send_form(PATH, {"product": "plate"}, [("rgb", "b.png", GOOD)], {})
    assert (answer.json()["verdict"], answer.json()["missing_views"]) == ("review", ["ct"])
    files = [("ct", "a.png", b"nothing"), ("rgb", "b.png", GOOD)]
    made = worker.send_form(PATH, {"product": "plate"}, files, {"Accept-Language": "ko"}).json()
    assert made["verdict"] == "review"
    assert made["views"][0]["error"]["code"] == "image_not_an_image"
    assert "이미지" in made["views"][0]["error"]["message"]


def test_unknown_views_and_one_picture_alone_are_refused_by_name(worker: ApiClient) -> None:
    answer = worker.send_form(PATH, {"product": "plate"}, [("side", "a.png", GOOD)], {})
    assert answer.status == 404
    assert answer.json()["code"] == "view_unknown"
    assert worker.inspect("plate", "a.png", GOOD).json()["code"] == "inspection_needs_views"


def test_the_same_key_gives_the_same_inspection_and_refuses_another(worker: ApiClient) -> None:
    def send(rgb: bytes) -> tuple[int, dict[str, object]]:
        files = [("ct", "a.png", GOOD), ("rgb", "b.png", rgb)]
        answer = worker.send_form(PATH, {"product": "plate"}, files, {"Idempotency-Key": "part-7"})
        return answer.status, answer.json()

    first, second = send(GOOD), send(GOOD)
    assert (first[0], first[1]["id"]) == (second[0], second[1]["id"])
    assert send(SCRATCH)[1]["code"] == "idempotency_key_reused"


def test_a_rule_is_shown_put_in_force_and_undone(engineer: ApiClient, worker: ApiClient) -> None:
    path = "/v1/products/plate/fusion"
    before = engineer.get(path).json()
    assert before["in_force"]["rule"]["method"] == "voting"
    wanted = {"rule": RULE, "reason": "both count", "seen_id": before["in_force"]["id"]}
    now = engineer.ask("PUT", path, body=wanted)
    assert now.status == 200, now.body
    assert now.json()["in_force"]["rule"] == RULE
    assert now.json()["in_force"]["reason"] == "both count"
    assert engineer.ask("PUT", path, body=wanted).json()["code"] == "fusion_changed"
    wrong = {**wanted, "rule": {"method": "magic"}, "seen_id": now.json()["in_force"]["id"]}
    assert engineer.ask("PUT", path, body=wrong).json()["code"] == "fusion_field_invalid"
    assert worker.ask("PUT", path, body=wanted).status == 403
    undo = {"reason": "back", "seen_id": now.json()["in_force"]["id"]}
    again = engineer.ask("POST", f"{path}/undo", body=undo).json()
    assert again["in_force"]["rule"]["method"] == "voting"
