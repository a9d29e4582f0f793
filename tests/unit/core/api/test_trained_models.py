"""Trained networks over HTTP: asked with an image, exported, and fetched as ZIP."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator

import cv2
import pytest

from core.methods.trained_networks import list_finished_runs
from core.services import Services
from storage.tables import TrainingRun
from tests.api_server import make_client, serve_api
from tests.compared_methods import draw

PATH = "/v1/trained-models"
SPOT = cv2.imencode(".png", draw(18, "spot", "")[0])[1].tobytes()


@pytest.fixture
def services(spots_services: Services) -> Services:
    return spots_services


@pytest.fixture
def run(services: Services) -> TrainingRun:
    return list_finished_runs(services)[0]


@pytest.fixture
def port(services: Services, run: TrainingRun) -> Iterator[int]:
    with serve_api(services) as found:
        yield found


def test_a_finished_run_answers_at_once(services: Services, port: int, run: TrainingRun) -> None:
    client = make_client(services, port, role="worker")
    (listed,) = client.get(PATH).json()
    assert (listed["model"], listed["product"], listed["version"]) == (f"run:{run.id}", "spots", run.model_version_id)
    assert client.get(f"{PATH}?product=spots").json() == [listed]
    for model in (listed["model"], listed["version"]):
        said = client.send_form(f"{PATH}/{model}/predict", {}, [("image", "part.png", SPOT)])
        assert said.status == 200, said.json()
        found = said.json()
        assert (found["named"], found["is_defect"], found["model"]) == ("spot", True, f"run:{run.id}")
        assert sum(found["probabilities"].values()) == pytest.approx(1.0, abs=1e-5)
        assert found["ms"] > 0
        assert {one["name_ko"] for one in found["classes"]} == {"정상", "긁힘", "반점"}
        assert all(box["label"] == "spot" for box in found["boxes"])


def test_what_is_wrong_is_said_as_at_an_inspection(services: Services, port: int, run: TrainingRun) -> None:
    client = make_client(services, port)
    model = f"run:{run.id}"
    cases = [
        (client.send_form(f"{PATH}/{model}/predict", {}, [("image", "a.png", b"no image")]), 422, "image_not_an_image"),
        (client.send_form(f"{PATH}/{model}/predict", {"product": "spots"}, []), 422, "api_file_missing"),
        (client.send_form(f"{PATH}/run:99/predict", {}, [("image", "a.png", SPOT)]), 404, "trained_run_unknown"),
        (client.send_form(f"{PATH}/none/predict", {}, [("image", "a.png", SPOT)]), 404, "trained_version_unknown"),
        (client.get(f"{PATH}/{model}/exports/tflite"), 422, "api_values_wrong"),
    ]
    for answer, status, code in cases:
        assert (answer.status, answer.json()["code"]) == (status, code)


def test_an_export_is_made_and_fetched(services: Services, port: int, run: TrainingRun) -> None:
    client = make_client(services, port)
    made = client.ask("POST", f"{PATH}/run:{run.id}/exports", body={"format": "onnx"})
    assert made.status == 201, made.json()
    told = made.json()
    assert told["parity"]["images"] == 32
    assert told["url"] == f"/api{PATH}/run:{run.id}/exports/onnx"
    fetched = client.get(told["url"].removeprefix("/api"))
    assert fetched.status == 200
    assert hashlib.sha256(fetched.body).hexdigest() == told["sha256"]
    with zipfile.ZipFile(io.BytesIO(fetched.body)) as archive:
        assert set(archive.namelist()) == set(told["files"])
    refused = make_client(services, port, role="worker").get(f"{PATH}/run:{run.id}/exports/onnx")
    assert refused.status == 403
