"""The first administrator: a code, made at the start of an installation that nobody can administer, lets one in.

The code is written to the server's log and to `first-administrator.txt` (for the server's own account alone) in the
data folder, and only its SHA-256 into the database. Of several processes that start together, one makes it.
"""

from __future__ import annotations

import logging
import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sqlmodel import Session, col, exists, or_, select

from core.access import ADMIN, PAGE, Person, as_person
from core.accounts import passwords
from core.accounts.back_off import code_limits, one_at_a_time, require_no_wait
from core.accounts.built_in import is_persons_own
from core.accounts.codes import FIRST_ADMIN, add_code, end_codes, find_code, refuse_code, take_code
from core.accounts.people import known_login
from core.audit import record
from core.errors import Conflict, NotAllowed
from core.settings import Settings
from core.transactions import reading, writing
from storage.tables import SignInCode, SystemConfig, User, utc_now

if TYPE_CHECKING:
    from core.services import Services

FILE_NAME = "first-administrator.txt"
_LOCK_KEY = "first_administrator"
# A code that is this young may lie in the file of another server, which has just started as well.
_JUST_MADE = timedelta(minutes=2)
_log = logging.getLogger("geomsa.first_administrator")


def ensure_code(services: Services, *, at_start: bool = False) -> bool:
    """Return whether the first administrator is missing; make the code for one where there is none that is good.

    `at_start`, a code that is in nobody's file, as far as this server can see, is replaced. In open mode, and where a
    claim of the identity provider gives the roles, nobody is missing. Raises AppError (database).
    """
    settings = services.settings
    if not _is_wanted(settings):
        return False
    file = settings.data_dir / FILE_NAME
    with reading(services) as session:
        is_missing = not _has_administrator(session, settings)
        has_code = is_missing and _has_good_code(session, file if at_start else None)
    if not is_missing:
        _remove(file)
        return False
    if not has_code:
        try:
            _make_code(services, file, at_start=at_start)
        except Conflict:
            # Another process has added the row that all of them lock, between our look and our insert.
            _make_code(services, file, at_start=at_start)
    return True


def is_missing(services: Services) -> bool:
    """Return whether the sign-in page offers to set up the first administrator. Raises AppError (database)."""
    if not _is_wanted(services.settings):
        return False
    with reading(services) as session:
        return not _has_administrator(session, services.settings)


def set_up(
    services: Services, code: str, *, login: str, display_name: str, password: str | None, address: str
) -> Person:
    """Add the first administrator and return the person; the code is used up.

    `password` is None where an identity provider signs people in: the account is tied to whoever it then calls so.
    Raises NotAllowed code_refused, sign_in_locked, sign_in_busy; Conflict administrator_there and login_taken; BadInput
    login_invalid and what `passwords.hash_password` raises, which leaves the code as it is.
    """
    settings = services.settings
    if not is_missing(services):
        raise Conflict("administrator_there")
    if (password is None) != (settings.auth == "oidc"):
        raise NotAllowed("passwords_not_used")
    with one_at_a_time():
        require_no_wait(services, code_limits(address))
        with reading(services) as session:
            found = find_code(session, code, (FIRST_ADMIN,))
        if found is None:
            refuse_code(services, address)
        login = known_login(login)
        hashed = None if password is None else passwords.hash_password(password, login=login)
    now = utc_now()
    user = User(
        login=login,
        display_name=" ".join(display_name.split())[:190] or login,
        role=ADMIN,
        password_hash=hashed,
        password_set_at=None if password is None else now,
        last_seen_at=None if password is None else now,
    )
    with writing(services) as session:
        _lock(session)
        if _has_administrator(session, settings):
            raise Conflict("administrator_there")
        if session.exec(select(User.id).where(User.login == login)).first() is not None:
            raise Conflict("login_taken", login=login)
        if not take_code(session, found.id):
            raise NotAllowed("code_refused")
        session.add(user)
        session.flush()
        person = as_person(user).acting(PAGE, address)
        details = {"login": login, "purpose": FIRST_ADMIN, "code": found.id}
        record(session, person, "user.created", "user", user.id, login=login, role=ADMIN)
        record(session, person, "sign_in_code.used", "user", user.id, **details)
        session.commit()
    _remove(settings.data_dir / FILE_NAME)
    return person


