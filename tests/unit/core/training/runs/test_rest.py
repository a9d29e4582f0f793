"""Training runs over HTTP: with the checks of the screens, errors in words, and nothing made twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from core.access import Person
from core.accounts.people import command_line_person
from core.services import Services
from core.training.runs.control import delete_run
from tests.api_server import make_client, serve_api
from tests.trained_runs import RECIPE, work_next

PATH = "/v1/training/runs"


@pytest.fixture
def port(bench: Services, trainer: Person) -> Iterator[int]:
    with serve_api(bench) as found:
        yield found


def _configuration(**more: Any) -> dict[str, Any]:
    model = {"recipe": RECIPE, "scratch": True, "options": more.pop("options", {})}
    size = {"width_px": 64, "height_px": 64}
    return {"product": "spots", "model": model, "input": size, "training": {"epochs": 2, "learning_rate": 1.0}, **more}


def test_a_run_is_estimated_started_watched_read_and_put_into_use(bench: Services, port: int) -> None:
    client = make_client(bench, port)
    found = client.ask("POST", f"{PATH}/estimate", body=_configuration())
    assert (found.status, found.json()["epochs"]) == (200, 2)
    assert any("8 test parts" in said for said in found.json()["warnings"])
    started = client.ask("POST", PATH, body=_configuration(), headers={"Idempotency-Key": "one"})
    assert started.status == 202, started.json()
    number = started.json()["id"]
    assert started.headers["location"] == f"/api{PATH}/{number}"
    again = client.ask("POST", PATH, body=_configuration(), headers={"Idempotency-Key": "one"})
    assert (again.status, again.json()["id"]) == (202, number)
    assert [one["state"] for one in client.get(PATH).json()["items"]] == ["queued"]
    early = client.get(f"{PATH}/{number}/results")
    assert (early.status, early.json()["code"]) == (409, "run_not_finished")
    assert work_next(bench) is None
    whole = client.get(f"{PATH}/{number}").json()
    assert (whole["state"], whole["test"], whole["model_state"], whole["reasons"]) == (
        "succeeded",
        1.0,
        "candidate",
        [],
    )
    assert whole["test_figures"]["per_class"]["spot"]["n"] == 2
    assert whole["configuration"]["training"]["epochs"] == 2
    assert [one["epoch"] for one in client.get(f"{PATH}/{number}/epochs").json()["items"]] == [1, 2]
    images = client.get(f"{PATH}/{number}/results?split=test&page_size=3").json()
    assert (len(images["items"]), images["total"]) == (3, 8)
    used = client.ask("POST", f"{PATH}/{number}/activate", body={})
    assert (used.status, used.json()["model_version"]) == (200, 1)
    over = client.ask("POST", f"{PATH}/{number}/cancel")
    assert (over.status, over.json()["code"]) == (409, "job_already_over")


def test_a_model_that_waits_needs_an_override(bench: Services, port: int) -> None:
    client = make_client(bench, port)
    number = client.ask("POST", PATH, body=_configuration(options={"shuffled": True})).json()["id"]
    assert work_next(bench) is None
    held = client.ask("POST", f"{PATH}/{number}/activate")
    assert (held.status, held.json()["code"]) == (409, "version_held_back")
    assert "guessing" in held.json()["detail"]
    wrong = client.get(f"{PATH}/{number}/results?wrong=true").json()["items"]
    shown = next(one for one in wrong if one["map"])
    picture = client.get(shown["map"].removeprefix("/api"))
    assert (picture.status, picture.body[:4]) == (200, b"\x89PNG")
    assert client.get(f"{PATH}/{number}/maps/999999").status == 404
    used = client.ask("POST", f"{PATH}/{number}/activate", body={"override": True, "reason": "a try"})
    assert used.status == 200
    back = client.ask("POST", f"{PATH}/{number}/roll-back")
    assert (back.status, back.json()["code"]) == (409, "version_without_previous")


def test_a_run_is_canceled_resumed_and_deleted(bench: Services, port: int) -> None:
    client = make_client(bench, port)
    number = client.ask("POST", PATH, body=_configuration()).json()["id"]
    canceled = client.ask("POST", f"{PATH}/{number}/cancel")
    assert (canceled.status, canceled.json()["state"], canceled.json()["can_resume"]) == (200, "cancelled", True)
    assert client.ask("POST", f"{PATH}/{number}/resume").json()["state"] == "queued"
    assert client.ask("POST", f"{PATH}/{number}/cancel").status == 200
    # Deleting for good is an administrator's, and no key is one.
    assert client.ask("DELETE", f"{PATH}/{number}").status == 405
    delete_run(bench, command_line_person(bench), number)
    gone = client.get(f"{PATH}/{number}")
    assert (gone.status, gone.json()["code"]) == (404, "run_unknown")


def test_wrong_configurations_and_roles_are_refused(bench: Services, port: int) -> None:
    client = make_client(bench, port)
    for body, code in (
        ({"product": "nothing"}, "product_unknown"),
        (_configuration(training={"epoch": 3}), None),
        (_configuration(seed=-1), None),
        (_configuration(data={"labels": ["crack"]}), "config_label_unknown"),
        ({}, "config_product_missing"),
    ):
        found = client.ask("POST", PATH, body=body)
        assert found.status in (400, 404, 422), found.json()
        assert code in (None, found.json()["code"])
    assert client.get(PATH).json()["items"] == []
    number = client.ask("POST", PATH, body=_configuration()).json()["id"]
    worker = make_client(bench, port, role="worker")
    for method, path, asked in (
        ("POST", "", _configuration()),
        ("POST", "/estimate", _configuration()),
        ("GET", "", None),
        ("GET", f"/{number}", None),
        ("GET", f"/{number}/epochs", None),
        ("GET", f"/{number}/results", None),
        ("POST", f"/{number}/cancel", None),
        ("POST", f"/{number}/resume", None),
        ("POST", f"/{number}/activate", {}),
        ("POST", f"/{number}/roll-back", None),
    ):
        refused = worker.ask(method, f"{PATH}{path}", body=asked)
        assert (refused.status, refused.json()["code"]) == (403, "role_too_low"), (method, path)
