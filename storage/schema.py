"""Driving the migrations: which revision a database has, which this code knows, and the way from one to the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sqlalchemy import Connection, text

from storage.database_errors import DatabaseError

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

MIGRATIONS_DIR = Path(__file__).parent / "migrations"
MIGRATION_WAIT_S = 120
_LOCK_NAME = "geomsa_migration"
_POSTGRESQL_LOCK_KEY = 0x6765_6F6D_7361  # "geomsa"


def alembic_config(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration, built in code: it needs no alembic.ini and no working folder."""
    from alembic.config import Config

    config = Config()
    # ConfigParser reads "%" as the start of a placeholder.
    config.set_main_option("script_location", str(MIGRATIONS_DIR).replace("%", "%%"))
    # A folder for every ten.
    config.set_main_option("recursive_version_locations", "true")
    config.set_main_option("file_template", "v%%(rev)s_%%(slug)s")
    config.set_main_option("path_separator", "os")
    if connection is not None:
        config.attributes["connection"] = connection
    return config


def head_revision() -> str:
    """Return the newest revision that this code knows."""
    head = _scripts().get_current_head()
    if head is None:
        raise RuntimeError("the migrations folder holds no revision")
    return head


@cache
def _scripts() -> ScriptDirectory:
    """Return the migrations, read once: they do not change while a process runs."""
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(alembic_config())


def current_revision(connection: Connection) -> str | None:
    """Return the revision of the database behind `connection`; None when it was never migrated."""
    from alembic.runtime.migration import MigrationContext

    return MigrationContext.configure(connection).get_current_revision()


def compare_revision(revision: str | None) -> Literal["current", "older", "newer"]:
    """Return where a database's revision stands beside this code: one that the code has never heard of is newer."""
    if revision is None:
        return "older"
    scripts = _scripts()
    if revision == scripts.get_current_head():
        return "current"
    known = {script.revision for script in scripts.walk_revisions()}
    return "older" if revision in known else "newer"


def upgrade(connection: Connection, *, revision: str = "head") -> tuple[str | None, str]:
    """Bring the database to the newest revision, or to `revision`, alone: a second process waits, then finds it done.

    SQLite and PostgreSQL migrate in one transaction, all or nothing; MariaDB and MySQL commit every DDL statement by
    themselves. Returns the revisions before and after; raises DatabaseError `database_newer` and changes nothing when
    the database was migrated by newer code.
    """
    from alembic import command

    with _migrating_alone(connection):
        before = current_revision(connection)
        head = head_revision() if revision == "head" else revision
        if compare_revision(before) == "newer":
            raise DatabaseError("database_newer", reason="revision", found=str(before), expected=head)
        if before != head:
            command.upgrade(alembic_config(connection), revision)
        if connection.dialect.name == "sqlite" and connection.execute(text("PRAGMA foreign_key_check")).first():
            raise DatabaseError("database_conflict", reason="foreign_key")
    return before, head


@contextmanager
def _migrating_alone(connection: Connection) -> Iterator[None]:
    dialect = connection.dialect.name
    if dialect in {"mysql", "mariadb"}:
        # Belongs to the session: the implicit commit of each DDL statement does not release it.
        lock = text("SELECT GET_LOCK(:name, :wait_s)").bindparams(name=_LOCK_NAME, wait_s=MIGRATION_WAIT_S)
        if connection.scalar(lock) != 1:
            raise DatabaseError("database_busy", reason="busy")
        try:
            yield
            connection.commit()
        finally:
            if not connection.closed and not connection.invalidated:
                connection.rollback()
                connection.execute(text("SELECT RELEASE_LOCK(:name)").bindparams(name=_LOCK_NAME))
    else:
        # On SQLite the write transaction itself (BEGIN IMMEDIATE) keeps every other writer out.
        if dialect == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)").bindparams(key=_POSTGRESQL_LOCK_KEY))
        yield
        connection.commit()
