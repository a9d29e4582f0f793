"""A row in every table, each standing on the others, and an object for everything that they name."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Column, Integer, String, Table, insert, select
from sqlalchemy.types import JSON, Boolean, Date, Float, LargeBinary, TypeDecorator

from core.services import Services
from storage.tables import METADATA, UtcDateTime

Row = dict[str, Any]
_KEYS = {
    "object_key", "thumbnail_key", "mask_key", "image_key", "heat_map_key", "map_key", "result_key",
    "last_checkpoint_key",
}  # fmt: skip
_FOLDERS = {"batch_items": "batches", "comparisons": "comparisons", "training_runs": "training"}


def fill_tables(services: Services, label: str) -> dict[str, Row]:
    """Add a row to every table, told apart by `label`; return them by table, with their keys."""
    made: dict[str, Row] = {}
    with services.database.unit_of_work() as session:
        connection = session.connection()
        for table in METADATA.sorted_tables:
            count = len(connection.execute(select(*table.primary_key)).all())
            row = _row_of(table, label, made, count)
            if "id" in row and connection.execute(select(table.c.id).where(table.c.id == row["id"])).first():
                continue
            result = connection.execute(insert(table).values(**row))
            keys = zip((key.name for key in table.primary_key), result.inserted_primary_key or (), strict=False)
            made[table.name] = {**row, **dict(keys)}
        session.commit()
    for key in name_objects(made, label):
        services.objects.put(key, f"{label}: {key}".encode())
    return made


def name_objects(made: dict[str, Row], label: str) -> list[str]:
    """Return the keys of all objects that the rows of `label` name."""
    keys = [f"imports/{label}/plan.json", f"reports/{label}/report.pdf"]
    keys += [f"comparisons/{made['comparisons']['id']}/map.png", f"training/{made['training_runs']['id']}/map.png"]
    for row in made.values():
        keys += [value for name, value in row.items() if name in _KEYS and value]
        if row.get("object_prefix"):
            keys += [f"{row['object_prefix']}/manifest.json", f"{row['object_prefix']}/model.onnx"]
    return keys


def descend_from(root: str) -> set[str]:
    """Return the tables whose rows refer to a row of `root`, directly or by others."""
    found = {root}
    for table in METADATA.sorted_tables:
        if any(key.column.table.name in found for key in table.foreign_keys):
            found.add(table.name)
    return found - {root}


def _row_of(table: Table, label: str, made: dict[str, Row], count: int) -> Row:
    allowed = {name: values[count if table.c[name].unique else 0] for name, values in _allowed_values(table).items()}
    row: Row = {}
    for column in table.columns:
        if column.primary_key and isinstance(column.type, Integer) and column.autoincrement is True:
            continue
        row[column.name] = allowed.get(column.name, _value_of(table, column, label, made, count))
    if table.name == "deployment_logs":
        row["state"] = "succeeded"
    if table.name == "audit_log":
        row["position"] = None
    return row


def _value_of(table: Table, column: Column[Any], label: str, made: dict[str, Row], count: int) -> Any:
    for key in column.foreign_keys:
        target = key.column
        return made[target.table.name][target.name] if target.table.name in made else None
    if column.name == "product_id":
        return made["products"]["id"]
    if (table.name, column.name) == ("predictions", "map_key"):
        return f"comparisons/{made['comparisons']['id']}/{label}.png"
    if column.name in _KEYS:
        return f"{_FOLDERS.get(table.name, 'images')}/{label}/{table.name}-{column.name}"
    if column.name == "object_prefix":
        return f"models/test/{label}-{table.name}"
    if (table.name, column.name) == ("report_runs", "files"):
        return [{"name": "report.pdf", "place": f"reports/{label}/report.pdf", "in_folder": False}]
    kind = column.type
    if isinstance(kind, UtcDateTime):
        return datetime(2026, 11, 27, 1, 2, 3, 456789, tzinfo=UTC)
    if isinstance(kind, TypeDecorator):
        kind = kind.impl_instance
    if isinstance(kind, String):
        # Letters beyond the first plane, and what JSON writes otherwise, where there is room.
        longer = kind.length is None or kind.length > 100
        return f"{label}: 검사 😀 \"'\\\n" if longer and not column.unique and table.name != "users" else label
    values: tuple[tuple[Any, Any], ...] = (
        (JSON, {"이름": [1, 0.1, None, True]}), (Boolean, True), (Integer, count + 1), (Float, 0.1 + 0.2),
        (Date, date(2026, 11, 27)), (LargeBinary, bytes(range(256))),
    )  # fmt: skip
    return next(value for known, value in values if isinstance(kind, known))


def _allowed_values(table: Table) -> dict[str, list[str]]:
    """Return the values that the checks of a table allow, by column."""
    found = {}
    for rule in table.constraints:
        if isinstance(rule, CheckConstraint):
            for name, values in re.findall(r"(\w+) IN \(([^)]*)\)", str(rule.sqltext)):
                found[name] = re.findall(r"'([^']*)'", values)
    return found
