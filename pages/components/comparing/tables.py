"""Who was called what: the table of verdicts and that of types of one method; each cell opens its images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.comparisons.subjects import SubjectFilter
from core.comparisons.wording import THRESHOLD_NAMES, rank_entries
from pages.components.comparing.address import IMAGES, Look, query_of
from pages.components.comparing.wording import ProductWords
from pages.components.shared.language import _, number, score
from pages.components.shared.link_table import Cell, Color, Target, show_link_table
from pages.components.shared.screens import COMPARE_METHODS

if TYPE_CHECKING:
    from core.comparisons.overview import ComparisonView
    from core.comparisons.results import ComparisonResult, EntryResult


def show_tables(comparison: ComparisonView, result: ComparisonResult, words: ProductWords) -> None:
    """Show both tables of the method that is chosen."""
    names = words.entries(result.entries)
    keys = [one.key for one in rank_entries(result.entries)]
    st.markdown(f"**{_('Confusion matrix')}**")
    key = f"compare_table_{comparison.id}"
    chosen = st.selectbox(
        _("Compared method"), keys, key=key, format_func=names.__getitem__, label_visibility="collapsed"
    )
    entry = result.find(chosen)
    if entry is None:
        return
    _show_verdicts(comparison, entry)
    if entry.threshold is not None and entry.threshold_method in THRESHOLD_NAMES:
        how = _(THRESHOLD_NAMES[entry.threshold_method])
        st.caption(_("Stopped from a score of {value} on: {how}.", value=score(entry.threshold), how=how))
    if entry.types is not None:
        _show_types(comparison, entry, words)


def _show_verdicts(comparison: ComparisonView, entry: EntryResult) -> None:
    verdicts = entry.verdicts
    has_silent = bool(verdicts.good_silent + verdicts.defect_silent)
    columns = [(_("In truth"), ""), (_("passed"), "number"), (_("stopped"), "number")]
    columns += [(_("no answer"), "number")] if has_silent else []
    rows = []
    for side, title in (("good", _("Good part")), ("defect", _("Defect"))):
        cells = [Cell(title)]
        for what in ("passed", "stopped", *(("silent",) if has_silent else ())):
            cell = f"{side}_{what}"
            is_right = cell in {"good_passed", "defect_stopped"}
            color: Color = "green" if is_right else "red"
            cells.append(_link(comparison, entry, getattr(verdicts, cell), color, cell=cell))
        rows.append(cells)
    show_link_table(columns, rows, key=f"compare_verdicts_{entry.key}", label=_("Confusion matrix"))  # type: ignore[arg-type]


def _show_types(comparison: ComparisonView, entry: EntryResult, words: ProductWords) -> None:
    types = entry.types
    assert types is not None
    shown = [
        place
        for place, column in enumerate(types.columns)
        if column in types.labels or any(row[place] for row in types.counts)
    ]
    st.caption(_("By type: rows are the truth, columns what the method named."))
    columns = [(_("In truth"), ""), *((words.label(types.columns[place]), "number") for place in shown)]
    rows = []
    for label, counts in zip(types.labels, types.counts, strict=True):
        cells = [Cell(words.label(label))]
        for place in shown:
            named = types.columns[place]
            color: Color = "green" if named == label else "red"
            cells.append(_link(comparison, entry, counts[place], color, truth=label, named=named))
        rows.append(cells)
    show_link_table(columns, rows, key=f"compare_types_{entry.key}", label=_("Confusion matrix by type"))  # type: ignore[arg-type]


def _link(
    comparison: ComparisonView,
    entry: EntryResult,
    count: int,
    color: Color,
    *,
    cell: str = "",
    truth: str | None = None,
    named: str | None = None,
) -> Cell:
    if not count:
        return Cell("0")
    wanted = SubjectFilter(view=entry.view, key=entry.key, cell=cell, truth=truth, named=named)
    return Cell(number(count), Target(COMPARE_METHODS, query_of(comparison.id, Look(IMAGES, wanted))), color)
