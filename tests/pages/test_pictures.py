"""Pictures by address: what is served, to whom, and for how long a browser may keep it."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import Callable, Iterator

import httpx
import pytest
from PIL import Image as PillowImage
from starlette.applications import Starlette
from starlette.middleware import Middleware

from core.access import Person
from core.accounts import sessions
from core.accounts.people import command_line_person, create_user
from core.accounts.sign_in import sign_in
from core.images.edits import delete_images
from core.inspections.images import load_images
from core.inspections.pictures import PICTURES, keep_pictures, picture_token, read_picture
from core.inspections.records import load_record
from core.services import Services, close_kept_services
from pages.server.gate import Gate
from pages.server.headers import SECURITY_HEADERS
from pages.server.image_downloads import image_routes, images_path
from pages.server.pictures import image_path, picture_path, picture_routes
from tests.curated_images import add_image, add_product
from tests.inspected_part import add_inspected_part

PASSWORD = "correct horse battery"
Fetch = Callable[..., httpx.Response]


@pytest.fixture
def fetch(services: Services, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fetch]:
    """Yield a function that asks the routes behind the gate, from this machine unless `client` says otherwise."""
    monkeypatch.setenv("GEOMSA_DATA_DIR", str(services.settings.data_dir))
    monkeypatch.setenv("GEOMSA_DEVICE", "cpu")

    def fetch_one(path: str, *, client: str = "127.0.0.1", headers: dict[str, str] | None = None) -> httpx.Response:
        app = Starlette(routes=[*picture_routes(), *image_routes()], middleware=[Middleware(Gate)])
        transport = httpx.ASGITransport(app, client=(client, 50_000))

        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8501") as browser:
                return await browser.get(path, headers=headers)

        return asyncio.run(ask())

    yield fetch_one
    close_kept_services()


def _path(services: Services, inspection_id: int, name: str) -> str:
    return picture_path(inspection_id, name, picture_token(load_record(services, inspection_id).image_key))


@pytest.mark.parametrize("name", ["part", "heat", "thumbnail", "cut-out"])
def test_a_picture_is_made_of_what_is_stored(services: Services, engineer: Person, fetch: Fetch, name: str) -> None:
    response = fetch(_path(services, add_inspected_part(services, engineer), name))
    assert response.status_code == 200
    assert response.headers["content-type"] == PICTURES[name]
    assert PillowImage.open(io.BytesIO(response.content)).size[0] > 0


def test_a_browser_keeps_it_for_itself_and_never_asks_again(services: Services, engineer: Person, fetch: Fetch) -> None:
    response = fetch(_path(services, add_inspected_part(services, engineer), "part"))
    kept = response.headers["cache-control"]
    assert {"private", "immutable"} <= {part.strip() for part in kept.split(",")}
    assert {name: response.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS


def test_what_was_just_inspected_is_not_read_back(services: Services, engineer: Person) -> None:
    record = load_record(services, add_inspected_part(services, engineer))
    keep_pictures(services, record, load_images(services, record))
    services.objects.delete(record.image_key)
    services.objects.delete(record.heat_map_key)
    token = picture_token(record.image_key)
    assert read_picture(services, record.id, "part", token).data
    assert read_picture(services, record.id, "heat", token).data


def test_the_token_of_another_image_gets_nothing(services: Services, engineer: Person, fetch: Fetch) -> None:
    number = add_inspected_part(services, engineer)
    assert fetch(_path(services, number, "part")).status_code == 200
    for path in (picture_path(number, "part", picture_token("another")), f"/pictures/inspection/{number}/part"):
        response = fetch(path)
        assert (response.status_code, response.headers["cache-control"]) == (404, "no-store")


@pytest.mark.parametrize(
    "rest",
    [
        "7/part",
        "1/nearest",
        "1/difference",
        "1/unknown",
        "1/..%2f..%2fgeomsa.db",
        "1/%2e%2e/%2e%2e/geomsa.db",
        "-1/part",
        "1e3/part",
        "%D9%A1/part",
        f"{'9' * 40}/part",
        "../../geomsa.db",
        "1/part/more",
        "",
    ],
)
def test_what_is_not_there_and_tricks_with_the_path_are_not_found(
    services: Services, engineer: Person, fetch: Fetch, rest: str
) -> None:
    token = picture_token(load_record(services, add_inspected_part(services, engineer)).image_key)
    assert fetch(f"/pictures/inspection/{rest}?v={token}").status_code == 404


def test_an_image_that_is_lost_is_not_kept_as_lost(services: Services, engineer: Person, fetch: Fetch) -> None:
    number = add_inspected_part(services, engineer)
    path = _path(services, number, "part")
    key = load_record(services, number).image_key
    data = services.objects.get(key)
    services.objects.delete(key)
    lost = fetch(path)
    assert (lost.status_code, lost.headers["cache-control"]) == (404, "no-store")
    services.objects.put(key, data)
    assert fetch(path).status_code == 200


def test_in_open_mode_other_machines_get_nothing(services: Services, engineer: Person, fetch: Fetch) -> None:
    path = _path(services, add_inspected_part(services, engineer), "part")
    assert fetch(path, client="10.0.0.5").status_code == 403
    assert fetch(path, headers={"X-Forwarded-For": "10.0.0.5"}).status_code == 403


def test_with_accounts_only_a_session_gets_it(
    services: Services, engineer: Person, fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEOMSA_AUTH", "accounts")
    path = _path(services, add_inspected_part(services, engineer), "part")
    create_user(
        services, command_line_person(services), login="kim", display_name="Kim", role="worker", password=PASSWORD
    )
    name = sessions.cookie_names(services)[0]
    cookie = sessions.begin(services, sign_in(services, "kim", PASSWORD, address="127.0.0.1"), address="127.0.0.1")
    assert fetch(path).status_code == 401
    # A browser that opens the address by itself is not led to the sign-in page either.
    assert fetch(path, headers={"Accept": "text/html"}).status_code == 401
    assert fetch(path, headers={"Cookie": f"{name}=wrong"}).status_code == 401
    assert fetch(path, headers={"Cookie": f"{name}={cookie}"}).status_code == 200
    sessions.end(services, cookie)
    assert fetch(path, headers={"Cookie": f"{name}={cookie}"}).status_code == 401


def test_the_thumbnail_of_a_curated_image_is_kept_by_the_browser_also_from_the_trash(
    services: Services, engineer: Person, fetch: Fetch
) -> None:
    product_id = add_product(services)
    image_id = add_image(services, product_id, 1)
    path = image_path(image_id, f"{product_id}-1")
    response = fetch(path)
    assert (response.status_code, response.content) == (200, b"small1")
    assert response.headers["content-type"] == "image/jpeg"
    assert "immutable" in response.headers["cache-control"]
    for wrong in (image_path(image_id, "other"), image_path(image_id + 1, f"{product_id}-1"), path.replace("1/", "x/")):
        assert fetch(wrong).status_code == 404
    delete_images(services, engineer, [image_id])
    close_kept_services()
    assert fetch(path).content == b"small1"


def test_chosen_images_are_downloaded_by_a_token_that_nobody_guesses(
    services: Services, engineer: Person, worker_person: Person, fetch: Fetch
) -> None:
    ids = [add_image(services, add_product(services), 1)]
    path, token = images_path(engineer, ids, language="en")
    response = fetch(path)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/zip")
    assert "casting_normal_001.png" in zipfile.ZipFile(io.BytesIO(response.content)).namelist()[0]
    assert images_path(engineer, ids, language="en", token=token)[1] == token
    assert fetch(path.replace(token, "other")).status_code == 404
    assert fetch(images_path(worker_person, ids, language="ko")[0]).status_code == 403
