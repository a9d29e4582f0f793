"""Imports over REST: planned, decided, started, watched, and put aside; and the trash."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from core.accounts.people import open_person
from core.images import edits
from core.services import Services
from storage.tables import Image
from tests.api_server import ApiClient, make_client, serve_api
from tests.unit.core.image_imports.conftest import picture, widget_set, work
from tests.zip_files import make_zip


def _plan(api: ApiClient, files: dict[str, bytes], **fields: str) -> dict[str, Any]:
    answer = api.send_form("/v1/imports", fields, [("files", "set.zip", make_zip(files))])
    assert answer.status == 201, answer.body
    return answer.json()  # type: ignore[no-any-return]


@pytest.fixture
def api(services: Services) -> Any:
    with serve_api(services) as port:
        yield make_client(services, port, role="engineer")


def test_a_set_is_planned_started_and_every_file_accounted_for(api: ApiClient, services: Services) -> None:
    made = _plan(api, {**widget_set(), "widget/notes.txt": b"?"})
    assert (made["state"], made["files"]) == ("draft", 11)
    assert made["plan"]["products"]["widget"] == {
        "normal": 4,
        "defect": {"scratch": 3},
        "masks": 3,
        "val": 0,
        "test": 3,
    }
    assert {folder["kind"] for folder in made["plan"]["folders"]} == {"normal", "defect", "mask"}
    assert all(folder["why"] for folder in made["plan"]["folders"])
    path = f"/v1/imports/{made['id']}"
    assert api.get(path).json() == made
    assert api.get(f"{path}/items").json()["code"] == "import_not_started"
    assert [one["id"] for one in api.get("/v1/imports").json()["items"]] == [made["id"]]
    wanted = {"row_version": made["row_version"]}
    started = api.ask("POST", f"{path}/start", body=wanted, headers={"Idempotency-Key": "go"})
    assert (started.status, started.json()["state"]) == (202, "queued")
    assert api.ask("POST", f"{path}/start", body=wanted, headers={"Idempotency-Key": "go"}).json() == started.json()
    assert started.json()["progress"]["outcomes"] == {"waiting": 7}
    assert work(services) is None
    done = api.get(path).json()
    assert (done["state"], done["plan"], done["progress"]["outcomes"]) == ("succeeded", None, {"added": 7})
    assert done["progress"]["added"] == {"widget": {"": 4, "scratch": 3}}
    added = api.get(f"{path}/items?outcome=added&page_size=4").json()
    assert (len(added["items"]), added["more"]) == (4, True)
    left_out = api.get(f"{path}/items?outcome=left_out").json()["items"]
    assert [(one["file"], one["error"]["code"]) for one in left_out] == [("widget/notes.txt", "import_not_an_image")]
    again = api.ask("DELETE", path)
    assert (again.status, again.json()["code"]) == (409, "import_started")


def test_questions_are_answered_with_roles(api: ApiClient) -> None:
    files = {f"widget/odd pile/{n}.png": picture(n) for n in range(3)}
    made = _plan(api, files, product="widget")
    path = f"/v1/imports/{made['id']}"
    (question,) = made["plan"]["questions"]
    assert question["message"]
    open_still = api.ask("POST", f"{path}/start", body={"row_version": 1})
    assert (open_still.status, open_still.json()["code"]) == (422, "import_questions_open")
    roles = {question["path"]: "defect:dent"}
    decided = api.ask("PUT", f"{path}/roles", body={"row_version": 1, "roles": roles}).json()
    assert decided["plan"]["products"]["widget"]["defect"] == {"dent": 3}
    assert (decided["plan"]["questions"], decided["plan"]["roles"]) == ([], roles)
    stale = api.ask("PUT", f"{path}/roles", body={"row_version": 1, "roles": {}})
    assert (stale.status, stale.json()["code"]) == (409, "import_changed")
    wrong = {question["path"]: "test/test"}
    refused = api.ask("PUT", f"{path}/roles", body={"row_version": decided["row_version"], "roles": wrong})
    assert (refused.status, refused.json()["code"]) == (422, "import_role_unknown")
    # What is not named any more is open again.
    taken_back = api.ask("PUT", f"{path}/roles", body={"row_version": decided["row_version"], "roles": {}}).json()
    assert taken_back["plan"]["questions"] == made["plan"]["questions"]
    assert api.ask("DELETE", path).status == 204
    assert api.get(path).status == 404


def test_an_import_is_canceled_and_what_is_in_stays(api: ApiClient) -> None:
    made = _plan(api, widget_set())
    path = f"/v1/imports/{made['id']}"
    api.ask("POST", f"{path}/start", body={"row_version": made["row_version"]})
    assert api.ask("POST", f"{path}/cancel").json()["state"] == "cancelled"
    over = api.ask("POST", f"{path}/resume")
    assert (over.status, over.json()["code"]) == (409, "import_nothing_left")


def test_a_named_place_is_planned_only_where_it_is_allowed(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, data in widget_set().items():
        services.objects.put(f"incoming/{name}", data)
    with serve_api(services) as port:
        api = make_client(services, port, role="engineer")
        unset = api.ask("POST", "/v1/imports", body={"folder": str(tmp_path)})
        assert (unset.status, unset.json()["code"]) == (422, "import_folders_unset")
        made = api.ask("POST", "/v1/imports", body={"store_folder": "incoming/widget"})
        assert (made.status, made.json()["source"]) == (201, "store")
        own = api.ask("POST", "/v1/imports", body={"store_folder": "images"})
        assert own.status == 422
        for body in ({}, {"folder": "a", "store_folder": "b"}, {"folders": "a"}):
            refused = api.ask("POST", "/v1/imports", body=body)
            assert (refused.status, refused.json()["code"]) == (422, "api_values_wrong"), body
        raw = api.ask("POST", "/v1/imports", body=b"x", headers={"Content-Type": "text/plain"})
        assert raw.status == 415


def test_a_worker_imports_nothing_and_sees_no_trash(services: Services, engineer: Any) -> None:
    with serve_api(services) as port:
        made = _plan(make_client(services, port, role="engineer"), widget_set())
        worker = make_client(services, port, role="worker")
        path = f"/v1/imports/{made['id']}"
        answers = [
            worker.send_form("/v1/imports", {}, [("files", "set.zip", make_zip(widget_set()))]),
            worker.ask("POST", "/v1/imports", body={"store_folder": "incoming"}),
            worker.get("/v1/imports"),
            worker.get(path),
            worker.ask("PUT", f"{path}/roles", body={"row_version": 1, "roles": {}}),
            worker.ask("POST", f"{path}/start", body={"row_version": 1}),
            worker.ask("POST", f"{path}/cancel"),
            worker.ask("DELETE", path),
            worker.ask("POST", "/v1/trash/restore", body={"ids": [1]}),
        ]
        assert [answer.status for answer in answers] == [403] * len(answers)
        assert ApiClient(port).get("/v1/imports").status == 401


def test_what_lies_in_the_trash_is_listed_and_put_back(api: ApiClient, services: Services) -> None:
    made = _plan(api, widget_set())
    api.ask("POST", f"/v1/imports/{made['id']}/start", body={"row_version": made["row_version"]})
    work(services)
    with services.database.reading() as session:
        ids = [row.id for row in session.exec(select(Image)).all()]
    edits.delete_images(services, open_person(services, "engineer"), ids[:2])
    found = api.get("/v1/trash?product=widget").json()
    assert (found["total"], found["pages"]) == (2, 1)
    assert {line["image_id"] for line in found["items"]} == set(ids[:2])
    assert {line["days_left"] for line in found["items"]} == {30}
    wanted = {"ids": [line["id"] for line in found["items"]]}
    back = api.ask("POST", "/v1/trash/restore", body=wanted).json()
    assert (back["restored"], [one["error"] for one in back["outcomes"]]) == (2, [None, None])
    assert api.get("/v1/trash?product=widget").json()["total"] == 0
    assert api.ask("POST", "/v1/trash/restore", body=wanted).status == 404
    assert api.ask("POST", "/v1/trash/restore", body={"ids": []}).status == 422
