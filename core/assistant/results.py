"""What a tool found: a table with its words, the query behind it, and the address of a screen that shows the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from storage.json_fields import read_object, read_objects, read_text, read_texts

Cell = str | int | float | None
# Rows beyond these are left out of a result, and said to be.
MOST_ROWS = 50


@dataclass(frozen=True)
class Column:
    """A column: its heading as people read it, and what its cells are: text, number, share (0 to 1) or moment."""

    title: str
    kind: str = "text"


@dataclass(frozen=True)
class Chart:
    """How rows are drawn: `kind` bar, pareto or line; `x` and `y` are the places of their columns."""

    kind: str
    x: int
    y: int


@dataclass(frozen=True)
class Address:
    """A screen that shows the same: its script, the words of its address, and what the link is called."""

    screen: str
    label: str
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Quote:
    """A passage of a manual in its own words, and where it stands."""

    text: str
    section: str = ""
    manual: str = ""
    page: int | None = None


@dataclass(frozen=True)
class ToolResult:
    """What one tool found.

    `tool` and `arguments` are how it was called, `words` its own wording (one sentence each), `query` what was asked in
    words; `n_left_out` rows are not in `rows`. Cells are plain values: a share is a number from 0 to 1.
    """

    tool: str
    arguments: Mapping[str, Any]
    title: str
    query: str
    words: tuple[str, ...]
    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    chart: Chart | None = None
    address: Address | None = None
    quotes: tuple[Quote, ...] = ()
    n_left_out: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        return asdict(self) | {"arguments": dict(self.arguments)}

    @classmethod
    def from_json(cls, value: object) -> ToolResult:
        """Return the result in a stored turn; what is not understood in it is left out."""
        data = read_object(value)
        chart, address = read_object(data.get("chart")), read_object(data.get("address"))
        left_out = data.get("n_left_out")
        return cls(
            tool=read_text(data.get("tool")) or "",
            arguments=read_object(data.get("arguments")),
            title=read_text(data.get("title")) or "",
            query=read_text(data.get("query")) or "",
            words=read_texts(data.get("words")),
            columns=tuple(
                Column(read_text(one.get("title")) or "", read_text(one.get("kind")) or "text")
                for one in read_objects(data.get("columns"))
            ),
            rows=tuple(_read_row(row) for row in data.get("rows") or () if isinstance(row, list | tuple)),
            chart=Chart(str(chart["kind"]), int(chart["x"]), int(chart["y"]))
            if {"kind", "x", "y"} <= chart.keys()
            else None,
            address=Address(
                str(address["screen"]),
                str(address.get("label", "")),
                {str(name): str(one) for name, one in read_object(address.get("query")).items()},
            )
            if "screen" in address
            else None,
            quotes=tuple(
                Quote(
                    read_text(one.get("text")) or "",
                    read_text(one.get("section")) or "",
                    read_text(one.get("manual")) or "",
                    one.get("page") if isinstance(one.get("page"), int) else None,
                )
                for one in read_objects(data.get("quotes"))
            ),
            n_left_out=left_out if isinstance(left_out, int) else 0,
        )


def _read_row(row: list[Any] | tuple[Any, ...]) -> tuple[Cell, ...]:
    return tuple(one if isinstance(one, str | int | float) else None for one in row)
