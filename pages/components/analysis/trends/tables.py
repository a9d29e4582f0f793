"""The table behind a chart, and the figures as files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.components.shared.language import _, language, time_zone
from pages.server.trend_downloads import trend_csv_path, trend_xlsx_path

if TYPE_CHECKING:
    from core.analytics.trend_filter import TrendFilter
    from core.reports.tables import Column, Sheet


def show_table(sheet: Sheet, table: str, wanted: TrendFilter, *, is_open: bool = False) -> None:
    """Show the figures behind a chart, folded unless `is_open`, with the links that fetch them as files."""
    with st.expander(_("Figures as a table: {name}", name=sheet.name), icon=":material/table_rows:", expanded=is_open):
        columns = {_unique(sheet, place): [row[place] for row in sheet.rows] for place in range(len(sheet.columns))}
        st.dataframe(
            columns,
            hide_index=True,
            width="stretch",
            height="content" if len(list(sheet.rows)) <= 12 else 420,
            column_config={_unique(sheet, place): _configure(column) for place, column in enumerate(sheet.columns)},
        )
        show_files(table, wanted)


def show_files(table: str, wanted: TrendFilter) -> None:
    """Show the links to the table as CSV and to all tables as an Excel workbook."""
    zone = str(time_zone())
    left, right = st.columns(2)
    left.link_button(
        _("CSV file"),
        trend_csv_path(table, wanted, language=language(), zone=zone),
        icon=":material/csv:",
        width="stretch",
    )
    right.link_button(
        _("Excel workbook of all charts"),
        trend_xlsx_path(wanted, language=language(), zone=zone),
        icon=":material/table_view:",
        width="stretch",
    )


def _configure(column: Column) -> Any:
    if column.kind == "moment":
        return st.column_config.DatetimeColumn(column.title, format="YYYY-MM-DD HH:mm", timezone=str(time_zone()))
    if column.kind == "number":
        decimals = len(column.number_format.rstrip("%").partition(".")[2])
        is_share = column.number_format.endswith("%")
        return st.column_config.NumberColumn(column.title, format="percent" if is_share else f"%.{decimals}f")
    return st.column_config.Column(column.title)


def _unique(sheet: Sheet, place: int) -> str:
    """Return the title of a column; where another has the same (limits of several charts), with how often."""
    title = sheet.columns[place].title
    before = sum(column.title == title for column in sheet.columns[:place])
    return title if not before else f"{title} ({before + 1})"
