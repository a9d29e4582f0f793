"""The views of a product by REST: listed, added, changed, ordered; preprocessing of each."""

from __future__ import annotations

from typing import Any

import numpy as np

from inference.vision.images.encoding import encode_png
from tests.api_server import ApiClient


def _product(api: ApiClient, code: str) -> int:
    made = api.ask("POST", "/v1/products", body={"name": code, "code": code}).json()
    return int(made["id"])


def _add(api: ApiClient, product_id: int, code: str, **values: Any) -> dict[str, Any]:
    answer = api.ask("POST", f"/v1/products/{product_id}/views", body={"code": code, **values})
    assert answer.status == 201
    found: dict[str, Any] = answer.json()
    return found


def test_views_are_added_changed_and_ordered(engineer_api: ApiClient) -> None:
    product_id = _product(engineer_api, "seen-twice")
    path = f"/v1/products/{product_id}/views"
    assert engineer_api.get(path).json() == {"items": [], "without_view": {}}
    ct = _add(engineer_api, product_id, "ct", name="단면", name_en="Slice", modality="ct")
    assert (ct["found_as"], ct["is_required"], ct["row_version"]) == ("internal", True, 1)
    _add(engineer_api, product_id, "rgb")
    changed = engineer_api.ask("PATCH", f"{path}/{ct['id']}", body={"row_version": 1, "is_required": False}).json()
    assert (changed["is_required"], changed["row_version"]) == (False, 2)
    stale = engineer_api.ask("PATCH", f"{path}/{ct['id']}", body={"row_version": 1, "name": "x"})
    assert (stale.status, stale.json()["code"]) == (409, "stale_save")
    ordered = engineer_api.ask("PUT", f"{path}/order", body={"codes": ["rgb", "ct"]}).json()
    assert [one["code"] for one in ordered["items"]] == ["rgb", "ct"]
    assert engineer_api.ask("DELETE", f"{path}/{ct['id']}").json()["is_active"] is False
    assert [one["code"] for one in engineer_api.get(path).json()["items"]] == ["rgb"]


def test_a_view_of_another_product_is_not_there(engineer_api: ApiClient) -> None:
    first, second = _product(engineer_api, "one-side"), _product(engineer_api, "other-side")
    view = _add(engineer_api, first, "top")
    asked = engineer_api.ask("PATCH", f"/v1/products/{second}/views/{view['id']}", body={"row_version": 1, "name": "x"})
    assert asked.status == 404


def test_a_worker_reads_views_and_changes_none(engineer_api: ApiClient, worker_api: ApiClient) -> None:
    product_id = _product(engineer_api, "read-only")
    _add(engineer_api, product_id, "top")
    path = f"/v1/products/{product_id}/views"
    assert [one["code"] for one in worker_api.get(path).json()["items"]] == ["top"]
    assert worker_api.ask("POST", path, body={"code": "side"}).status == 403


def test_images_are_uploaded_listed_and_moved_by_view(engineer_api: ApiClient) -> None:
    product_id = _product(engineer_api, "by-view")
    _add(engineer_api, product_id, "ct", name="단면", modality="ct")
    _add(engineer_api, product_id, "rgb")
    picture = [("files", "1.png", encode_png(np.full((32, 32, 3), 90, np.uint8)))]
    fields = {"product": "by-view", "image_type": "normal", "view": "단면"}
    sent = engineer_api.send_form("/v1/images", fields, picture).json()
    assert sent["added"] == 1
    image_id = sent["outcomes"][0]["image_id"]
    assert engineer_api.get("/v1/images?product=by-view&view=rgb").json()["items"] == []
    (found,) = engineer_api.get("/v1/images?product=by-view&view=ct").json()["items"]
    assert (found["id"], found["view"]) == (image_id, "ct")
    moved = engineer_api.ask("PATCH", f"/v1/images/{image_id}", body={"row_version": 1, "view": "RGB"}).json()
    assert moved["view"] == "rgb"
    refused = engineer_api.send_form("/v1/images", {**fields, "view": "side"}, picture)
    assert (refused.status, refused.json()["code"]) == (422, "image_view_unknown")


def test_preprocessing_and_its_window_are_set_for_one_view(engineer_api: ApiClient) -> None:
    product_id = _product(engineer_api, "windowed")
    _add(engineer_api, product_id, "ct", modality="ct")
    _add(engineer_api, product_id, "rgb")
    path = f"/v1/products/{product_id}/preprocessing"
    unsaid = engineer_api.get(path)
    assert (unsaid.status, unsaid.json()["code"]) == (404, "view_not_said")
    body = {"row_version": 0, "options": {"window": {"low": 1000, "high": 3000}}}
    saved = engineer_api.ask("PUT", f"{path}?view=ct", body=body).json()
    assert (saved["view"], saved["options"]["window"]) == ("ct", {"low": 1000, "high": 3000})
    assert engineer_api.get(f"{path}?view=rgb").json()["options"]["window"] is None
    crossed = {"row_version": 1, "options": {"window": {"low": 5, "high": 5}}}
    assert engineer_api.ask("PUT", f"{path}?view=ct", body=crossed).status == 422
