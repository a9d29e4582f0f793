"""Rights end when they end: an open browser session meets the account as it is, at its next message."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.access import Person
from core.accounts import people
from core.services import Services, build_services
from core.settings import read_settings
from tests.app_server import AppServer, run_app
from tests.streamlit_client import StreamlitClient

pytestmark = pytest.mark.xdist_group("app")

PASSWORD = "correct horse battery"
CLOSED = "This screen is not open to you"
OVER = "Your sign-in has ended"


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[AppServer, Services, Person]]:
    """Yield a running app with accounts, and the services and administrator beside it."""
    folder = tmp_path_factory.mktemp("rights")
    settings = read_settings({"GEOMSA_DATA_DIR": str(folder / "data"), "GEOMSA_DEVICE": "cpu"})
    services = build_services(settings, migrate=True)
    with run_app(folder / "data", folder / "app.log", GEOMSA_AUTH="accounts") as app:
        admin = people.command_line_person(services)
        people.create_user(services, admin, login="first", display_name="First", role="admin", password=PASSWORD)
        with StreamlitClient(app) as client:
            client.sign_in("first", PASSWORD)
            client.connect()
            client.run()  # the first run of a server asks the browser to load the page once more
        yield app, services, admin
    services.database.dispose()


@pytest.fixture
def lee(installation: tuple[AppServer, Services, Person], request: pytest.FixtureRequest) -> int:
    """Return an administrator of a login of its own."""
    _app, services, admin = installation
    login = f"lee-{abs(hash(request.node.nodeid)) % 10**9}"
    return people.create_user(
        services, admin, login=login, display_name="Lee", role="admin", password=PASSWORD
    ).id  # fmt: skip


def _login(services: Services, admin: Person, user_id: int) -> str:
    return next(user.login for user in people.list_users(services, admin) if user.id == user_id)


def _opened(installation: tuple[AppServer, Services, Person], user_id: int) -> StreamlitClient:
    app, services, admin = installation
    client = StreamlitClient(app)
    assert client.sign_in(_login(services, admin, user_id), PASSWORD).status == 303
    client.connect()
    return client


@pytest.mark.parametrize("page", ["products", "system_status"])
@pytest.mark.parametrize("fragment_id", ["", "any-fragment"])
@pytest.mark.parametrize(
    ("end", "words"),
    [
        (lambda services, admin, user: people.set_role(services, admin, user, "worker"), CLOSED),
        (lambda services, admin, user: people.disable_user(services, admin, user), OVER),
        (lambda services, admin, user: people.set_password(services, admin, user, "another password"), OVER),
    ],
    ids=["demoted", "disabled", "new-password"],
)
def test_an_open_session_ends_or_changes_at_its_next_message(
    installation: tuple[AppServer, Services, Person],
    lee: int,
    page: str,
    fragment_id: str,
    end: Callable[[Services, Person, int], object],
    words: str,
) -> None:
    _app, services, admin = installation
    with _opened(installation, lee) as client:
        seen = client.run(page=page)
        assert CLOSED not in seen
        assert OVER not in seen
        end(services, admin, lee)
        seen = client.run(page="" if fragment_id else page, fragment_id=fragment_id)
        assert words in seen
        if words == OVER:
            assert client.request("GET", "/").status == 303
            assert client.upload(b"x").status == 401


def test_a_reload_keeps_the_session_and_signing_out_ends_it(
    installation: tuple[AppServer, Services, Person], lee: int
) -> None:
    with _opened(installation, lee) as client:
        assert "Inspect a part" in client.run()
        client.close()
        assert client.request("GET", "/").status == 200
        client.connect()
        assert "Inspect a part" in client.run()
        # Signing in once more in the same browser ends the session before.
        before = dict(client.cookies)
        app, services, admin = installation
        assert client.sign_in(_login(services, admin, lee), PASSWORD).status == 303
        old = StreamlitClient(app)
        old.cookies = before
        assert old.request("GET", "/").status == 303


def test_a_session_outlives_a_restart_of_the_server(
    installation: tuple[AppServer, Services, Person], lee: int, tmp_path: Path
) -> None:
    _app, services, admin = installation
    data = services.settings.data_dir
    with run_app(data, tmp_path / "first.log", GEOMSA_AUTH="accounts") as first:
        client = StreamlitClient(first)
        client.sign_in(_login(services, admin, lee), PASSWORD)
    with run_app(data, tmp_path / "second.log", GEOMSA_AUTH="accounts") as second:
        again = StreamlitClient(second)
        again.cookies = client.cookies
        assert again.request("GET", "/").status == 200


def test_five_wrong_passwords_from_elsewhere_keep_nobody_out(
    installation: tuple[AppServer, Services, Person], lee: int
) -> None:
    app, services, admin = installation
    login = _login(services, admin, lee)
    known = StreamlitClient(app)
    assert known.sign_in(login, PASSWORD).status == 303
    other = StreamlitClient(app)
    for _ in range(5):
        assert other.sign_in(login, "wrong password").status == 401
    locked = other.sign_in(login, PASSWORD)
    assert locked.status == 401
    assert "Try again in" in locked.text
    # From the same address even: the browser is known.
    assert known.sign_in(login, PASSWORD).status == 303
