"""Second opinions over REST: asked by any key, shaped with usage and errors, listed again."""

from __future__ import annotations

import json

from core.accounts.people import open_person
from core.catalog.products import find_product
from core.comparisons.opinion_choice import choose_second_opinion
from core.inspections.inspection import inspect
from core.inspections.part_details import PartDetails
from core.services import Services
from tests.api_server import ApiClient
from tests.plates import encode, plate


def test_an_opinion_is_asked_for_kept_and_listed(
    worker_api: ApiClient, stranger: ApiClient, api_services: Services
) -> None:
    engineer = open_person(api_services, "engineer")
    product = find_product(api_services, "plate")
    done = inspect(
        api_services,
        engineer,
        product_id=product.id,
        data=encode(plate(5, "spot")),
        file_name="p.png",
        part=PartDetails(),
        top_k=2,
    )
    path = f"/v1/inspections/{done.record.id}"
    refused = worker_api.ask("POST", f"{path}/second-opinion")
    assert refused.json()["code"] == "second_opinion_not_chosen"
    choose_second_opinion(api_services, engineer, product.id, "vlm", row_version=product.row_version)
    answer = worker_api.ask("POST", f"{path}/second-opinion")
    assert answer.status == 200, answer.body
    said = answer.json()
    # Without a server the failure is the answer, and says what to set.
    assert (said["method"], said["score"]) == ("vlm", None)
    assert said["error"]["code"] == "vlm_not_set_up"
    assert "GEOMSA_VLM_BASE_URL" in json.dumps(said)
    assert worker_api.get(f"{path}/second-opinions").json() == [said]
    assert worker_api.get("/v1/inspections/999999/second-opinions").status == 404
    assert stranger.ask("POST", f"{path}/second-opinion").status == 401
