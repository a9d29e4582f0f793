"""Comparing methods over HTTP: a set goes up, a run is queued, watched, read, and fetched as files."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from core.access import Person
from core.services import Services
from tests.api_server import ApiClient, make_client, serve_api
from tests.compared_methods import ToySpec, build_product, draw, toy_methods, work_next

PATH = "/v1/comparisons"


@pytest.fixture
def toys() -> Iterator[dict[str, ToySpec]]:
    with toy_methods() as found:
        yield found


@pytest.fixture
def port(services: Services, engineer: Person) -> Iterator[int]:
    build_product(services, engineer)
    with serve_api(services) as found:
        yield found


def _order(toys: dict[str, ToySpec], **more: object) -> str:
    methods = [{"method": toys[name].name, "name": name} for name in ("gray", "broken")]
    return json.dumps({"product": "spots", "methods": methods, **more})


def _set() -> bytes:
    """Return a ZIP file of 12 more images of the product, in folders that say what they show."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for number in range(100, 112):
            kind = "good" if number % 2 else "spot"
            pixels: np.ndarray = draw(number, kind, "")[0]
            split = "test" if number % 3 == 0 else "train"
            archive.writestr(f"spots/{split}/{kind}/{number}.png", cv2.imencode(".png", pixels)[1].tobytes())
    return made.getvalue()


def test_a_run_is_queued_watched_and_read(services: Services, port: int, toys: dict[str, ToySpec]) -> None:
    client: ApiClient = make_client(services, port)
    started = client.send_form(PATH, {"order": _order(toys)}, [])
    assert started.status == 202, started.json()
    number = started.json()["id"]
    assert started.headers["location"] == f"/api{PATH}/{number}"
    assert (started.json()["state"], started.json()["methods"][0]["total"]) == ("queued", 16)
    early = client.get(f"{PATH}/{number}/result")
    assert (early.status, early.json()["code"]) == (409, "comparison_not_finished")
    assert work_next(services) is None
    assert client.get(f"{PATH}/{number}").json()["state"] == "succeeded"
    result = client.get(f"{PATH}/{number}/result").json()
    assert (result["methods"]["gray"]["f1"], result["methods"]["broken"]["errors"]) == (1.0, 8)
    predictions = client.get(f"{PATH}/{number}/predictions?page_size=3").json()
    assert (len(predictions["items"]), predictions["total"]) == (3, 8)
    assert predictions["items"][0]["methods"]["broken"]["error"]["code"] == "config_invalid"
    for name, start in (("result.json", b"{"), ("summary.csv", b"\xef\xbb\xbf"), ("report.pdf", b"%PDF")):
        found = client.get(f"{PATH}/{number}/files/{name}")
        assert (found.status, found.body[: len(start)]) == (200, start)
    assert [one["id"] for one in client.get(f"{PATH}?product=spots").json()["items"]] == [number]
    assert [one["number"] for one in client.get(f"{PATH}/datasets?product=spots").json()["items"]] == [1]
    over = client.ask("POST", f"{PATH}/{number}/cancel")
    assert (over.status, over.json()["code"]) == (409, "job_already_over")


def test_a_set_that_comes_along_is_taken_in_and_frozen(services: Services, port: int, toys: dict[str, ToySpec]) -> None:
    client = make_client(services, port)
    started = client.send_form(PATH, {"order": _order(toys)}, [("set", "set.zip", _set())])
    assert started.status == 202, started.json()
    found = client.get(f"{PATH}/datasets?product=spots").json()["items"][0]
    assert sum(sum(own.values()) for own in found["report"]["counts"].values()) == 32 + 12
    assert started.json()["dataset"] == found["number"]


def test_what_cannot_be_is_said_and_a_worker_is_refused(
    services: Services, port: int, toys: dict[str, ToySpec]
) -> None:
    client = make_client(services, port)
    for order, code in (
        ("", "api_file_missing"),
        ("methods: [", "comparison_unreadable"),
        (_order(toys, dataset=9), "dataset_unknown"),
        (_order(toys, extra=1), "comparison_key_unknown"),
    ):
        refused = client.send_form(PATH, {"order": order}, [])
        assert refused.json()["code"] == code
    assert client.get(f"{PATH}/99").status == 404
    worker = make_client(services, port, role="worker")
    assert worker.send_form(PATH, {"order": _order(toys)}, []).status == 403
    assert worker.get(PATH).status == 403
