"""Codes that let in once, the first administrator, and passwords that somebody else has set."""

from __future__ import annotations

import dataclasses
import logging
import os
import re
import stat
import threading
from datetime import timedelta

import pytest
from sqlmodel import select

from core.access import Person, as_person
from core.accounts import people, sessions
from core.accounts.back_off import FREE_FAILURES
from core.accounts.codes import NewCode, create_code, revoke_codes, use_code
from core.accounts.first_administrator import FILE_NAME, ensure_code, set_up, withdraw_code
from core.accounts.passwords import hash_password
from core.accounts.session_list import end_all_sessions, end_session, list_sessions
from core.accounts.sign_in import choose_password, sign_in
from core.errors import AppError, BadInput, Conflict, NotAllowed
from core.services import Services
from storage.tables import AuditLog, SignInCode, User, utc_now

PASSWORD, OWN = "correct horse battery", "staple gun paper moon"
HERE = "10.0.0.5"


@pytest.fixture
def accounts(services: Services) -> Services:
    return dataclasses.replace(services, settings=dataclasses.replace(services.settings, auth="accounts"))


@pytest.fixture
def boss(services: Services, admin: Person) -> Person:
    user = people.create_user(services, admin, login="boss", display_name="", role="admin", password=PASSWORD)
    return as_person(user)


@pytest.fixture
def kim(services: Services, admin: Person) -> User:
    return people.create_user(services, admin, login="kim", display_name="Kim", role="worker", password=None)


def _refused(call: object, *given: object, **more: object) -> str:
    with pytest.raises(AppError) as caught:
        call(*given, **more)  # type: ignore[operator]
    return caught.value.code


def _actions(services: Services) -> list[tuple[str, str, str]]:
    with services.database.reading() as session:
        return [(row.action, row.outcome, row.address) for row in session.exec(select(AuditLog)).all()]


def test_a_code_lets_its_account_in_once_and_leaves_its_hash_alone(accounts: Services, boss: Person, kim: User) -> None:
    made = create_code(accounts, boss, user_id=kim.id, purpose="invitation")
    assert made.text not in repr(made)
    assert timedelta(hours=71) < made.row.expires_at - utc_now() <= timedelta(hours=72)
    typed = made.text.replace("-", " ").lower()
    assert _refused(use_code, accounts, typed, "short", address=HERE) == "password_too_short"  # which uses nothing up
    person = use_code(accounts, typed, OWN, address=HERE)
    assert (person.login, person.channel, person.address) == ("kim", "page", HERE)
    assert _refused(use_code, accounts, made.text, OWN, address=HERE) == "code_refused"
    assert sign_in(accounts, "kim", OWN, address=HERE).login == "kim"
    assert ("sign_in_code.refused", "refused", HERE) in _actions(accounts)
    with accounts.database.reading() as session:
        assert made.text not in str(session.exec(select(SignInCode)).all())


def test_codes_that_are_over_get_one_sentence_and_guessing_meets_the_back_off(
    accounts: Services, boss: Person, kim: User, admin: Person
) -> None:
    def make() -> NewCode:
        return create_code(accounts, boss, user_id=kim.id, purpose="reset")

    replaced, expired = make(), make()
    with accounts.database.unit_of_work() as session:
        session.get_one(SignInCode, expired.row.id).expires_at = utc_now()
        session.commit()
    revoked = make()
    assert revoke_codes(accounts, boss, kim.id) == 1
    disabled = make()
    people.disable_user(accounts, admin, kim.id)
    for code in (replaced, expired, revoked, disabled):
        assert _refused(use_code, accounts, code.text, OWN, address=HERE) == "code_refused"
    assert _refused(create_code, accounts, boss, user_id=kim.id, purpose="reset") == "code_for_disabled"
    people.enable_user(accounts, admin, kim.id)
    assert _refused(use_code, accounts, disabled.text, OWN, address=HERE) == "code_refused"  # ended for good
    assert FREE_FAILURES == 5
    good = make()
    assert _refused(use_code, accounts, good.text, OWN, address=HERE) == "sign_in_locked"
    assert ("user.locked_out", "refused", HERE) in _actions(accounts)
    assert use_code(accounts, good.text, OWN, address="10.0.0.6").login == "kim"


