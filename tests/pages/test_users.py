"""Users and My account: people and keys, what is shown once is kept nowhere, and bound people see their part."""

from __future__ import annotations

import re
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.access import Person, as_person
from core.accounts import sessions
from core.accounts.api_keys import create_key, list_keys
from core.accounts.bindings import set_bindings
from core.accounts.directory import find_account, list_accounts
from core.accounts.people import create_user
from core.accounts.sign_in import sign_in
from core.services import Services
from tests.bound_people import LINE, OTHER_LINE, add_bound_worker, add_worker
from tests.pages.conftest import OpenApp

USERS = "pages/administration/users.py"
PROFILE = "pages/administration/my_account.py"
PASSWORD = "correct horse battery"


def _texts(app: AppTest) -> str:
    kinds = ("markdown", "caption", "info", "warning", "error", "success")
    return "\n".join(str(one.value) for kind in kinds for one in getattr(app, kind))


def _kept(app: AppTest) -> str:
    return repr(app.session_state)


def _sign_in(services: Services, who: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    cookie = sessions.begin(services, who, address="10.0.0.7")
    name = sessions.cookie_names(services)[0]
    monkeypatch.setenv("GEOMSA_AUTH", "accounts")
    monkeypatch.setattr("streamlit.runtime.context.ContextProxy.cookies", {name: cookie})


def test_a_person_is_invited_and_the_code_is_shown_once(services: Services, admin: Person, open_app: OpenApp) -> None:
    app = open_app(USERS, role="admin")
    assert "GEOMSA_AUTH=accounts" in app.info[0].value
    assert "There are no accounts yet" in _texts(app)
    app.button(key="user_new").click().run()
    app.text_input(key="user_add_login").set_value("Lee").run()
    app.text_input(key="user_add_name").set_value("이작업").run()
    app.button(key="user_add_save").click().run()
    link, code = (one.value for one in app.code)
    assert re.fullmatch(r"http://localhost/sign-in\?code=[0-9A-Za-z-]+", link)
    assert link.endswith(code)
    assert code not in _kept(app)
    app.button(key="secret_done").click().run()
    assert [one.value for one in app.code] == []
    assert "이작업" in _texts(app)
    account = find_account(services, admin, "lee")
    assert (account.state, account.role) == ("invited", "worker")


def test_what_will_not_do_is_said_and_what_was_typed_stays(
    services: Services, admin: Person, open_app: OpenApp
) -> None:
    app = open_app(USERS, role="admin", language="ko")
    app.button(key="user_new").click().run()
    app.text_input(key="user_add_login").set_value("a b").run()
    app.radio(key="user_add_way").set_value("password").run()
    app.text_input(key="user_add_password").set_value("short").run()
    app.button(key="user_add_save").click().run()
    assert len(app.error) == 1
    assert app.text_input(key="user_add_login").value == "a b"
    app.text_input(key="user_add_login").set_value("ab").run()
    app.text_input(key="user_add_password").set_value(PASSWORD).run()
    app.button(key="user_add_save").click().run()
    account = find_account(services, admin, "ab")
    assert (account.must_change_password, account.state) == (True, "active")
    assert PASSWORD not in _kept(app)


def test_an_account_is_changed_disabled_and_enabled_again(services: Services, admin: Person, open_app: OpenApp) -> None:
    who = add_worker(services, admin, lines=[LINE])
    cookie = sessions.begin(services, who, address="10.0.0.7")
    app = open_app(USERS, role="admin")
    assert LINE in _texts(app)
    app.button(key=f"user_open_{who.id}").click().run()
    assert "10.0.0.7" in _texts(app)
    app.text_input(key="user_edit_name").set_value("이 검사").run()
    app.selectbox(key="user_edit_role").set_value("engineer").run()
    app.button(key="user_edit_save").click().run()
    account = find_account(services, admin, "lee")
    assert (account.display_name, account.role, account.bindings.is_bound) == ("이 검사", "engineer", False)
    app.button(key=f"user_open_{who.id}").click().run()
    app.button(key="user_disable").click().run()
    assert "1 open session ends now" in _texts(app)
    app.button(key="dialog_agree").click().run()
    assert find_account(services, admin, "lee").state == "disabled"
    with pytest.raises(Exception, match="sign-in has ended"):
        sessions.find(services, cookie)
    app.selectbox(key="users_state").set_value("disabled").run()
    app.button(key=f"user_open_{who.id}").click().run()
    app.button(key="user_enable").click().run()
    assert find_account(services, admin, "lee").state == "waiting"


def test_a_save_on_what_somebody_else_changed_is_refused(services: Services, admin: Person, open_app: OpenApp) -> None:
    who = add_worker(services, admin)
    app = open_app(USERS, role="admin")
    app.button(key=f"user_open_{who.id}").click().run()
    set_bindings(services, admin, who.id, products=[], lines=[LINE])
    app.text_input(key="user_edit_name").set_value("x").run()
    app.button(key="user_edit_save").click().run()
    assert len(app.error) == 1
    assert app.text_input(key="user_edit_name").value == "x"
    assert find_account(services, admin, "lee").display_name == "이작업"


def test_a_key_is_made_shown_once_and_revoked(services: Services, admin: Person, open_app: OpenApp) -> None:
    app = open_app(USERS, role="admin")
    app.segmented_control(key="users_part").set_value("keys").run()
    assert "There are no API keys yet" in _texts(app)
    app.button(key="key_new").click().run()
    app.text_input(key="key_make_name").set_value("camera 3").run()
    app.multiselect(key="key_make_scopes").set_value(["inspect"]).run()
    app.button(key="key_make_save").click().run()
    text = app.code[0].value
    assert re.fullmatch(r"gms_[0-9a-f]{12}_[A-Za-z0-9_-]{43}", text)
    assert text not in _kept(app)
    app.button(key="secret_done").click().run()
    assert text not in _kept(app) + _texts(app)
    (row,) = list_keys(services, admin)
    assert (row.scopes, row.role, row.expires_at is not None) == (["inspect"], "worker", True)
    assert f"gms_{row.prefix}_…" in _texts(app)
    app.button(key=f"key_revoke_{row.id}").click().run()
    app.button(key="dialog_agree").click().run()
    assert list_keys(services, admin)[0].revoked_at is not None


def test_a_key_that_ends_soon_is_said_first(services: Services, admin: Person, open_app: OpenApp) -> None:
    from datetime import UTC, datetime, timedelta

    create_key(services, admin, name="MES", role="worker", expires_at=datetime.now(UTC) + timedelta(days=3))
    app = open_app(USERS, role="admin", language="ko")
    app.segmented_control(key="users_part").set_value("keys").run()
    assert "MES" in app.warning[0].value
    assert list_accounts(services, admin) == []  # the key's own account is none of people


def test_only_administrators_open_users(open_app: OpenApp) -> None:
    app = open_app(USERS, role="engineer")
    assert [one.value for one in app.title] == ["This screen is not open to you"]


def test_people_change_their_own_password_and_name(
    services: Services, admin: Person, open_app: OpenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = create_user(services, admin, login="kim", display_name="김", role="worker", password=PASSWORD)
    other = sessions.begin(services, as_person(user), address="10.0.0.8")
    _sign_in(services, as_person(user), monkeypatch)
    app = open_app(PROFILE, language="en")
    assert "10.0.0.8" in _texts(app)
    app.text_input(key="own_present").set_value("wrong")
    app.text_input(key="own_new").set_value("another good one")
    app.text_input(key="own_again").set_value("another good one")
    app.button(key="own_password_save").click().run()
    assert "not right" in app.error[0].value
    app.text_input(key="own_present").set_value(PASSWORD)
    app.button(key="own_password_save").click().run()
    assert not app.exception
    assert [one.value for one in app.title] == ["My account"]  # this browser stays signed in
    assert "another good one" not in _kept(app)
    assert sign_in(services, "kim", "another good one", address="10.0.0.9").id == user.id
    with pytest.raises(Exception, match="sign-in has ended"):
        sessions.find(services, other)
    app.text_input(key="own_name").set_value("김 검사")
    app.button(key="own_name_save").click().run()
    assert find_account(services, admin, "kim").display_name == "김 검사"


def test_a_bound_worker_finds_the_own_product_and_line_alone_on_the_screens(
    services: Services, admin: Person, open_app: OpenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    bound = add_bound_worker(services, admin)
    _sign_in(services, bound.person, monkeypatch)
    app = open_app(PROFILE, language="en")
    assert LINE in app.info[0].value
    assert "Bracket" in app.info[0].value
    app.switch_page("pages/inspection/inspection_history.py").run()
    assert not app.exception
    assert "casting" not in _texts(app).lower()
    app.session_state["detail_line"] = OTHER_LINE
    app.switch_page("pages/inspection/inspect_part.py").run()
    assert not app.exception
    products: Any = app.selectbox(key="inspect_product")
    assert len(products.options) == 1
    line: Any = app.selectbox(key="detail_line")
    assert (line.options, line.value, line.disabled) == ([LINE], LINE, True)
    app.switch_page("pages/overview/dashboard.py").run()
    assert not app.exception
    assert "casting" not in _texts(app).lower()
