"""Signing in at a real OpenID provider, in a real browser and against answers that must not let anybody in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import pytest
from sqlmodel import select

from core.accounts.people import command_line_person, disable_user, list_users
from core.services import Services, build_services
from core.settings import read_settings
from storage.tables import AuditLog, SignInFailure
from tests.app_server import AppServer, free_port, run_app
from tests.browser.test_inspection_journey import CHROMIUM
from tests.openid_provider import Faults, OpenIdProvider, run_provider, seconds_from_now

pytestmark = [pytest.mark.xdist_group("provider"), pytest.mark.browser]


@dataclass
class World:
    """The app, the provider that it trusts, and the app's own database."""

    app: AppServer
    provider: OpenIdProvider
    services: Services
    browsers: list[httpx.Client] = field(default_factory=list)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("provider")
    services = build_services(
        read_settings({"GEOMSA_DATA_DIR": str(folder / "data"), "GEOMSA_DEVICE": "cpu"}), migrate=True
    )
    port = free_port()
    with run_provider() as provider:
        provider.register(f"http://localhost:{port}")
        provider.set_person("s-kim", preferred_username="kim", name="김품질", groups=["quality", "canteen"])
        provider.set_person("s-lee", preferred_username="lee", name="Lee", groups=["canteen"])
        with run_app(
            folder / "data",
            folder / "app.log",
            port=port,
            GEOMSA_AUTH="oidc",
            GEOMSA_OIDC_ISSUER=provider.issuer,
            GEOMSA_OIDC_CLIENT_ID=provider.client_id,
            GEOMSA_OIDC_CLIENT_SECRET=provider.client_secret,
            GEOMSA_OIDC_ADDRESS=f"http://localhost:{port}",
            GEOMSA_OIDC_ROLE_CLAIM="groups",
            GEOMSA_OIDC_ROLES="inspectors=worker,quality=engineer,it=admin",
        ) as app:
            yield World(app, provider, services)
    services.database.dispose()


@pytest.fixture
def world(running: World) -> Iterator[World]:
    running.provider.faults.__dict__.update(Faults().__dict__)
    with running.services.database.unit_of_work() as session:
        for row in session.exec(select(SignInFailure)).all():
            session.delete(row)
        session.commit()
    yield running
    for browser in running.browsers:
        browser.close()
    running.browsers.clear()


def _browser(world: World) -> httpx.Client:
    """Return a browser without a session, which is closed after the test."""
    world.browsers.append(httpx.Client(timeout=120, headers={"Accept": "text/html", "Accept-Language": "en"}))
    return world.browsers[-1]


def _sign_in(world: World, subject: str, *, action: str = "authorize") -> tuple[httpx.Client, httpx.Response]:
    """Go the whole way as a browser does; return the browser and what the app has answered last."""
    browser = _browser(world)
    response = browser.get(f"{world.app.url}/sign-in/provider?next=/products")
    if response.status_code == 303:
        response = browser.post(response.headers["location"], data={"sub": subject, "action": action})
        response = browser.get(response.headers["location"])
    return browser, response


def _last_refusal(world: World) -> str:
    with world.services.database.reading() as session:
        row = session.exec(select(AuditLog).where(AuditLog.action == "user.oidc_refused")).all()[-1]
    assert (row.outcome, row.channel) == ("refused", "page")
    assert row.address in {"127.0.0.1", "::1"}
    return str(row.details["reason"])


@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed")
def test_a_person_comes_through_the_provider_reloads_signs_out_and_is_shut_out(world: World) -> None:
    from playwright.sync_api import expect, sync_playwright

    with sync_playwright() as play:
        chromium = play.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        page = chromium.new_context(viewport={"width": 1280, "height": 800}, locale="ko-KR").new_page()
        page.set_default_timeout(120_000)
        expect.set_options(timeout=120_000)

        def come() -> None:
            page.get_by_role("link", name="회사 계정으로 로그인").click()
            page.locator("input[name=sub]").fill("s-kim")
            page.locator("button[type=submit]").first.click()

        page.goto(f"{world.app.url}/products")
        come()
        expect(page.get_by_role("heading", name="제품 관리")).to_be_visible()
        expect(page.get_by_text("김품질").first).to_be_visible()
        page.reload()
        expect(page.get_by_role("heading", name="제품 관리")).to_be_visible()
        assert page.evaluate("document.cookie").find("geomsa") == -1

        page.get_by_role("button", name="로그아웃").click()
        page.wait_for_url(f"{world.provider.issuer}/oauth2/end_session?*id_token_hint=*")
        page.locator("button[type=submit], input[type=submit]").first.click()
        expect(page.get_by_text("로그아웃했습니다.")).to_be_visible()
        page.goto(f"{world.app.url}/products")
        expect(page.get_by_role("heading", name="로그인")).to_be_visible()

        world.provider.set_person("s-kim", preferred_username="kim", name="김품질", groups=["inspectors"])
        come()
        expect(page.get_by_text("작업자", exact=False).first).to_be_visible()  # the role has followed the claim
        admin = command_line_person(world.services)
        [kim] = list_users(world.services, admin)
        assert (kim.identity, kim.role) == (f"{world.provider.issuer}|s-kim", "worker")
        disable_user(world.services, admin, kim.id)
        page.reload()
        expect(page.get_by_role("heading", name="로그인")).to_be_visible()
        come()
        expect(page.get_by_role("alert")).to_contain_text("사용 중지")
        chromium.close()


