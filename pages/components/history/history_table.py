"""The table of inspections: drawn in the browser, so that fifty rows with pictures are one element of the page.

A click anywhere in a row, or Enter on its number, opens it; the arrow keys go from row to row. On a phone each row is a
card.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.fusion.rules import FOUND_AS_WORDS
from core.inspections.pictures import picture_token
from core.inspections.terms import ACTION_NAMES, VERDICT_NAMES
from pages.components.shared.labels import label_of
from pages.components.shared.language import _, defect_name, moment, product_name, score
from pages.server.pictures import picture_path

if TYPE_CHECKING:
    from core.history.lines import HistoryLine

_HTML = '<div class="frame"><table><thead><tr></tr></thead><tbody></tbody></table></div>'

_CSS = """
.frame {font-family: var(--st-font); color: var(--st-text-color); font-size: 0.92rem; overflow-x: auto;
  border: 1px solid var(--st-border-color); border-radius: 0.375rem}
table {border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums}
th {text-align: left; font-weight: 600; padding: 0.5rem 0.5rem; white-space: nowrap; font-size: 0.85rem;
  border-bottom: 1px solid var(--st-border-color); background: var(--st-secondary-background-color)}
td {padding: 0.3rem 0.5rem; vertical-align: middle; border-bottom: 1px solid var(--st-border-color);
  overflow-wrap: break-word; word-break: keep-all}
td.trace {overflow-wrap: anywhere}
tr:last-child td {border-bottom: none}
tbody tr {position: relative; cursor: pointer}
tbody tr:hover {background: color-mix(in srgb, var(--st-primary-color) 9%, transparent)}
td.picture {width: 3.6rem; padding: 0.25rem 0.3rem 0.25rem 0.6rem}
td.picture img {width: 3.2rem; height: 3.2rem; object-fit: contain; display: block; border-radius: 0.25rem;
  background: rgba(127, 145, 155, 0.14)}
td.number, th.number {text-align: right; white-space: nowrap}
td.when, td.kept {white-space: nowrap}
.badge {display: inline-block; color: #ffffff; border-radius: 0.3rem; padding: 0.1rem 0.5rem; font-weight: 600;
  white-space: nowrap}
