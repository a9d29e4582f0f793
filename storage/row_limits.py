"""Rows that a reading session sees: those of some products and lines alone, whatever it asks for.

The condition is added to every query of mapped tables, joins and sub-queries too, so that none can be forgotten.
Statements on bare tables, those that go to the connection itself, and an alias of a table know nothing of it: who uses
one asks `limits_of`, or reads what is no row of a product or line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, and_, event, or_, select
from sqlalchemy.orm import ORMExecuteState, with_loader_criteria
from sqlmodel import Session, SQLModel

from storage import tables

_INFO = "geomsa_row_limits"
# An account's bindings are what the limits come from, and are no rows of a product themselves.
_UNLIMITED = (tables.UserBinding,)
# A curated image, and the picture that everybody rates in a study, are their product's, whatever line they came from.
_OF_PRODUCT_ALONE = (tables.Image, tables.GaugeTrial)


@dataclass(frozen=True)
class RowLimits:
    """The products (ids) and lines whose rows are seen; None: all of them."""

    products: frozenset[int] | None = None
    lines: frozenset[str] | None = None

    @property
    def is_limit(self) -> bool:
        """Return whether anything is left out."""
        return self.products is not None or self.lines is not None

    def conditions(
        self, product_id: ColumnElement[Any] | None, line: ColumnElement[Any] | None
    ) -> list[ColumnElement[bool]]:
        """Return what rows fulfill by these columns; None for a column that the rows have not."""
        found: list[ColumnElement[bool]] = []
        if self.products is not None and product_id is not None:
            found.append(product_id.in_(sorted(self.products)))
        if self.lines is not None and line is not None:
            found.append(line.in_(sorted(self.lines)))
        return found


NO_LIMITS = RowLimits()


class LimitedSession(Session):
    """A session whose queries of mapped tables are limited."""


def limits_of(session: Session) -> RowLimits:
    """Return what limits the rows that the session sees."""
    found: RowLimits = session.info.get(_INFO, NO_LIMITS)
    return found


def execute_columns(session: Session, query: Any) -> Any:
    """Return the rows of a query of columns: past the session, which costs time, where nothing is limited."""
    return session.execute(query) if limits_of(session).is_limit else session.connection().execute(query)


def open_limited(bind: Any, limits: RowLimits, **options: Any) -> LimitedSession:
    """Return a session that sees the rows within `limits` alone."""
    return LimitedSession(bind, info={_INFO: limits}, **options)


@event.listens_for(LimitedSession, "do_orm_execute")
def _limit(state: ORMExecuteState) -> None:
    if state.is_select and not state.is_column_load:
        state.statement = state.statement.options(*_options(limits_of(state.session)))  # type: ignore[arg-type]


@lru_cache(maxsize=256)
def _options(limits: RowLimits) -> tuple[Any, ...]:
    conditions = ((table, _condition(table, limits)) for table in _mapped_tables())
    return tuple(with_loader_criteria(table, condition) for table, condition in conditions if condition is not None)


def _condition(table: type[Any], limits: RowLimits) -> ColumnElement[bool] | None:
    """Return what the rows of a table fulfill; None for a table that has nothing to do with products or lines."""
    columns = table.__table__.columns
    product, line, inspection = columns.get("product_id"), columns.get("line"), columns.get("inspection_id")
    if table is tables.Product:
        product = columns["id"]
    named = (None if product is None else _column(table, product), None if line is None else table.line)
    found = limits.conditions(*named)
    if product is not None and product.nullable and found and limits.products is not None:
        # What belongs to no product is everybody's: an index of all products, an instruction for the whole plant.
        found[0] = or_(_column(table, product).is_(None), found[0])
    if inspection is not None and table not in _OF_PRODUCT_ALONE:
        # What hangs on an inspection is seen by whoever sees that.
        bare = tables.METADATA.tables["inspections"].alias("seen_inspections")
        seen = select(bare.c.id).where(*limits.conditions(bare.c.product_id, bare.c.line))
        found.append(or_(table.inspection_id.is_(None), table.inspection_id.in_(seen)))
    return and_(*found) if found else None


def _column(table: type[Any], column: Any) -> Any:
    return getattr(table, str(column.key))


def _mapped_tables() -> tuple[type[Any], ...]:
    def is_mapped(value: object) -> bool:
        return isinstance(value, type) and issubclass(value, SQLModel) and hasattr(value, "__table__")

    check: Callable[[object], bool] = is_mapped
    return tuple(value for value in vars(tables).values() if check(value) and value not in _UNLIMITED)
