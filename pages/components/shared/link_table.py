"""A table whose cells lead to what they count: drawn in the browser, each row a card on a phone.

A cell with a target is a button; it is followed by `follow_chosen`, which the screen calls before it draws.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import streamlit as st

_CHOSEN = "link_chosen"
Color = Literal["", "green", "orange", "red", "gray"]

_HTML = '<div class="frame"><table><thead><tr></tr></thead><tbody></tbody></table></div>'

_CSS = """
.frame {font-family: var(--st-font); color: var(--st-text-color); font-size: 0.9rem; overflow: auto;
  border: 1px solid var(--st-border-color); border-radius: 0.375rem}
table {border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums}
th {text-align: left; font-weight: 600; padding: 0.45rem 0.6rem; font-size: 0.85rem; position: sticky; top: 0;
  word-break: keep-all; border-bottom: 1px solid var(--st-border-color);
  background: var(--st-secondary-background-color)}
td {padding: 0.15rem 0.6rem; border-bottom: 1px solid var(--st-border-color); overflow-wrap: break-word;
  word-break: keep-all; height: 2rem}
tr:last-child td {border-bottom: none}
td.number, th.number {text-align: right; white-space: nowrap}
button {all: unset; cursor: pointer; text-decoration: underline; text-underline-offset: 0.2em; min-height: 2rem;
  display: inline-flex; align-items: center}
button:hover {color: var(--st-primary-color)}
button:focus-visible {outline: 2px solid var(--st-primary-color); outline-offset: 2px; border-radius: 0.2rem}
.green::before, .orange::before, .red::before, .gray::before {display: inline-block; margin-right: 0.4em}
.green::before {content: "✓"; color: #1b7f4d} .orange::before {content: "▲"; color: #9a5b00}
.red::before {content: "✕"; color: #b3261e} .gray::before {content: "–"; color: inherit}
@media (max-width: 640px) {
  .frame {max-height: none !important}
  thead {position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%)}
  table, tbody, tr {display: block}
  tbody tr {padding: 0.4rem 0.2rem; border-bottom: 1px solid var(--st-border-color)}
  tbody td {display: flex; justify-content: space-between; gap: 1rem; border: none; padding: 0 0.6rem;
    height: auto; min-height: 2rem; align-items: center; text-align: right}
  tbody td::before {content: attr(data-title); text-align: left; opacity: 0.82}
  tbody td:first-child {font-weight: 600}
}
"""

_JS = """
export default function (component) {
  const {data, parentElement, setTriggerValue} = component;
  const head = parentElement.querySelector("thead tr"), body = parentElement.querySelector("tbody");
  parentElement.querySelector("table").setAttribute("aria-label", data.label);
  const frame = parentElement.querySelector(".frame");
  frame.style.maxHeight = data.height ? `${data.height}px` : "";
  head.replaceChildren(...data.columns.map(([title, kind]) => {
    const made = document.createElement("th");
    made.scope = "col";
    made.className = kind;
    made.textContent = title;
    return made;
  }));
  body.replaceChildren(...data.rows.map((cells, row) => {
    const line = document.createElement("tr");
    line.replaceChildren(...cells.map((cell, column) => {
      const made = document.createElement("td");
      made.className = data.columns[column][1];
      made.dataset.title = data.columns[column][0];
      let place = made;
      if (cell.leads) {
        place = document.createElement("button");
        place.type = "button";
        place.setAttribute("aria-label", `${cells[0].text}, ${data.columns[column][0]}: ${cell.text}`);
        place.onclick = () => setTriggerValue("opened", `${row},${column}`);
        made.appendChild(place);
      }
      const text = document.createElement("span");
      if (cell.color) text.className = cell.color;
      text.textContent = cell.text;
      place.appendChild(text);
      return made;
    }));
    return line;
  }));
}
"""


@dataclass(frozen=True)
class Target:
    """A screen, and the words of its address."""

    path: str
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Cell:
    """What stands in a cell, the color of its state (told by a sign, too), and where it leads."""

    text: str
    target: Target | None = None
    color: Color = ""


def show_link_table(
    columns: Sequence[tuple[str, Literal["", "number"]]],
    rows: Sequence[Sequence[Cell]],
    *,
    key: str,
    label: str,
    height_px: int = 0,
) -> None:
    """Draw the table; above `height_px` it scrolls. `label` says what it is of, to who cannot see it."""
    # What the person clicks on is what was drawn, also where the figures have changed since.
    targets = {
        f"{row},{column}": cell.target
        for row, cells in enumerate(rows)
        for column, cell in enumerate(cells)
        if cell.target is not None
    }
    kept = f"{key}_targets"
    st.session_state[kept] = targets

    def take() -> None:
        chosen = st.session_state[key].get("opened")
        if chosen in st.session_state.get(kept, {}):
            choose_target(st.session_state[kept][chosen])

    # Registered at each run: a component belongs to the running server, and this module outlives one in the tests.
    table = st.components.v2.component("geomsa_link_table", html=_HTML, css=_CSS, js=_JS)
    data: dict[str, Any] = {
        "columns": [list(column) for column in columns],
        "rows": [
            [{"text": cell.text, "color": cell.color, "leads": cell.target is not None} for cell in cells]
            for cells in rows
        ],
        "label": label,
        "height": height_px,
    }
    table(key=key, data=data, on_opened_change=take)


def choose_target(target: Target) -> None:
    """Keep where a person wants to go: the page runs once more before it can lead there."""
    st.session_state[_CHOSEN] = target


def follow_chosen() -> None:
    """Lead to what the person has chosen, if so; the run ends then."""
    target: Target | None = st.session_state.pop(_CHOSEN, None)
    if target is not None:
        st.switch_page(target.path, query_params=dict(target.query))