def test_a_password_that_an_administrator_has_set_opens_nothing_but_its_change(
    accounts: Services, boss: Person, kim: User
) -> None:
    people.set_password(accounts, boss, kim.id, PASSWORD)
    cookie = sessions.begin(accounts, sign_in(accounts, "kim", PASSWORD, address=HERE), address=HERE)
    assert _refused(sessions.find, accounts, cookie) == "password_change_due"
    assert _refused(choose_password, accounts, cookie, PASSWORD, address=HERE) == "password_unchanged"
    person = choose_password(accounts, cookie, OWN, address=HERE)
    assert _refused(choose_password, accounts, cookie, "yet another one", address=HERE) == "session_over"
    fresh = sessions.begin(accounts, person, address=HERE)
    assert sessions.find(accounts, fresh).login == "kim"
    people.set_password(accounts, person, kim.id, "yet another one")  # one's own: nothing is due
    fresh = sessions.begin(accounts, sign_in(accounts, "kim", "yet another one", address=HERE), address=HERE)
    assert sessions.find(accounts, fresh).login == "kim"


def test_sessions_are_seen_and_ended_by_their_person_and_by_administrators(
    accounts: Services, boss: Person, kim: User
) -> None:
    code = create_code(accounts, boss, user_id=kim.id, purpose="invitation")
    me = use_code(accounts, code.text, OWN, address=HERE)
    first = sessions.begin(accounts, me, address=HERE, device="Chrome, Windows", method="code")
    second = sessions.begin(accounts, me, address="10.0.0.6", device="Safari, iPhone")
    own = {view.device: view for view in list_sessions(accounts, me, kim.id, current_cookie=first)}
    assert own["Chrome, Windows"].is_current
    assert (own["Chrome, Windows"].method, own["Chrome, Windows"].address) == ("code", HERE)
    assert not own["Safari, iPhone"].is_current
    other = as_person(people.create_user(accounts, boss, login="lee", display_name="", role="engineer", password=None))
    for call in (
        lambda: list_sessions(accounts, other, kim.id),
        lambda: end_session(accounts, other, own["Safari, iPhone"].id),
        lambda: end_session(accounts, other, 4711),
        lambda: end_all_sessions(accounts, other, kim.id),
    ):
        assert _refused(call) == "role_too_low"
    end_session(accounts, me, own["Safari, iPhone"].id)
    assert _refused(sessions.find, accounts, second) == "session_over"
    assert sessions.find(accounts, first).id == me.id
    assert end_all_sessions(accounts, boss, kim.id) == 1
    assert _refused(sessions.find, accounts, first) == "session_over"


def test_an_idle_session_is_not_kept_by_what_a_page_asks_for_by_itself(services: Services, boss: Person) -> None:
    brief = dataclasses.replace(services, settings=dataclasses.replace(services.settings, idle_minutes=10))
    cookie = sessions.begin(brief, boss, address=HERE)
    _let_time_pass(brief, minutes=6)
    sessions.find(brief, cookie, is_use=False)
    _let_time_pass(brief, minutes=3)
    sessions.find(brief, cookie)  # somebody has pressed something
    _let_time_pass(brief, minutes=6)
    sessions.find(brief, cookie, is_use=False)
    _let_time_pass(brief, minutes=5)
    assert _refused(sessions.find, brief, cookie, is_use=False) == "session_over"


def _let_time_pass(services: Services, *, minutes: int) -> None:
    from storage.tables import SignInSession

    with services.database.unit_of_work() as session:
        for row in session.exec(select(SignInSession)).all():
            row.last_seen_at -= timedelta(minutes=minutes)
        session.commit()


