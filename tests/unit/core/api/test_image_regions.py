"""The regions of an image by REST: read, replaced under the row version, and refused by number where they are wrong."""

from __future__ import annotations

from typing import Any

from sqlmodel import select

from core.services import Services
from storage.tables import DefectType, Image
from tests.api_server import ApiClient


def _defect_image(services: Services) -> tuple[int, int]:
    with services.database.reading() as session:
        image = session.exec(select(Image).where(Image.image_type == "defect")).first()
        assert image is not None
        assert image.defect_type_id is not None
        return image.id, image.defect_type_id


def test_regions_are_read_replaced_and_kept_from_stale_saves(engineer_api: ApiClient, api_services: Services) -> None:
    number, type_id = _defect_image(api_services)
    path = f"/v1/images/{number}/regions"
    before = engineer_api.get(path).json()
    wanted: dict[str, Any] = {
        "row_version": before["row_version"],
        "regions": [
            {"shape": "box", "x": 1, "y": 2, "width": 5, "height": 4},
            {"shape": "polygon", "points": [[10, 10], [20, 10], [20, 20.5]], "defect_type_id": type_id},
        ],
    }
    answer = engineer_api.ask("PUT", path, body=wanted)
    assert answer.status == 200, answer.body
    saved = engineer_api.get(path).json()
    assert saved == answer.json()
    assert saved["row_version"] == before["row_version"] + 1
    assert [one["shape"] for one in saved["regions"]] == ["box", "polygon"]
    assert saved["regions"][1]["points"] == [[10, 10], [20, 10], [20, 20.5]]
    assert {one["defect_type_id"] for one in saved["regions"]} == {type_id}
    assert engineer_api.get(f"/v1/images/{number}").json()["has_mask"] is True
    stale = engineer_api.ask("PUT", path, body=wanted)
    assert (stale.status, stale.json()["code"]) == (409, "image_changed")


def test_wrong_regions_are_refused(engineer_api: ApiClient, worker_api: ApiClient, api_services: Services) -> None:
    number, _type_id = _defect_image(api_services)
    path = f"/v1/images/{number}/regions"
    row_version = engineer_api.get(path).json()["row_version"]
    with api_services.database.reading() as session:
        types = session.exec(select(DefectType.id)).all()
    box: dict[str, Any] = {"shape": "box", "x": 1, "y": 2, "width": 5, "height": 4}
    for wrong, code in (
        ({"shape": "box", "x": 1}, "region_unreadable"),
        ({**box, "x": 90_000}, "region_outside"),
        ({**box, "defect_type_id": max(types) + 1}, "region_type_wrong"),
        ({"shape": "mask", "counts": [1, 2]}, "region_unreadable"),
        ({**box, "color": "red"}, "api_values_wrong"),
    ):
        refused = engineer_api.ask("PUT", path, body={"row_version": row_version, "regions": [box, wrong]})
        assert (refused.status, refused.json()["code"]) == (422, code)
    many = engineer_api.ask("PUT", path, body={"row_version": row_version, "regions": [box] * 201})
    assert many.json()["code"] == "regions_too_many"
    assert worker_api.ask("PUT", path, body={"row_version": row_version, "regions": []}).status == 403
    assert engineer_api.get("/v1/images/999999/regions").status == 404
