"""Sign-in sessions: kept over a reload, ended by whatever ends a right, and never longer than they may last."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlmodel import select

from core.access import Person
from core.accounts import people, sessions
from core.accounts.sign_in import sign_in
from core.errors import NotAllowed
from core.services import Services, build_services
from core.settings import read_settings
from storage.tables import SignInSession, User

PASSWORD = "correct horse battery"


@pytest.fixture
def kim(services: Services, admin: Person) -> User:
    return people.create_user(services, admin, login="kim", display_name="Kim", role="engineer", password=PASSWORD)


@pytest.fixture
def cookie(services: Services, kim: User) -> str:
    return sessions.begin(services, sign_in(services, "kim", PASSWORD, address=""), address="10.0.0.5")


def _shift(services: Services, **moments: timedelta) -> None:
    with services.database.unit_of_work() as session:
        for row in session.exec(select(SignInSession)).all():
            for name, by in moments.items():
                setattr(row, name, getattr(row, name) + by)
        session.commit()


def _is_over(services: Services, cookie: str) -> bool:
    try:
        sessions.find(services, cookie)
    except NotAllowed as error:
        return error.code == "session_over"
    return False


def test_a_session_is_found_again_by_another_process(services: Services, cookie: str) -> None:
    other = build_services(services.settings)
    try:
        assert sessions.find(other, cookie).login == "kim"
    finally:
        other.database.dispose()


def test_the_token_itself_is_not_in_the_database(services: Services, cookie: str) -> None:
    token = cookie.split(".")[0]
    with services.database.reading() as session:
        row = session.exec(select(SignInSession)).one()
    assert token not in str(row)
    assert len(row.token_sha256) == 64


@pytest.mark.parametrize(
    "change", [lambda c: c + "x", lambda c: "x" + c, lambda _: "", lambda _: "가.나", lambda c: c[1:]]
)
def test_a_forged_cookie_is_nobodys(services: Services, cookie: str, change: Callable[[str], str]) -> None:
    assert _is_over(services, change(cookie))


def test_a_new_role_counts_at_the_next_message(services: Services, admin: Person, kim: User, cookie: str) -> None:
    people.set_role(services, admin, kim.id, "worker")
    assert sessions.find(services, cookie).role == "worker"


def test_disabling_ends_every_session_for_good(services: Services, admin: Person, kim: User, cookie: str) -> None:
    people.disable_user(services, admin, kim.id)
    assert _is_over(services, cookie)
    people.enable_user(services, admin, kim.id)
    assert _is_over(services, cookie)


def test_a_new_password_ends_every_session(services: Services, admin: Person, kim: User, cookie: str) -> None:
    people.set_password(services, admin, kim.id, "another password")
    assert _is_over(services, cookie)


def test_signing_out_ends_this_session_alone(services: Services, kim: User, cookie: str) -> None:
    other = sessions.begin(services, sessions.find(services, cookie), address="")
    sessions.end(services, cookie)
    assert _is_over(services, cookie)
    assert not _is_over(services, other)


def test_an_idle_session_ends_and_a_used_one_does_not(services: Services, cookie: str) -> None:
    _shift(services, last_seen_at=-timedelta(hours=11))
    assert not _is_over(services, cookie)  # which counts as use
    _shift(services, last_seen_at=-timedelta(hours=11))
    assert not _is_over(services, cookie)
    _shift(services, last_seen_at=-timedelta(hours=12, minutes=1))
    assert _is_over(services, cookie)


def test_a_session_has_a_longest_life(services: Services, cookie: str) -> None:
    _shift(services, created_at=-sessions.LONGEST - timedelta(minutes=1))
    assert _is_over(services, cookie)


def test_a_clock_that_was_set_back_does_not_lengthen_idleness(services: Services, cookie: str) -> None:
    _shift(services, last_seen_at=timedelta(hours=5))
    assert not _is_over(services, cookie)
    _shift(services, last_seen_at=-timedelta(hours=12, minutes=1))
    assert _is_over(services, cookie)


def test_installations_on_one_machine_have_cookies_of_their_own(
    services: Services, tmp_path_factory: pytest.TempPathFactory
) -> None:

    other = build_services(
        read_settings({"GEOMSA_DATA_DIR": str(tmp_path_factory.mktemp("other")), "GEOMSA_DEVICE": "cpu"}), migrate=True
    )
    try:
        assert not set(sessions.cookie_names(services)) & set(sessions.cookie_names(other))
    finally:
        other.database.dispose()
