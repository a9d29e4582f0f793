"""People: open access, and what an administrator may do to accounts."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable

import pytest
from sqlmodel import select

from core.access import Person
from core.accounts import people
from core.errors import BadInput, Conflict, NotAllowed, NotFound
from core.services import Services
from storage.tables import AuditLog, User

PASSWORD = "correct horse battery"


@pytest.fixture
def kim(services: Services, admin: Person) -> User:
    return people.create_user(services, admin, login=" Kim ", display_name="김검사", role="admin", password=PASSWORD)


def test_open_access_gives_one_lasting_person_per_role(services: Services) -> None:
    first = people.open_person(services, "engineer")
    assert people.open_person(services, "engineer") == first
    assert people.open_person(services, "worker").id != first.id
    assert people.command_line_person(services).role == "admin"


def test_open_person_is_refused_where_people_must_sign_in(services: Services) -> None:
    closed = dataclasses.replace(services, settings=dataclasses.replace(services.settings, auth="accounts"))
    with pytest.raises(NotAllowed) as caught:
        people.open_person(closed, "admin")
    assert caught.value.code == "open_access_off"


def test_sessions_that_start_together_share_the_built_in_person(services: Services) -> None:
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(people.open_person(services, "worker").id)) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len(set(found)) == 1


def test_language_is_kept_for_the_next_visit(services: Services, engineer: Person) -> None:
    assert people.save_language(services, engineer, "ko").language == "ko"
    assert people.open_person(services, "engineer").language == "ko"
    with pytest.raises(BadInput):
        people.save_language(services, engineer, "fr")


def test_the_password_is_stored_as_argon2id_only(services: Services, kim: User) -> None:
    assert (kim.password_hash or "").startswith("$argon2id$")
    with services.database.reading() as session:
        assert all(PASSWORD not in str(row.details) for row in session.exec(select(AuditLog)).all())


def test_short_password_is_refused(services: Services, admin: Person) -> None:
    with pytest.raises(BadInput) as caught:
        people.create_user(services, admin, login="park", display_name="Park", role="worker", password="123456789")
    assert caught.value.code == "password_too_short"
    assert people.list_users(services, admin) == []


@pytest.mark.parametrize("login", ["", "  ", "a b", "x" * 191, "command-line", "open-admin"])
def test_logins_that_cannot_be_typed_or_are_built_in_are_refused(services: Services, admin: Person, login: str) -> None:
    with pytest.raises(BadInput) as caught:
        people.create_user(services, admin, login=login, display_name="x", role="worker", password=PASSWORD)
    assert caught.value.code == "login_invalid"


def test_a_login_is_given_once(services: Services, admin: Person, kim: User) -> None:
    with pytest.raises(Conflict) as caught:
        people.create_user(services, admin, login="KIM", display_name="x", role="worker", password=PASSWORD)
    assert "kim" in str(caught.value)


def test_the_last_administrator_stays(services: Services, admin: Person, kim: User) -> None:
    changes: list[Callable[[], object]] = [
        lambda: people.disable_user(services, admin, kim.id),
        lambda: people.set_role(services, admin, kim.id, "worker"),
    ]
    for change in changes:
        with pytest.raises(Conflict) as caught:
            change()
        assert caught.value.code == "last_admin"
    people.create_user(services, admin, login="lee", display_name="Lee", role="admin", password=PASSWORD)
    assert people.disable_user(services, admin, kim.id).is_active is False
    assert people.enable_user(services, admin, kim.id).is_active is True


def test_built_in_accounts_cannot_be_changed(services: Services, admin: Person, engineer: Person) -> None:
    with pytest.raises(NotFound):
        people.disable_user(services, admin, engineer.id)


def test_only_administrators_administer(services: Services, engineer: Person, kim: User) -> None:
    for call in (
        lambda: people.create_user(services, engineer, login="x", display_name="x", role="admin", password=PASSWORD),
        lambda: people.set_role(services, engineer, kim.id, "worker"),
        lambda: people.set_password(services, engineer, kim.id, PASSWORD),
        lambda: people.list_users(services, engineer),
    ):
        with pytest.raises(NotAllowed):
            call()


def test_changes_of_accounts_are_recorded(services: Services, admin: Person, kim: User) -> None:
    people.create_user(services, admin, login="lee", display_name="Lee", role="admin", password=PASSWORD)
    people.set_role(services, admin, kim.id, "engineer")
    with services.database.reading() as session:
        row = session.exec(select(AuditLog).where(AuditLog.action == "user.changed")).one()
    assert row.user_id == admin.id
    assert row.details["changes"] == {"role": ["admin", "engineer"]}
