"""Signing in: one response for every refusal, and a back-off that is no weapon against others."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from core.access import Person
from core.accounts import people, sessions
from core.accounts.sign_in import FIRST_WAIT_S, LONGEST_WAIT_S, WIDE_FREE_FAILURES, WIDE_LONGEST_WAIT_S, sign_in
from core.errors import NotAllowed
from core.services import Services
from storage.tables import AuditLog, SignInFailure, User

PASSWORD = "correct horse battery"
HERE, ELSEWHERE = "10.0.0.5", "203.0.113.9"


@pytest.fixture
def kim(services: Services, admin: Person) -> User:
    return people.create_user(services, admin, login=" Kim ", display_name="김검사", role="admin", password=PASSWORD)


def _set_clock_forward(services: Services, seconds: int) -> None:
    """Let everything that was counted lie this much further back; negative: the clock was set back since."""
    with services.database.unit_of_work() as session:
        for row in session.exec(select(SignInFailure)).all():
            row.last_failure_at -= timedelta(seconds=seconds)
        session.commit()


def _fail(services: Services, login: str, times: int, *, address: str = HERE, device: str = "") -> None:
    for _ in range(times):
        with pytest.raises(NotAllowed) as caught:
            sign_in(services, login, "wrong password", address=address, device=device)
        assert caught.value.code == "sign_in_refused"


def _wait_s(services: Services, login: str, *, address: str = HERE, device: str = "") -> int:
    with pytest.raises(NotAllowed) as caught:
        sign_in(services, login, PASSWORD, address=address, device=device)
    assert caught.value.code == "sign_in_locked"
    return int(caught.value.params["seconds"])


def test_the_right_password_counts_in_any_case_and_width_of_login(services: Services, kim: User) -> None:
    person = sign_in(services, "ＫＩＭ", PASSWORD, address=HERE)
    assert (person.login, person.display_name, person.role) == ("kim", "김검사", "admin")


def test_unknown_login_wrong_password_and_disabled_account_get_the_same_response(
    services: Services, admin: Person, kim: User
) -> None:
    other = people.create_user(services, admin, login="lee", display_name="", role="worker", password=PASSWORD)
    people.disable_user(services, admin, other.id)
    refusals = []
    for login, password in (("nobody", PASSWORD), ("kim", "wrong password"), ("lee", PASSWORD)):
        with pytest.raises(NotAllowed) as caught:
            sign_in(services, login, password, address=HERE)
        refusals.append((caught.value.code, caught.value.params))
    assert refusals == [("sign_in_refused", {})] * 3


@pytest.mark.parametrize("login", ["kim", "nobody"])
def test_five_wrong_passwords_make_the_same_browser_wait(services: Services, kim: User, login: str) -> None:
    _fail(services, login, 5)
    assert 0 < _wait_s(services, login) <= FIRST_WAIT_S


def test_wrong_passwords_from_elsewhere_lock_nobody_out(services: Services, kim: User) -> None:
    _fail(services, "kim", 5, address=ELSEWHERE)
    assert sign_in(services, "kim", PASSWORD, address=HERE).login == "kim"
    assert _wait_s(services, "kim", address=ELSEWHERE) > 0


def test_a_known_device_enters_whatever_others_tried_from_the_same_address(services: Services, kim: User) -> None:
    device = sessions.know_device(services, "", "kim")
    _fail(services, "kim", 5)
    assert _wait_s(services, "kim") > 0
    assert sign_in(services, "kim", PASSWORD, address=HERE, device=device).login == "kim"


def test_a_known_device_is_known_for_its_own_logins_only(services: Services, kim: User) -> None:
    device = sessions.know_device(services, sessions.know_device(services, "", "lee"), "park")
    assert sessions.known_device(services, device, "lee")
    assert sessions.known_device(services, device, "park")
    assert sessions.known_device(services, device, "kim") is None
    _fail(services, "kim", 5)
    assert _wait_s(services, "kim", device=device) > 0


def test_a_forged_device_is_not_known(services: Services, kim: User) -> None:
    device = sessions.know_device(services, "", "lee")
    name, _dot, signature = device.rpartition(".")
    assert sessions.known_device(services, f"{name}x.{signature}", "lee") is None
    assert sessions.known_device(services, "…", "lee") is None


def test_wrong_passwords_on_a_known_device_are_counted_too(services: Services, kim: User) -> None:
    device = sessions.know_device(services, "", "kim")
    _fail(services, "kim", 5, device=device)
    assert _wait_s(services, "kim", device=device) > 0


def test_guessing_from_many_addresses_meets_a_limit_of_its_own(services: Services, kim: User) -> None:
    device = sessions.know_device(services, "", "kim")
    for number in range(WIDE_FREE_FAILURES):
        _fail(services, "kim", 1, address=f"198.51.100.{number}")
    assert 0 < _wait_s(services, "kim", address=ELSEWHERE) <= WIDE_LONGEST_WAIT_S
    assert sign_in(services, "kim", PASSWORD, address=HERE, device=device).login == "kim"


def test_trying_many_names_from_one_address_meets_a_limit_of_its_own(services: Services, kim: User) -> None:
    for number in range(WIDE_FREE_FAILURES):
        _fail(services, f"guess-{number}", 1, address=ELSEWHERE)
    assert 0 < _wait_s(services, "kim", address=ELSEWHERE) <= WIDE_LONGEST_WAIT_S
    assert sign_in(services, "kim", PASSWORD, address=HERE).login == "kim"


def test_after_the_wait_the_right_password_counts_again(services: Services, kim: User) -> None:
    _fail(services, "kim", 5)
    _set_clock_forward(services, FIRST_WAIT_S)
    assert sign_in(services, "kim", PASSWORD, address=HERE).login == "kim"
    _fail(services, "kim", 1)  # the count has begun anew
    assert sign_in(services, "kim", PASSWORD, address=HERE).login == "kim"


def test_each_further_failure_doubles_the_wait(services: Services, kim: User) -> None:
    _fail(services, "kim", 5)
    _set_clock_forward(services, FIRST_WAIT_S)
    _fail(services, "kim", 1)
    assert _wait_s(services, "kim") > FIRST_WAIT_S


def test_a_clock_that_was_set_back_lengthens_no_wait(services: Services, kim: User) -> None:
    _fail(services, "kim", 5)
    _set_clock_forward(services, -7200)
    assert 0 < _wait_s(services, "kim") <= FIRST_WAIT_S
    _set_clock_forward(services, FIRST_WAIT_S)
    assert sign_in(services, "kim", PASSWORD, address=HERE).login == "kim"


def test_the_longest_wait_has_an_end(services: Services, kim: User) -> None:
    for _ in range(16):
        _set_clock_forward(services, LONGEST_WAIT_S)
        _fail(services, "kim", 1)
    assert FIRST_WAIT_S < _wait_s(services, "kim") <= LONGEST_WAIT_S


def test_a_new_password_ends_the_wait(services: Services, admin: Person, kim: User) -> None:
    _fail(services, "kim", 5)
    people.set_password(services, admin, kim.id, "another password")
    assert sign_in(services, "kim", "another password", address=HERE).login == "kim"


def test_attempts_are_recorded_without_the_password(services: Services, kim: User) -> None:
    _fail(services, "kim", 1)
    sign_in(services, "kim", PASSWORD, address=HERE)
    with services.database.reading() as session:
        rows = session.exec(select(AuditLog).where(AuditLog.subject_type == "user")).all()
    assert [row.action for row in rows][-2:] == ["user.sign_in_failed", "user.signed_in"]
    assert all(PASSWORD not in str(row.details) for row in rows)