.badge.ok {background: #1b7f4d} .badge.review {background: #9a5b00} .badge.reject {background: #b3261e}
.small {font-size: 0.82rem; display: block}
td.verdict .small {white-space: nowrap}
button {all: unset; cursor: pointer; color: inherit; text-decoration: underline; text-underline-offset: 0.2em;
  min-height: 2rem; display: inline-flex; align-items: center}
button::after {content: ""; position: absolute; inset: 0}
button:focus-visible {outline: 2px solid var(--st-primary-color); outline-offset: 2px}
tr:focus-within {background: color-mix(in srgb, var(--st-primary-color) 14%, transparent)}
@media (max-width: 640px) {
  thead {position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%)}
  table, tbody {display: block}
  tbody tr {display: grid; grid-template-columns: 4.2rem 1fr auto; gap: 0 0.5rem; padding: 0.4rem 0.2rem;
    border-bottom: 1px solid var(--st-border-color)}
  tbody td {border: none; padding: 0.1rem 0.3rem; text-align: left}
  td.picture {grid-row: 1 / span 4; width: auto}
  td.picture img {width: 3.8rem; height: 3.8rem}
  td.number {text-align: left} td.open {grid-column: 2} td.verdict {grid-column: 3; grid-row: 1; text-align: right}
  td.wide {grid-column: 2 / span 2} td.extra {display: none}
}
"""

_JS = """
export default function (component) {
  const {data, parentElement, setTriggerValue} = component;
  const head = parentElement.querySelector("thead tr"), body = parentElement.querySelector("tbody");
  parentElement.querySelector("table").setAttribute("aria-label", data.words.table);
  const cell = (row, kind, text) => {
    const made = document.createElement("td");
    made.className = kind;
    if (text) made.textContent = text;
    row.appendChild(made);
    return made;
  };
  const small = (place, text) => {
    if (!text) return;
    const made = document.createElement("span");
    made.className = "small";
    made.textContent = text;
    place.appendChild(made);
  };
  head.replaceChildren(...data.columns.map(([title, kind]) => {
    const made = document.createElement("th");
    made.scope = "col";
    made.className = kind;
    made.textContent = title;
    return made;
  }));
  body.replaceChildren(...data.rows.map((one) => {
    const row = document.createElement("tr");
    const image = document.createElement("img");
    image.loading = "lazy";
    image.alt = "";
    image.src = one.picture;
    cell(row, "picture").appendChild(image);
    const open = document.createElement("button");
    open.type = "button";
    open.textContent = one.number;
    open.setAttribute("aria-label", one.label);
    open.onclick = () => setTriggerValue("opened", one.id);
    cell(row, "open").appendChild(open);
    cell(row, "when wide", one.when);
    cell(row, "wide", one.product);
    const verdict = cell(row, "verdict"), badge = document.createElement("span");
    badge.className = `badge ${one.verdict}`;
    badge.textContent = one.verdictName;
    verdict.appendChild(badge);
    small(verdict, one.model);
    cell(row, "number extra", one.score);
    const kind = cell(row, "wide", one.kind);
    small(kind, one.kindNote);
    const action = cell(row, "kept extra", one.action);
    small(action, one.review);
    cell(row, "trace extra", one.trace);
    cell(row, "extra", one.person);
    return row;
  }));
  const move = (event) => {
    const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
    if (!step) return;
    const buttons = [...body.querySelectorAll("button")];
    const place = buttons.indexOf(event.composedPath()[0]);
    if (place < 0) return;
    event.preventDefault();
    (buttons[place + step] || buttons[place]).focus();
  };
  body.addEventListener("keydown", move);
  return () => body.removeEventListener("keydown", move);
}
"""


def show_history_table(lines: Sequence[HistoryLine], *, key: str, opened: Callable[[int], None]) -> None:
    """Draw the lines; `opened` is called with the id of the one that was chosen, before the page runs again."""

    def take() -> None:
        chosen = st.session_state[key].get("opened")
        if isinstance(chosen, int | float):
            opened(int(chosen))

    # Registered at each run: a component belongs to the running server, and this module outlives one in the tests.
    table = st.components.v2.component("geomsa_history_table", html=_HTML, css=_CSS, js=_JS)
    table(
        key=key,
        data={
            "columns": [
                [_("Picture"), "picture"],
                [_("No."), ""],
                [_("Time"), ""],
                [_("Product"), ""],
                [_("Verdict"), ""],
                [_("Score"), "number"],
                [_("Defect type"), ""],
                [_("Action"), ""],
                [_("Line · lot · serial"), ""],
                [_("Person"), ""],
            ],
            "rows": [_row(line) for line in lines],
            "words": {"table": _("Inspections")},
        },
        on_opened_change=take,
    )


def _row(line: HistoryLine) -> dict[str, Any]:
    verdict = label_of(VERDICT_NAMES, line.final_verdict)
    if line.found_as and line.final_verdict == "reject":
        verdict += f" · {label_of(FOUND_AS_WORDS, line.found_as)}"
    changed = line.verdict != line.final_verdict
    kind = line.defect_type if line.final_verdict != "ok" else None
    review = {"waiting": _("waits for review"), "done": _("reviewed")}.get(line.review_state, "")
    return {
        "id": line.id,
        "number": str(line.id),
        "label": _("Open inspection no. {number}: {verdict}", number=line.id, verdict=verdict),
        "picture": picture_path(line.id, "thumbnail", picture_token(line.image_key)),
        "when": moment(line.created_at),
        "product": product_name(line.product),
        "verdict": line.final_verdict,
        "verdictName": verdict,
        "model": _("model: {verdict}", verdict=label_of(VERDICT_NAMES, line.verdict)) if changed else "",
        "score": score(line.score),
        "kind": defect_name(kind) if kind is not None else "–",
        "kindNote": "" if kind is None or line.is_type_confirmed else _("suggested"),
        "action": label_of(ACTION_NAMES, line.action_status),
        "review": review,
        "trace": " · ".join(text for text in (line.line, line.lot, line.serial) if text) or "–",
        "person": _(line.person_name) if line.person_name else "–",
    }