@pytest.mark.parametrize(
    ("claims", "reason", "sentence"),
    [
        ({"nonce": "another"}, "oidc_answer_refused", "nonce is not right"),
        ({"iss": "https://evil.example"}, "oidc_answer_refused", "iss is not right"),
        ({"aud": "another"}, "oidc_answer_refused", "is not right"),
        ({"exp": -900}, "oidc_clock", "compare the clocks"),
        ({"iat": 900}, "oidc_clock", "compare the clocks"),
        ({"groups": ["canteen"]}, "oidc_role_missing", "gives you no role here"),
    ],
)
def test_an_answer_that_is_not_right_lets_nobody_in(
    world: World, claims: dict[str, object], reason: str, sentence: str
) -> None:
    moments = {name: seconds_from_now(value) for name, value in claims.items() if isinstance(value, int)}
    world.provider.faults.claims = claims | moments
    browser, response = _sign_in(world, "s-new")
    assert response.status_code == 403
    assert sentence in response.text
    assert "/sign-in/provider" in response.text  # the way back
    assert not any(name.startswith("geomsa_session") for name in browser.cookies)
    assert browser.get(f"{world.app.url}/products").headers["location"].startswith("/sign-in")
    assert _last_refusal(world) == reason


def test_a_provider_that_is_away_or_refuses_is_said(world: World) -> None:
    faults = world.provider.faults
    faults.signs_with_unknown_key = True
    assert "id_token is not right" in _sign_in(world, "s-lee")[1].text
    assert _last_refusal(world) == "oidc_answer_refused"
    faults.signs_with_unknown_key, faults.loses_client_secret = False, True
    assert "GEOMSA_OIDC_CLIENT_SECRET" in _sign_in(world, "s-lee")[1].text
    assert _last_refusal(world) == "oidc_client_refused"
    faults.loses_client_secret = False
    assert "has not let you in" in _sign_in(world, "s-lee", action="deny")[1].text
    assert _last_refusal(world) == "oidc_consent_refused"
    faults.is_away = True
    response = _sign_in(world, "s-lee")[1]
    assert (response.status_code, "does not answer" in response.text) == (503, True)
    assert _last_refusal(world) == "oidc_provider_away"
    log = world.app.log.read_text(encoding="utf-8")
    assert world.provider.client_secret not in log


def test_an_answer_without_a_beginning_in_this_browser_is_nobodys(world: World) -> None:
    url = f"{world.app.url}/sign-in/provider"
    browser = _browser(world)
    where = browser.get(url).headers["location"]
    answer = browser.post(where, data={"sub": "s-lee"}).headers["location"]
    # Another browser is led to the answer of this one: it must not become this one's person.
    other = _browser(world).get(answer)
    assert (other.status_code, "begun elsewhere" in other.text) == (403, True)
    victim = _browser(world)
    victim.get(url)
    response = victim.get(answer)
    assert (response.status_code, "begun elsewhere" in response.text) == (403, True)
    assert _last_refusal(world) == "oidc_state_lost"
    assert _browser(world).get(f"{world.app.url}/auth/login?provider=x").status_code == 404
    leave = _browser(world).get(f"{world.app.url}/auth/logout", headers={"Sec-Fetch-Site": "cross-site"})
    assert leave.headers["location"] == "/"


def test_passwords_and_codes_are_not_offered_beside_the_provider(world: World) -> None:
    browser = _browser(world)
    page = browser.get(f"{world.app.url}/sign-in")
    assert "password" not in page.text.lower()
    for path in ("code", "password", "first-administrator"):
        assert browser.get(f"{world.app.url}/sign-in/{path}").headers["location"].startswith("/sign-in?")
    response = browser.post(
        f"{world.app.url}/sign-in", data={"login": "kim", "password": "x" * 12}, headers={"Origin": world.app.url}
    )
    assert response.status_code == 401
