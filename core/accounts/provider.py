"""Signing in at an OpenID provider: which account somebody is whom the provider has identified.

The provider's answer comes here checked: signature, issuer, nonce and times (pages/server/signing_in).
An account is found by `identity`, "issuer|subject", because names and addresses are given to others some day.

    roles by a claim    the role follows the claim at every sign-in; who has none of its values stays outside; an
                        account is added for who is new
    roles by the table  only accounts that an administrator has added get in; the first sign-in ties the account whose
                        login is the e-mail address (where the provider says it is verified) or the user name
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlmodel import Session, col, select

from core.access import PAGE, ROLES, Person, as_person
from core.accounts.back_off import address_limit, keep_failure, require_no_wait
from core.accounts.built_in import is_built_in
from core.accounts.people import known_login
from core.accounts.sign_in import normalize_login
from core.audit import record
from core.errors import AppError, BadInput, Conflict, NotAllowed
from core.settings import OidcSettings
from core.transactions import writing
from storage.tables import User, utc_now

if TYPE_CHECKING:
    from core.services import Services

_MOST_CHARACTERS = 255


def sign_in_from_provider(services: Services, claims: Mapping[str, Any], *, address: str) -> Person:
    """Return the person whom the provider's claims name, as `provider` (the module) says.

    Raises NotAllowed oidc_not_used, oidc_answer_refused (no subject, another issuer or client), oidc_role_missing,
    oidc_unknown_account, oidc_login_taken and oidc_disabled; each is counted and recorded as refused.
    """
    oidc = services.settings.oidc
    if services.settings.auth != "oidc" or oidc is None:
        raise NotAllowed("oidc_not_used")
    try:
        try:
            return _enter(services, oidc, claims, address)
        except Conflict:
            # Two browsers of one person came for the first time at once: the other one's account is there now.
            return _enter(services, oidc, claims, address)
    except NotAllowed as error:
        refuse(services, error, address=address, login=_shown_name(claims))
        raise


def refuse(services: Services, error: AppError, *, address: str, login: str = "") -> None:
    """Count and record that the provider's answer let nobody in. Raises AppError (database)."""
    limits = [address_limit(address)]
    keep_failure(services, limits, action="user.oidc_refused", address=address, login=login, reason=error.code)


def require_turn(services: Services, address: str) -> None:
    """Raise NotAllowed sign_in_locked while too much has gone wrong from this address."""
    require_no_wait(services, [address_limit(address)])


def _enter(services: Services, oidc: OidcSettings, claims: Mapping[str, Any], address: str) -> Person:
    identity = _identity(oidc, claims)
    role = _role(oidc, claims)
    with writing(services) as session:
        user = session.exec(select(User).where(User.identity == identity)).first()
        if user is None:
            user = _first_time(session, identity, role, claims)
        elif not user.is_active:
            raise NotAllowed("oidc_disabled")
        elif role is not None and user.role != role:
            changes = {"role": [user.role, role]}
            user.role = role
            user.row_version += 1
            record(session, None, "user.changed", "user", user.id, row_version=user.row_version, changes=changes)
        user.last_seen_at = utc_now()
        session.flush()
        person = as_person(user).acting(PAGE, address)
        entry = record(session, person, "user.signed_in", "user", user.id, method="oidc")
        entry.user_name = user.login
        session.commit()
        return person


def _first_time(session: Session, identity: str, role: str | None, claims: Mapping[str, Any]) -> User:
    """Return the account of somebody who comes for the first time, tied to the identity from now on."""
    names = _names(claims)
    found = session.exec(select(User).where(col(User.login).in_(names)).order_by(col(User.id))).all() if names else []
    free = [user for user in found if user.identity is None and not is_built_in(user.login)]
    if free:
        user = min(free, key=lambda one: names.index(one.login))
        if not user.is_active:
            raise NotAllowed("oidc_disabled")
        user.identity = identity
        user.row_version += 1
        user.role = role or user.role
        record(session, None, "user.identity_tied", "user", user.id, login=user.login, row_version=user.row_version)
        return user
    if found:
        raise NotAllowed("oidc_login_taken", login=found[0].login)
    if role is None:
        raise NotAllowed("oidc_unknown_account", login=names[0] if names else "?")
    login = _new_login(names)
    name = claims.get("name")
    user = User(
        login=login,
        display_name=" ".join(name.split())[:190] if isinstance(name, str) and name.strip() else login,
        role=role,
        identity=identity,
    )
    session.add(user)
    session.flush()
    record(session, None, "user.created", "user", user.id, login=login, role=role, method="oidc")
    return user


def _identity(oidc: OidcSettings, claims: Mapping[str, Any]) -> str:
    issuer, subject = claims.get("iss"), claims.get("sub")
    if not isinstance(issuer, str) or issuer.rstrip("/") != oidc.issuer.rstrip("/"):
        raise NotAllowed("oidc_answer_refused", claim="iss")
    audience = claims.get("aud")
    if oidc.client_id not in (audience if isinstance(audience, list) else [audience]):
        raise NotAllowed("oidc_answer_refused", claim="aud")
    if not isinstance(subject, str) or not subject:
        raise NotAllowed("oidc_answer_refused", claim="sub")
    identity = f"{oidc.issuer.rstrip('/')}|{subject}"
    if len(identity) > _MOST_CHARACTERS:
        raise NotAllowed("oidc_answer_refused", claim="sub")
    return identity


def _role(oidc: OidcSettings, claims: Mapping[str, Any]) -> str | None:
    """Return the highest role that the claim gives; None where no claim is named. Raises oidc_role_missing."""
    if not oidc.role_claim:
        return None
    value: Any = claims.get(oidc.role_claim)
    if value is None:
        # Some providers nest their roles: realm_access.roles.
        value = claims
        for part in oidc.role_claim.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
    given = value if isinstance(value, list) else [value]
    roles = [role for word, role in oidc.roles if word in given]
    if not roles:
        raise NotAllowed("oidc_role_missing", claim=oidc.role_claim)
    return max(roles, key=ROLES.index)


def _names(claims: Mapping[str, Any]) -> list[str]:
    """Return the logins that an account of this person may have: the verified e-mail address, the user name."""
    email, name = claims.get("email"), claims.get("preferred_username")
    names = []
    if isinstance(email, str) and email.strip() and claims.get("email_verified") is True:
        names.append(normalize_login(email))
    # A user name that is an address the provider will not vouch for is no better than that address.
    is_unverified = isinstance(name, str) and "@" in name and claims.get("email_verified") is False
    if isinstance(name, str) and name.strip() and not is_unverified:
        names.append(normalize_login(name))
    return list(dict.fromkeys(names))


def _new_login(names: list[str]) -> str:
    for name in reversed(names):  # the user name is the shorter one
        try:
            return known_login(name)
        except BadInput:
            continue
    raise NotAllowed("oidc_answer_refused", claim="preferred_username")


def _shown_name(claims: Mapping[str, Any]) -> str:
    for key in ("preferred_username", "email", "sub"):
        value = claims.get(key)
        if isinstance(value, str) and value.strip():
            return value.strip()[:190]
    return ""
