"""The rows of a whole database as JSON values, and back into the tables of any of the three kinds of database.

Each table has a shape (its columns and of what kind each is) that is written with its rows: they can be loaded into
the tables of their own revision by code that knows only later ones.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, cast

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Date,
    Double,
    Float,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    TypeDecorator,
    column,
    func,
    inspect,
    select,
    table,
    text,
    update,
)
from sqlalchemy.types import TypeEngine

from storage.tables import METADATA, UtcDateTime

Kind = Literal["integer", "number", "truth", "text", "json", "json_or_none", "moment", "date", "bytes"]
# A row as its values, in the order of the columns of its table.
Values = list[Any]
ROWS_AT_ONCE = 500
# A statement stays below what a MariaDB server takes as it is installed (16 MiB).
BYTES_AT_ONCE = 2 << 20
_TYPES: Mapping[Kind, Callable[[], TypeEngine[Any]]] = {
    "integer": BigInteger,
    "number": Double,
    "truth": Boolean,
    "text": Text,
    "json": JSON,
    # Nothing stays nothing, and does not become the word for it in JSON.
    "json_or_none": lambda: JSON(none_as_null=True),
    "moment": UtcDateTime,
    "date": Date,
    "bytes": LargeBinary,
}


@dataclass(frozen=True)
class TableShape:
    """A table as its rows were read: its columns by kind, its key, and what is filled in when all rows are there.

    `late` are columns that refer to rows which may come later, such as those of the same table. `next_id` is the
    highest number that was ever given (0: rows are not numbered): one of a row that is gone is not given again.
    """

    name: str
    columns: tuple[tuple[str, Kind], ...]
    key: tuple[str, ...]
    late: tuple[str, ...] = ()
    next_id: int = 0

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> TableShape:
        """Return the shape that `to_json` wrote. Raises KeyError, TypeError or ValueError for anything else."""
        columns = tuple((str(name), cast(Kind, kind)) for name, kind in value["columns"])
        if any(kind not in _TYPES for _name, kind in columns):
            raise ValueError(str(value["name"]))
        return cls(
            str(value["name"]), columns, tuple(map(str, value["key"])), tuple(map(str, value["late"])),
            int(value["next_id"]),
        )  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        return {
            "name": self.name,
            "columns": [list(pair) for pair in self.columns],
            "key": list(self.key),
            "late": list(self.late),
            "next_id": self.next_id,
        }

    def named(self, values: Values) -> dict[str, Any]:
        """Return a row's values by the names of their columns. Raises ValueError where they are not as many."""
        return dict(zip((name for name, _kind in self.columns), values, strict=True))


def list_shapes(connection: Connection) -> list[TableShape]:
    """Return the shape of every table of this code, in the order in which their rows can be loaded."""
    shapes, earlier = [], set[str]()
    for found in METADATA.sorted_tables:
        late = tuple(
            one.name for one in found.columns if any(key.column.table.name not in earlier for key in one.foreign_keys)
        )
        earlier.add(found.name)
        columns = tuple((one.name, _kind_of_column(one)) for one in found.columns)
        key = tuple(one.name for one in found.primary_key)
        shapes.append(TableShape(found.name, columns, key, late, _last_id(connection, found)))
    return shapes


def read_rows(connection: Connection, shape: TableShape) -> Iterator[Values]:
    """Yield the rows of a table as JSON values, in the order of their keys; few are in memory at a time."""
    found = METADATA.tables[shape.name]
    query = select(*(found.c[name] for name, _kind in shape.columns)).order_by(*(found.c[name] for name in shape.key))
    kinds = [kind for _name, kind in shape.columns]
    options = {"stream_results": True, "yield_per": ROWS_AT_ONCE}
    with connection.execute(query, execution_options=options) as rows:
        for row in rows:
            yield [_to_json(value, kind) for value, kind in zip(row, kinds, strict=True)]


def load_rows(connection: Connection, shape: TableShape, rows: Iterable[Mapping[str, Any]]) -> int:
    """Insert rows of JSON values by name into a table of the database as they are, past every hook of sessions.

    Late columns stay empty until `load_late`. Return how many. Raises the database's own errors.
    """
    target = _light(shape)
    kinds = dict(shape.columns)
    count, waiting, size = 0, list[dict[str, Any]](), 0

    def flush() -> None:
        if waiting:
            connection.execute(target.insert(), waiting)
            waiting.clear()

    for row in rows:
        values = {name: None if name in shape.late else _from_json(row[name], kind) for name, kind in kinds.items()}
        waiting.append(values)
        size += sum(len(value) for value in values.values() if isinstance(value, str | bytes))
        count += 1
        if len(waiting) >= ROWS_AT_ONCE or size >= BYTES_AT_ONCE:
            flush()
            size = 0
    flush()
    return count


def load_late(connection: Connection, shape: TableShape, rows: Iterable[Mapping[str, Any]]) -> None:
    """Fill in the late columns of rows that are there."""
    target = _light(shape)
    for row in rows:
        values = {name: row[name] for name in shape.late if row[name] is not None}
        if values:
            chosen = update(target).where(*(target.c[name] == row[name] for name in shape.key))
            connection.execute(chosen.values(**values))


def give_on_ids(connection: Connection, shape: TableShape) -> None:
    """Let the table number its next row after the highest number that was ever given."""
    if not shape.next_id or shape.key != ("id",):
        return
    last = max(shape.next_id, connection.scalar(select(func.max(_light(shape).c.id))) or 0)
    quoted = connection.dialect.identifier_preparer.quote(shape.name)
    if connection.dialect.name == "sqlite":
        changed = connection.execute(
            text("UPDATE sqlite_sequence SET seq = :last WHERE name = :name"), {"last": last, "name": shape.name}
        )
        if not changed.rowcount:
            connection.execute(
                text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)"),
                {"last": last, "name": shape.name},
            )
    elif connection.dialect.name == "postgresql":
        connection.execute(
            text("SELECT setval(pg_get_serial_sequence(:name, 'id'), :last)"), {"name": quoted, "last": last}
        )
    else:
        # A statement of its own kind: it takes no parameters, and the number is ours.
        connection.exec_driver_sql(f"ALTER TABLE {quoted} AUTO_INCREMENT = {int(last) + 1}")


