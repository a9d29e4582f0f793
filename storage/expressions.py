"""SQL expressions that each database writes in its own way."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Integer, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction


class HourOf(GenericFunction[str]):
    """The hour (UTC) that a moment lies in, as text: 2026-03-29 14."""

    type = String()
    inherit_cache = True


class ListLength(GenericFunction[int]):
    """How many elements a JSON list has."""

    type = Integer()
    inherit_cache = True


_HOUR = {
    # Moments are kept as text in SQLite.
    "sqlite": "substr({}, 1, 13)",
    "mysql": "DATE_FORMAT({}, '%%Y-%%m-%%d %%H')",
    "mariadb": "DATE_FORMAT({}, '%%Y-%%m-%%d %%H')",
    "postgresql": "to_char({}, 'YYYY-MM-DD HH24')",
}
_LENGTH = {"mysql": "JSON_LENGTH({})", "mariadb": "JSON_LENGTH({})"}


@compiles(HourOf)
def _compile_hour(element: Any, compiler: Any, **options: Any) -> str:
    return _HOUR[compiler.dialect.name].format(compiler.process(element.clauses, **options))


@compiles(ListLength)
def _compile_length(element: Any, compiler: Any, **options: Any) -> str:
    written = _LENGTH.get(compiler.dialect.name, "json_array_length({})")
    return written.format(compiler.process(element.clauses, **options))
