"""Looking for damage: what each of the three databases can find out about its own files."""

from __future__ import annotations

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from storage.database_errors import translate
from storage.tables import METADATA

MAX_FINDINGS = 20


def find_damage(connection: Connection, *, full: bool) -> list[str]:
    """Return what is damaged, in the database's own words, at most MAX_FINDINGS; an empty list when nothing was found.

    SQLite      the structure of every page that is used, and the constraints on values. With `full` also whether
                the indexes agree with their tables and every foreign key has its row. What is not noticed: other
                bytes in the middle of a text or a picture, for SQLite keeps no checksums.
    MariaDB     with `full`, CHECK TABLE: pages with their checksums, and the indexes' counts. Else nothing.
    PostgreSQL  with `full`, every row of every table is read, long values too. Indexes are not looked at (that needs
                the extension amcheck), and bytes that changed on the disk are noticed only where the cluster has
                page checksums. Else nothing.

    A check that fails for another reason than damage raises the driver's error.
    """
    if connection.dialect.name == "sqlite":
        return _check_sqlite(connection, full=full)
    if not full:
        return []
    present = set(inspect(connection).get_table_names())
    connection.rollback()
    found: list[str] = []
    for table in METADATA.tables:
        if table in present:
            found += _read_through(connection, table)
    return found[:MAX_FINDINGS]


def _is_unreadable(error: DBAPIError) -> bool:
    # Where nothing was asked but what is stored, a value out of its range, an "internal error" of PostgreSQL or a file
    # that it misses can only come from what is stored.
    return str(getattr(error.orig, "sqlstate", "")).startswith(("22", "XX", "58P01"))


def describe_damage(error: DBAPIError) -> str:
    """Return one line of the driver's own words, without the statement and its values."""
    primary = getattr(getattr(error.orig, "diag", None), "message_primary", None)
    message = primary if isinstance(primary, str) else str(error.orig)
    return message.strip().splitlines()[0] if message.strip() else type(error.orig).__name__


def _check_sqlite(connection: Connection, *, full: bool) -> list[str]:
    name = "integrity_check" if full else "quick_check"
    rows = connection.exec_driver_sql(f"PRAGMA {name}({MAX_FINDINGS})").scalars().all()
    # A finding of SQLite may itself have several lines.
    found = [line for row in rows for line in str(row).splitlines() if line and line != "ok"]
    if full and not found:
        orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(MAX_FINDINGS)
        found = [f"{table}, row {row}: its row in {parent} is missing" for table, row, parent, _ in orphans]
    return found[:MAX_FINDINGS]


def _read_through(connection: Connection, table: str) -> list[str]:
    quoted = connection.dialect.identifier_preparer.quote(table)
    try:
        if connection.dialect.name == "postgresql":
            # As text: a long value lies in a table of its own, which counting the rows would not read.
            connection.execute(text(f"SELECT sum(octet_length(whole::text)) FROM {quoted} AS whole"))  # noqa: S608
            return []
        rows = connection.execute(text(f"CHECK TABLE {quoted}")).all()
        # Table, operation, kind of message, message.
        return [f"{table}: {row[3]}" for row in rows if str(row[2]).lower() in {"error", "warning"}]
    except DBAPIError as error:
        if translate(error).code != "database_damaged" and not _is_unreadable(error):
            raise
        return [f"{table}: {describe_damage(error)}"]
    finally:
        # A statement that failed ends the transaction on PostgreSQL.
        connection.rollback()
