"""Whether the database itself refuses to change or delete rows of the audit log (triggers of migration 0026)."""

from __future__ import annotations

from sqlalchemy import text
from sqlmodel import Session

NO_UPDATE, NO_DELETE = "audit_log_no_update", "audit_log_no_delete"
_QUERIES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_log'",
    "postgresql": "SELECT tgname FROM pg_trigger WHERE tgrelid = 'audit_log'::regclass AND tgenabled <> 'D'",
    "mysql": "SELECT trigger_name FROM information_schema.triggers "
    "WHERE event_object_schema = DATABASE() AND event_object_table = 'audit_log'",
}


def refuses_changes(session: Session) -> bool:
    """Return whether both triggers are there; MariaDB shows them to accounts alone that have the right TRIGGER."""
    dialect = session.get_bind().dialect.name
    found = session.execute(text(_QUERIES["mysql" if dialect == "mariadb" else dialect])).scalars()
    return {NO_UPDATE, NO_DELETE} <= set(found)
