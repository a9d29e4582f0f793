"""Addresses that no screen has: said in the person's language with status 404; addresses of screens pass."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from starlette.requests import Request
from starlette.responses import Response

from core.accounts.people import open_person, save_language
from core.services import Services, close_kept_services
from pages.components.shared.screens import address_of, existing_screens
from pages.server import missing_page


def _ask(
    services: Services, path: str, *, query: str = "", language: str = "en", role: str | None = None
) -> Response | None:
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": query.encode(),
        "headers": [(b"accept-language", language.encode())],
    }
    person = open_person(services, role) if role else None
    try:
        return asyncio.run(missing_page.respond(Request(scope), path, services.settings, person))
    finally:
        close_kept_services()


def _text(answer: Response | None) -> str:
    assert answer is not None
    assert answer.status_code == 404
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    return bytes(answer.body).decode()


def test_every_screen_passes(services: Services) -> None:
    for screen in existing_screens():
        assert _ask(services, address_of(screen.path)) is None
    assert _ask(services, "/dashboard/") is None
    assert _ask(services, "/oauth2callback") is None


@pytest.mark.parametrize("path", ["/nothing", "/dashboard/x", "//dashboard", "/pages/overview/dashboard.py", "/.."])
def test_any_other_address_is_missing(services: Services, path: str) -> None:
    assert "Page not found" in _text(_ask(services, path))


def test_the_page_is_in_the_saved_language_then_the_browsers(services: Services) -> None:
    assert "페이지를 찾을 수 없습니다" in _text(_ask(services, "/x", language="ko-KR,ko;q=0.9"))
    engineer = open_person(services, "engineer")
    save_language(services, engineer, "ko")
    assert "페이지를 찾을 수 없습니다" in _text(_ask(services, "/x", language="en"))
    assert "페이지를 찾을 수 없습니다" in _text(_ask(services, "/x", language="en", role="engineer"))
    assert "Page not found" in _text(_ask(services, "/x", language="en", query="role=worker"))
    assert "Page not found" in _text(_ask(services, "/x", language="ko", query="language=en"))


def test_its_links_keep_the_role_and_what_was_typed_is_escaped(services: Services) -> None:
    said = _text(_ask(services, "/<script>alert(1)</script>" + "x" * 500, query="role=admin"))
    assert "<script>" not in said
    assert "x" * 100 not in said
    assert 'href="/dashboard?role=admin"' in said
    assert "role=" not in _text(_ask(services, "/x", query="role=intruder"))


def test_a_database_that_is_gone_does_not_hide_the_page(services: Services) -> None:
    broken = replace(services, settings=replace(services.settings, database_url="sqlite:////nowhere/at/all.db"))
    assert "Page not found" in _text(_ask(broken, "/x"))


def test_the_first_screens_file_name_is_an_address_too(services: Services) -> None:
    answer = _ask(services, "/inspect_part", query="inspection=7")
    assert answer is not None
    assert (answer.status_code, answer.headers["location"]) == (307, "/?inspection=7")