def test_processes_that_start_together_make_one_code_for_the_first_administrator(
    accounts: Services, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "geomsa.first_administrator"):
        threads = [threading.Thread(target=lambda: ensure_code(accounts, at_start=True)) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    texts = [match for line in caplog.messages for match in re.findall(r"\b(?:[0-9A-Z]{5}-){3}[0-9A-Z]{5}\b", line)]
    file = accounts.settings.data_dir / FILE_NAME
    assert texts == [file.read_text().strip()]
    if os.name != "nt":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    ensure_code(accounts, at_start=True)  # a restart, which finds the code in its file
    assert file.read_text().strip() == texts[0]

    kept = {"login": "Boss", "display_name": "", "address": HERE}
    assert _refused(set_up, accounts, "0" * 20, password=OWN, **kept) == "code_refused"
    assert _refused(set_up, accounts, texts[0], password="password123", **kept) == "password_too_common"
    person = set_up(accounts, texts[0], password=OWN, **kept)
    assert (person.login, person.role) == ("boss", "admin")
    assert not file.exists()
    assert ensure_code(accounts) is False
    assert _refused(set_up, accounts, texts[0], password=OWN, **kept) == "administrator_there"
    assert sign_in(accounts, "boss", OWN, address=HERE).role == "admin"


def test_the_code_ends_with_an_administrator_from_the_command_line(accounts: Services, admin: Person) -> None:
    assert ensure_code(accounts, at_start=True) is True
    file = accounts.settings.data_dir / FILE_NAME
    code = file.read_text()
    people.create_user(accounts, admin, login="boss", display_name="", role="admin", password=PASSWORD)
    withdraw_code(accounts)
    assert not file.exists()
    with pytest.raises(Conflict):
        set_up(accounts, code, login="other", display_name="", password=OWN, address=HERE)


def test_a_code_that_is_lost_or_over_is_replaced_and_open_mode_has_none(accounts: Services, services: Services) -> None:
    assert ensure_code(services, at_start=True) is False
    ensure_code(accounts, at_start=True)
    file = accounts.settings.data_dir / FILE_NAME
    first = file.read_text()
    file.unlink()
    with accounts.database.unit_of_work() as session:
        session.exec(select(SignInCode)).one().created_at -= timedelta(hours=1)
        session.commit()
    ensure_code(accounts)  # the sign-in page leaves a code alone that may be in another server's file
    assert not file.exists()
    ensure_code(accounts, at_start=True)
    second = file.read_text()
    assert second != first
    assert _refused(set_up, accounts, first, login="a", display_name="", password=OWN, address=HERE) == "code_refused"
    with accounts.database.unit_of_work() as session:
        for row in session.exec(select(SignInCode)).all():
            row.expires_at = utc_now()
        session.commit()
    ensure_code(accounts)
    assert file.read_text() not in {first, second}


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("kim.quality@factory", "password_names_account"),
        ("KIM.Quality@Factory", "password_names_account"),
        ("kim.quality2026", "password_names_account"),
        ("Geomsa2026!!", "password_too_common"),
        ("P@ssw0rd2024", "password_too_common"),
        ("administrator1", "password_too_common"),
        ("1234567890", "password_too_common"),
        ("qwerty123456", "password_too_common"),
        ("aaaaaaaaaaaa", "password_too_common"),
        ("abcabcabcabc", "password_too_common"),
        ("비밀번호비밀번호비밀번호", "password_too_common"),
    ],
)
def test_passwords_that_are_tried_first_are_refused(password: str, code: str) -> None:
    assert _refused(hash_password, password, login="kim.quality@factory") == code


@pytest.mark.parametrize("password", ["correct horse battery", "another password", "파란 우산 열두 개", "x7#Kq-pL2v!"])
def test_other_passwords_are_taken_whatever_they_are_made_of(password: str) -> None:
    assert hash_password(password, login="kim").startswith("$argon2id$")


def test_where_a_provider_signs_people_in_nothing_goes_by_passwords(services: Services, boss: Person) -> None:
    by_provider = dataclasses.replace(services, settings=dataclasses.replace(services.settings, auth="oidc"))
    with pytest.raises(NotAllowed):
        sign_in(by_provider, "boss", PASSWORD, address=HERE)
    with pytest.raises(Conflict):
        create_code(by_provider, boss, user_id=boss.id, purpose="reset")
    with pytest.raises(BadInput):
        create_code(services, boss, user_id=boss.id, purpose="first_admin")
    cookie = sessions.begin(services, boss, address=HERE)
    assert sessions.find(services, cookie).id == boss.id
    assert _refused(sessions.find, by_provider, cookie) == "session_over"