def count_rows(connection: Connection) -> dict[str, int]:
    """Return how many rows each of our tables holds that the database has; empty for one without tables."""
    return {
        name: int(connection.scalar(select(func.count()).select_from(table(name))) or 0)
        for name in inspect(connection).get_table_names()
        if name in METADATA.tables
    }


def read_values(connection: Connection, name: str, *columns: str) -> list[tuple[Any, ...]]:
    """Return some columns of each row as the driver gives them; none where the table or a column is not there."""
    found = inspect(connection)
    if name not in found.get_table_names() or set(columns) - {one["name"] for one in found.get_columns(name)}:
        return []
    query: Any = select(*(column(one) for one in columns)).select_from(table(name))
    return [tuple(row) for row in connection.execute(query)]


def find_broken_references(connection: Connection) -> bool:
    """Return whether a row refers to one that is not there; servers look after that by themselves."""
    if connection.dialect.name != "sqlite":
        return False
    return connection.execute(text("PRAGMA foreign_key_check")).first() is not None


def empty_tables(connection: Connection) -> None:
    """Delete what the migrations themselves have put into new tables."""
    known = [name for name, count in count_rows(connection).items() if count]
    for found in reversed(METADATA.sorted_tables):
        if found.name in known:
            connection.execute(table(found.name).delete())


def drop_tables(connection: Connection) -> None:
    """Drop every table of ours with its rows, and what hangs on them; the database is as one without tables then.

    Only for a connection on which SQLite does not check foreign keys.
    """
    ours = {*METADATA.tables, "alembic_version"}
    there = [name for name in inspect(connection).get_table_names() if name in ours]
    quote = connection.dialect.identifier_preparer.quote
    dialect = connection.dialect.name
    if dialect in {"mysql", "mariadb"}:
        connection.exec_driver_sql("SET FOREIGN_KEY_CHECKS = 0")
    for name in there:
        connection.exec_driver_sql(f"DROP TABLE {quote(name)}" + (" CASCADE" if dialect == "postgresql" else ""))
    if dialect in {"mysql", "mariadb"}:
        connection.exec_driver_sql("SET FOREIGN_KEY_CHECKS = 1")
    if dialect == "postgresql":
        for (signature,) in connection.execute(text(_TRIGGER_FUNCTIONS)).all():
            connection.exec_driver_sql(f"DROP FUNCTION {signature} CASCADE")


# Those of triggers that no extension has brought: they would be in the way of the migrations.
_TRIGGER_FUNCTIONS = """
SELECT found.oid::regprocedure::text FROM pg_proc AS found
WHERE found.prorettype = 'trigger'::regtype AND found.pronamespace = current_schema()::regnamespace
AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE objid = found.oid AND deptype = 'e')
"""


def _kind_of_column(found: Column[Any]) -> Kind:
    kind = _kind_of(found.type)
    return "json_or_none" if kind == "json" and found.nullable else kind


def _kind_of(found: TypeEngine[Any]) -> Kind:
    if isinstance(found, UtcDateTime):
        return "moment"
    if isinstance(found, TypeDecorator):
        return _kind_of(found.impl_instance)
    pairs: tuple[tuple[Any, Kind], ...] = (
        (Boolean, "truth"), (Integer, "integer"), (Float, "number"), (JSON, "json"), (LargeBinary, "bytes"),
        (String, "text"), (Date, "date"),
    )  # fmt: skip
    for known, kind in pairs:
        if isinstance(found, known):
            return kind
    raise NotImplementedError(f"a column of type {found!r} cannot be copied")


def _to_json(value: Any, kind: Kind) -> Any:
    if value is None:
        return None
    if kind in ("moment", "date"):
        return cast(date | datetime, value).isoformat()
    if kind == "bytes":
        return base64.b64encode(value).decode("ascii")
    return value


def _from_json(value: Any, kind: Kind) -> Any:
    if value is None:
        return None
    if kind == "moment":
        return datetime.fromisoformat(value)
    if kind == "date":
        return date.fromisoformat(value)
    if kind == "bytes":
        return base64.b64decode(value, validate=True)
    return value


def _light(shape: TableShape) -> Any:
    """Return the table as its rows were read, whatever this code knows of it."""
    return table(shape.name, *(column(name, _TYPES[kind]()) for name, kind in shape.columns))


def _last_id(connection: Connection, found: Table) -> int:
    """Return the highest number that the table has given to a row; 0 where rows are not numbered."""
    key = list(found.primary_key)
    if len(key) != 1 or key[0].name != "id" or not isinstance(key[0].type, Integer) or key[0].autoincrement is not True:
        return 0
    highest = int(connection.scalar(select(func.max(found.c.id))) or 0)
    dialect = connection.dialect.name
    if dialect == "sqlite":
        query, given = "SELECT seq FROM sqlite_sequence WHERE name = :name", 0
    elif dialect == "postgresql":
        query = "SELECT pg_sequence_last_value(pg_get_serial_sequence(:name, 'id')::regclass)"
        given = 0
    else:
        query = (
            "SELECT AUTO_INCREMENT FROM information_schema.TABLES "
            "WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = :name"
        )
        given = -1
    counted = connection.scalar(text(query), {"name": found.name})
    return max(highest, int(counted or 0) + given, 0)
