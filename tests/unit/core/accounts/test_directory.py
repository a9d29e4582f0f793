"""The accounts as an administrator sees and edits them, and what people do with their own."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import col, select

from core.access import Person, as_person
from core.accounts import people, session_list, sessions
from core.accounts.bindings import Bindings
from core.accounts.codes import create_code, revoke_codes
from core.accounts.directory import find_account, get_account, list_accounts, rename_account, unlock_account
from core.accounts.editing import edit_account
from core.accounts.own_account import change_password, rename_oneself, sign_out_elsewhere
from core.accounts.sign_in import sign_in
from core.errors import AppError, BadInput, Conflict, NotAllowed, NotFound
from core.services import Services
from storage.tables import AuditLog, SignInFailure, User, utc_now
from tests.bound_people import add_worker
from tests.history_rows import add_product

PASSWORD = "correct horse battery"


def _actions(services: Services, user_id: int) -> list[str]:
    with services.database.reading() as session:
        rows = select(AuditLog.action).where(AuditLog.subject_type == "user", AuditLog.subject_id == user_id)
        return list(session.exec(rows.order_by(col(AuditLog.id))).all())


def _fail(services: Services, login: str, times: int) -> None:
    with services.database.unit_of_work() as session:
        session.add(SignInFailure(subject=f"pair:{login}", login=login, failures=times, last_failure_at=utc_now()))
        session.commit()


def test_every_account_is_in_the_state_that_lets_the_person_in_or_not(services: Services, admin: Person) -> None:
    ids = {login: add_worker(services, admin, login=login).id for login in ("waits", "invited", "locked", "gone")}
    with services.database.unit_of_work() as session:
        for login in ("locked", "gone"):
            session.get_one(User, ids[login]).password_hash = "x"
        session.commit()
    invitation = create_code(services, admin, user_id=ids["invited"], purpose="invitation")
    _fail(services, "locked", 5)
    people.disable_user(services, admin, ids["gone"])
    found = {account.login: account for account in list_accounts(services, admin)}
    # Neither the built-in accounts nor those of API keys are people.
    assert {login: account.state for login, account in found.items()} == {
        "waits": "waiting",
        "invited": "invited",
        "locked": "locked",
        "gone": "disabled",
    }
    assert found["invited"].invited_until == invitation.row.expires_at
    until = found["locked"].locked_until
    assert until is not None
    assert timedelta(0) < until - utc_now() <= timedelta(seconds=30)
    unlock_account(services, admin, ids["locked"])
    revoke_codes(services, admin, ids["invited"])
    assert get_account(services, admin, ids["locked"]).state == "active"
    assert get_account(services, admin, ids["invited"]).state == "waiting"
    assert "user.unlocked" in _actions(services, ids["locked"])


def test_accounts_are_found_by_words_role_and_state(services: Services, admin: Person) -> None:
    for login, name, role in (("kim", "김관리", "admin"), ("lee", "이작업", "worker"), ("park", "박품질", "engineer")):
        people.create_user(services, admin, login=login, display_name=name, role=role, password=None)
    people.disable_user(services, admin, find_account(services, admin, "LEE").id)

    def logins(**wanted: str) -> list[str]:
        return [account.login for account in list_accounts(services, admin, **wanted)]

    assert logins() == ["kim", "lee", "park"]
    assert logins(text=" PAR ") == logins(text="품질") == ["park"]
    assert logins(role="worker") == logins(state="disabled") == ["lee"]
    assert logins(text="김", role="worker") == []
    with pytest.raises(NotFound):
        find_account(services, admin, "nobody")
    with pytest.raises(NotAllowed):
        list_accounts(services, people.open_person(services, "engineer"))


def test_an_edit_is_kept_as_a_whole_or_refused_as_a_whole(services: Services, admin: Person) -> None:
    product = add_product(services, admin)
    who = add_worker(services, admin)
    seen = get_account(services, admin, who.id).row_version
    edit_account(
        services,
        admin,
        who.id,
        row_version=seen,
        display_name="  이 작업 ",
        role="worker",
        products=[product.id],
        lines=["1라인"],
    )
    account = get_account(services, admin, who.id)
    bound = Bindings(frozenset({product.id}), frozenset({"1라인"}))
    assert (account.display_name, account.bindings) == ("이 작업", bound)
    # Of an edit whose last part will not do, nothing is kept.
    with pytest.raises(NotFound):
        edit_account(
            services,
            admin,
            who.id,
            row_version=account.row_version,
            display_name="else",
            role="worker",
            products=[99],
        )
    with pytest.raises(Conflict) as stale:
        edit_account(services, admin, who.id, row_version=seen, display_name="else", role="engineer")
    assert stale.value.code == "stale_save"
    assert get_account(services, admin, who.id) == account
    # Who is no line worker any more is bound to nothing.
    edit_account(
        services, admin, who.id, row_version=account.row_version, display_name="이 작업", role="engineer", lines=["2"]
    )
    account = get_account(services, admin, who.id)
    assert (account.role, account.bindings.is_bound) == ("engineer", False)
    assert _actions(services, who.id).count("user.bound") == 2


def test_the_last_administrator_keeps_the_role_in_an_edit(services: Services, admin: Person) -> None:
    kim = people.create_user(services, admin, login="kim", display_name="김관리", role="admin", password=None)
    with pytest.raises(Conflict) as caught:
        edit_account(services, admin, kim.id, row_version=kim.row_version, display_name="김관리", role="worker")
    assert caught.value.code == "last_admin"
    rename_account(services, admin, kim.id, "김 관리", row_version=kim.row_version)
    with pytest.raises(BadInput):
        rename_account(services, admin, kim.id, "   ")


def test_a_code_is_made_by_an_administrator_and_ends_the_one_before(services: Services, admin: Person) -> None:
    who = add_worker(services, admin)
    first = create_code(services, admin, user_id=who.id, purpose="reset")
    second = create_code(services, admin, user_id=who.id, purpose="reset")
    assert first.text != second.text
    assert first.text not in repr(first)
    with services.database.reading() as session:
        audited = session.exec(select(AuditLog).where(AuditLog.subject_id == who.id)).all()
    assert not any(first.text in str(row.details) for row in audited)
    with pytest.raises(NotAllowed):
        create_code(services, people.open_person(services, "engineer"), user_id=who.id, purpose="reset")


def test_ones_own_password_is_changed_with_the_old_one_alone_and_other_browsers_are_signed_out(
    services: Services, admin: Person
) -> None:
    user = people.create_user(
        services,
        admin,
        login="kim",
        display_name="김",
        role="worker",
        password=PASSWORD,
        must_change_password=True,
    )
    kim = as_person(user)
    here = sessions.begin(services, kim, address="10.0.0.1")
    there = sessions.begin(services, kim, address="10.0.0.2")
    assert get_account(services, admin, kim.id).sessions == 2
    assert rename_oneself(services, kim, " 김  검사 ").display_name == "김 검사"
    for present, new, code in (
        ("wrong", "another good one", "password_own_wrong"),
        (PASSWORD, PASSWORD, "password_unchanged"),
        (PASSWORD, "short", "password_too_short"),
    ):
        with pytest.raises(BadInput) as caught:
            change_password(services, kim, present=present, new=new, current_cookie=here)
        assert caught.value.code == code
    changed = change_password(services, kim, present=PASSWORD, new="another good one", current_cookie=here)
    assert sessions.find(services, here).sign_in_epoch == changed.sign_in_epoch > kim.sign_in_epoch
    with pytest.raises(NotAllowed):
        sessions.find(services, there)
    assert not get_account(services, admin, kim.id).must_change_password
    assert sign_in(services, "kim", "another good one", address="10.0.0.3").id == kim.id
    sessions.begin(services, changed, address="10.0.0.4")
    assert sign_out_elsewhere(services, changed, current_cookie=here) == 1
    assert [one.is_current for one in session_list.list_sessions(services, changed, kim.id, current_cookie=here)] == [
        True
    ]


def test_guessing_ones_own_password_is_slowed(services: Services, admin: Person) -> None:
    user = people.create_user(services, admin, login="kim", display_name="김", role="worker", password=PASSWORD)
    kim = as_person(user)
    codes: list[str] = []
    for _ in range(6):
        with pytest.raises(AppError) as caught:
            change_password(services, kim, present="guess", new="another good one")
        codes.append(caught.value.code)
    assert codes == ["password_own_wrong"] * 5 + ["password_own_locked"]
    with pytest.raises(NotAllowed):
        change_password(services, kim, present=PASSWORD, new="another good one")


def test_nobody_changes_or_ends_what_is_another_persons(services: Services, admin: Person) -> None:
    kim, lee = add_worker(services, admin, login="kim"), add_worker(services, admin, login="lee")
    cookie = sessions.begin(services, kim, address="10.0.0.1")
    (own,) = session_list.list_sessions(services, kim, kim.id, current_cookie=cookie)
    for act in (
        lambda: session_list.list_sessions(services, lee, kim.id),
        lambda: session_list.end_session(services, lee, own.id),
        lambda: session_list.end_all_sessions(services, lee, kim.id),
        lambda: edit_account(services, lee, lee.id, row_version=1, display_name="x", role="admin"),
    ):
        with pytest.raises(NotAllowed):
            act()
    session_list.end_session(services, admin, own.id)
    with pytest.raises(NotAllowed):
        sessions.find(services, cookie)