def withdraw_code(services: Services) -> None:
    """End the code and remove its file, once there is an administrator. Raises AppError (database)."""
    if not _is_wanted(services.settings) or is_missing(services):
        return
    with writing(services) as session:
        if end_codes(session, None, purpose=FIRST_ADMIN):
            session.commit()
    _remove(services.settings.data_dir / FILE_NAME)


def _is_wanted(settings: Settings) -> bool:
    by_claim = settings.oidc is not None and bool(settings.oidc.role_claim)
    return settings.auth == "accounts" or (settings.auth == "oidc" and not by_claim)


def _has_administrator(session: Session, settings: Settings) -> bool:
    """Return whether somebody could sign in as an administrator, with a password, a code or at the provider."""
    query = select(User.id).where(User.role == ADMIN, col(User.is_active).is_(True), is_persons_own())
    if settings.auth != "oidc":
        invited = exists().where(
            col(SignInCode.user_id) == col(User.id),
            col(SignInCode.used_at).is_(None),
            col(SignInCode.revoked_at).is_(None),
            col(SignInCode.expires_at) > utc_now(),
        )
        query = query.where(or_(col(User.password_hash).is_not(None), invited))
    return session.exec(query.limit(1)).first() is not None


def _has_good_code(session: Session, file: Path | None) -> bool:
    """Return whether a code is good; with `file`, whether somebody can know it: it is there, or was made just now."""
    now = utc_now()
    row = session.exec(
        select(SignInCode)
        .where(
            SignInCode.purpose == FIRST_ADMIN,
            col(SignInCode.used_at).is_(None),
            col(SignInCode.revoked_at).is_(None),
            col(SignInCode.expires_at) > now,
        )
        .order_by(col(SignInCode.id).desc())
    ).first()
    if row is None:
        return False
    if file is None or now - _JUST_MADE < row.created_at <= now:
        return True
    found = find_code(session, _read(file), (FIRST_ADMIN,))
    return found is not None and found.id == row.id


def _make_code(services: Services, file: Path, *, at_start: bool) -> None:
    with writing(services) as session:
        _lock(session)
        if _has_administrator(session, services.settings) or _has_good_code(session, file if at_start else None):
            return  # another process has been faster
        end_codes(session, None, purpose=FIRST_ADMIN)
        made = add_code(session, FIRST_ADMIN, user_id=None, created_by=None)
        record(session, None, "sign_in_code.created", "sign_in_code", made.row.id, purpose=FIRST_ADMIN)
        # The file before the row: a code that is good can always be read by whoever may read the folder.
        is_written = _write(file, made.text)
        session.commit()
    where = f" (also in {file})" if is_written else ""
    _log.warning(
        "There is no administrator yet. Open the sign-in page within 24 hours, choose “Set up the first administrator” "
        "and give this code: %s%s",
        made.text,
        where,
    )


def _lock(session: Session) -> None:
    """Let one process at a time go on: the row is the same for all servers of a database."""
    if session.get(SystemConfig, _LOCK_KEY, with_for_update=True) is None:
        session.add(SystemConfig(key=_LOCK_KEY, value={}))
        session.flush()


def _write(file: Path, text: str) -> bool:
    """Write the code for the server's own account alone; return whether that was possible."""
    temporary = file.with_suffix(".part")
    try:
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
            handle.write(f"{text}\n")
        temporary.replace(file)
    except OSError:
        _log.warning("the code of the first administrator could not be written to %s", file)
        return False
    return True


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError):
        return ""


def _remove(file: Path) -> None:
    try:
        file.unlink(missing_ok=True)
    except OSError:
        _log.warning("%s could not be removed; its code is good for nothing any more", file)
