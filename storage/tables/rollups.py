"""Roll-ups: how many inspections of a production day have the same properties, kept beside the inspections.

A group is a row, and its key is the primary key. `day` is the production day of the plant's calendar;
`defect_type_id` is 0 where no type is named. `regions` counts the defect regions of rejected parts.
"""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar

from sqlalchemy import Date
from sqlmodel import Field, Index, SQLModel

from storage.tables.columns import BIG_ID, double


def _key(**options: Any) -> Any:
    return Field(primary_key=True, **options)


def _number() -> Any:
    return Field(default=0, sa_type=BIG_ID, nullable=False)


class DayCount(SQLModel, table=True):
    """The inspections of a day by product, verdicts and type: what figures over long periods are read from."""

    __tablename__: ClassVar[str] = "day_counts"
    __table_args__ = (
        Index("ix_day_counts_product_day", "product_id", "day"),
        # The key is the table: half the pages to read and to write.
        {"sqlite_with_rowid": False},
    )

    day: date = _key(sa_type=Date)
    product_id: int = _key(foreign_key="products.id", sa_type=BIG_ID)
    verdict: str = _key(max_length=16)
    final_verdict: str = _key(max_length=16)
    defect_type_id: int = _key(sa_type=BIG_ID)
    n: int = _number()
    regions: int = _number()
    score_sum: float = double(0.0)
    score_square_sum: float = double(0.0)


class DetailCount(SQLModel, table=True):
    """The inspections of a day also by line, lot, shift and the memory bank that judged."""

    __tablename__: ClassVar[str] = "detail_counts"
    __table_args__ = (
        Index("ix_detail_counts_product_day", "product_id", "day"),
        {"sqlite_with_rowid": False},
    )

    day: date = _key(sa_type=Date)
    product_id: int = _key(foreign_key="products.id", sa_type=BIG_ID)
    line: str = _key(max_length=64)
    lot: str = _key(max_length=64)
    shift: str = _key(max_length=32)
    version_id: int = _key(sa_type=BIG_ID)
    verdict: str = _key(max_length=16)
    final_verdict: str = _key(max_length=16)
    defect_type_id: int = _key(sa_type=BIG_ID)
    n: int = _number()
    regions: int = _number()
    score_sum: float = double(0.0)
    score_square_sum: float = double(0.0)
