"""Who somebody is whom an OpenID provider has identified: accounts, names and roles."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from sqlmodel import select

from core.access import Person
from core.accounts import people
from core.accounts.first_administrator import ensure_code, set_up
from core.accounts.provider import sign_in_from_provider
from core.errors import NotAllowed
from core.services import Services
from core.settings import OidcSettings
from storage.tables import AuditLog, User

ISSUER, CLIENT, HERE = "https://id.factory.example/realms/plant", "geomsa", "10.0.0.5"
ROLES = (("inspectors", "worker"), ("quality", "engineer"), ("it", "admin"))


def _with(services: Services, claim: str = "") -> Services:
    oidc = OidcSettings(
        issuer=ISSUER,
        client_id=CLIENT,
        client_secret="s",
        address="https://geomsa.factory.example",
        role_claim=claim,
        roles=ROLES if claim else (),
    )
    return dataclasses.replace(services, settings=dataclasses.replace(services.settings, auth="oidc", oidc=oidc))


@pytest.fixture
def by_table(services: Services) -> Services:
    return _with(services)


@pytest.fixture
def by_claim(services: Services) -> Services:
    return _with(services, "groups")


def _claims(subject: str = "s-1", **more: Any) -> dict[str, Any]:
    return {"iss": ISSUER, "aud": CLIENT, "sub": subject, "preferred_username": "kim", **more}


def _enter(services: Services, claims: dict[str, Any]) -> Person:
    return sign_in_from_provider(services, claims, address=HERE)


def _refused(services: Services, claims: dict[str, Any]) -> str:
    with pytest.raises(NotAllowed) as caught:
        _enter(services, claims)
    with services.database.reading() as session:
        last = session.exec(select(AuditLog).where(AuditLog.action == "user.oidc_refused")).all()[-1]
    assert (last.outcome, last.address, last.details["reason"]) == ("refused", HERE, caught.value.code)
    return caught.value.code


def test_the_table_lets_in_whom_an_administrator_has_added_and_ties_the_identity(
    by_table: Services, admin: Person
) -> None:
    assert _refused(by_table, _claims()) == "oidc_unknown_account"
    kim = people.create_user(by_table, admin, login="kim", display_name="김품질", role="engineer", password=None)
    person = _enter(by_table, _claims())
    assert (person.id, person.role, person.channel, person.address) == (kim.id, "engineer", "page", HERE)
    # From now on the person is the subject, whatever it is called, and nobody else gets the name.
    assert _enter(by_table, _claims(preferred_username="kim.new")).id == kim.id
    assert _refused(by_table, _claims("s-2")) == "oidc_login_taken"
    people.set_role(by_table, admin, kim.id, "worker")
    assert _enter(by_table, _claims()).role == "worker"
    people.disable_user(by_table, admin, kim.id)
    assert _refused(by_table, _claims()) == "oidc_disabled"


def test_an_address_counts_only_where_the_provider_says_that_it_is_verified(by_table: Services, admin: Person) -> None:
    kim = people.create_user(by_table, admin, login="kim@f.example", display_name="", role="admin", password=None)
    mail = {"email": "Kim@F.example", "preferred_username": "k.kim"}
    unconfirmed: list[dict[str, Any]] = [{}, {"email_verified": False}, {"email_verified": "true"}]
    for verified in unconfirmed:
        assert _refused(by_table, _claims(**mail, **verified)) == "oidc_unknown_account"
    unverified: dict[str, Any] = {
        "email": "kim@f.example",
        "preferred_username": "kim@f.example",
        "email_verified": False,
    }
    assert _refused(by_table, _claims(**unverified)) == "oidc_unknown_account"
    assert _enter(by_table, _claims(**mail, email_verified=True)).id == kim.id


@pytest.mark.parametrize("login", ["open-admin", "command-line"])
def test_nobody_becomes_a_built_in_account(by_table: Services, by_claim: Services, admin: Person, login: str) -> None:
    people.open_person(dataclasses.replace(by_table, settings=_open(by_table)), "admin")
    assert _refused(by_table, _claims(preferred_username=login)) in {"oidc_login_taken", "oidc_unknown_account"}
    claims = _claims(preferred_username=login, groups="it")
    assert _refused(by_claim, claims) in {"oidc_login_taken", "oidc_answer_refused"}


def _open(services: Services) -> Any:
    return dataclasses.replace(services.settings, auth="open")


def test_the_role_follows_the_claim_at_every_sign_in(by_claim: Services) -> None:
    assert _refused(by_claim, _claims()) == "oidc_role_missing"
    person = _enter(by_claim, _claims(name="Kim Q", groups=["quality", "inspectors", "canteen"]))
    assert (person.login, person.display_name, person.role) == ("kim", "Kim Q", "engineer")
    assert _enter(by_claim, _claims(groups="it")).role == "admin"
    assert _enter(by_claim, _claims(groups=["inspectors"])).role == "worker"
    assert _refused(by_claim, _claims(groups=["canteen"])) == "oidc_role_missing"
    with by_claim.database.reading() as session:
        changes = [row.details["changes"] for row in session.exec(select(AuditLog)).all() if "changes" in row.details]
    assert changes == [{"role": ["engineer", "admin"]}, {"role": ["admin", "worker"]}]


def test_a_claim_may_be_nested_or_have_dots_in_its_name(services: Services) -> None:
    nested = _with(services, "realm_access.roles")
    assert _enter(nested, _claims(realm_access={"roles": ["quality"]})).role == "engineer"
    dotted = _with(services, "https://factory.example/roles")
    assert _enter(dotted, _claims(**{"https://factory.example/roles": "it"})).role == "admin"
    for odd in ({"realm_access": "quality"}, {"realm_access": {"roles": {"quality": True}}}, {"realm_access": None}):
        assert _refused(nested, _claims(**odd)) == "oidc_role_missing"


@pytest.mark.parametrize(
    "wrong", [{"iss": "https://evil.example"}, {"iss": None}, {"aud": "other"}, {"aud": ["other"]}, {"sub": ""}]
)
def test_an_answer_for_somebody_else_is_refused(by_claim: Services, wrong: dict[str, Any]) -> None:
    assert _refused(by_claim, {**_claims(groups="it"), **wrong}) == "oidc_answer_refused"
    with by_claim.database.reading() as session:
        assert session.exec(select(User).where(User.login == "kim")).first() is None


def test_the_first_administrator_is_tied_at_the_first_sign_in(by_table: Services, by_claim: Services) -> None:
    assert ensure_code(by_claim, at_start=True) is False  # there the provider says who administers
    assert ensure_code(by_table, at_start=True) is True
    code = (by_table.settings.data_dir / "first-administrator.txt").read_text()
    made = set_up(by_table, code, login="kim", display_name="", password=None, address=HERE)
    assert ensure_code(by_table) is False
    person = _enter(by_table, _claims())
    assert (person.id, person.role) == (made.id, "admin")
