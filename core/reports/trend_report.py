"""All figures of the trends as files: one table as CSV, or everything as an Excel workbook."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

from core.analytics.agreement import read_agreement
from core.analytics.causes import count_steps
from core.analytics.drift import measure_drift
from core.analytics.groups import count_groups
from core.analytics.score_trend import read_score_trend
from core.analytics.trend_filter import GROUPINGS, TrendFilter
from core.analytics.trends import find_today, read_trend
from core.analytics.yields import read_action_times, read_yields
from core.reports.group_labels import GroupNames, read_group_names
from core.reports.layout import Words
from core.reports.tables import Sheet, stream_csv, write_workbook
from core.reports.trend_tables import (
    action_sheet,
    agreement_sheet,
    change_sheet,
    drift_sheet,
    rate_sheet,
    regions_sheet,
    scope_sheet,
    score_sheet,
    step_sheet,
    type_sheet,
    yield_sheet,
)

if TYPE_CHECKING:
    from core.analytics.scope import Scope
    from core.transactions import HasDatabase

TABLES = ("rate", "regions", "score", "types", "causes", "actions", "drift", "yield", "times", "agreement", "changes")


def count_types(services: HasDatabase, scope: Scope, names: GroupNames, words: Words) -> list[tuple[str, int]]:
    """Return the NG parts by the name of their defect type, the most frequent first. Raises AppError."""
    found = [group for group in count_groups(services, scope, "type") if group.counts.reject]
    with_product = len({names.type_products.get(group.key) for group in found if isinstance(group.key, int)}) > 1
    counts = [
        (
            names.type_name(
                group.key if isinstance(group.key, int) else None, words, with_product=with_product
            ),
            group.counts.reject,
        )
        for group in found
    ]  # fmt: skip
    return sorted(counts, key=lambda pair: (-pair[1], pair[0]))


def stream_trend_csv(
    services: HasDatabase, wanted: TrendFilter, table: str, *, language: str, zone: tzinfo = UTC
) -> Iterator[bytes]:
    """Yield one of `TABLES` as a CSV file in pieces. Raises AppError when the database fails."""
    words = Words(language, zone)
    sheet = _Figures(services, wanted, words).sheet(table)
    yield from stream_csv(sheet.columns, sheet.rows, zone=zone)


def write_trend_xlsx(
    services: HasDatabase, target: Path, wanted: TrendFilter, *, language: str, zone: tzinfo = UTC
) -> None:
    """Write every table as a sheet of an Excel workbook to `target`. Raises as `stream_trend_csv`, and OSError."""
    figures = _Figures(services, wanted, Words(language, zone))
    sheets = [figures.about(), *(figures.sheet(table) for table in TABLES)]
    write_workbook(target, sheets, zone=zone)


class _Figures:
    """Reads what a table needs, and each thing once."""

    def __init__(self, services: HasDatabase, wanted: TrendFilter, words: Words) -> None:
        self._services, self._wanted, self._words = services, wanted, words
        self._today: date = find_today(services)
        self._names = read_group_names(services)
        self._scope = wanted.to_scope(self._today)
        self._trend = read_trend(services, wanted, today=self._today)

    def sheet(self, table: str) -> Sheet:
        """Return one of `TABLES`."""
        return self._makers()[table]()

    def _makers(self) -> dict[str, Callable[[], Sheet]]:
        services, wanted, names, words, scope = self._services, self._wanted, self._names, self._words, self._scope
        trend, by = self._trend, wanted.by
        return {
            "rate": lambda: rate_sheet(trend, by, names, words),
            "regions": lambda: regions_sheet(trend, by, names, words),
            "score": lambda: score_sheet(read_score_trend(services, wanted, today=self._today), by, names, words),
            "types": lambda: type_sheet(count_types(services, scope, names, words), words),
            "causes": lambda: step_sheet(count_steps(services, scope, "cause"), words._("Causes"), words),
            "actions": lambda: step_sheet(count_steps(services, scope, "action"), words._("Actions taken"), words),
            "drift": lambda: drift_sheet(measure_drift(services, product_id=scope.product_id), words),
            "yield": lambda: yield_sheet(read_yields(services, scope), words),
            "times": lambda: action_sheet(read_action_times(services, scope), names, words),
            "agreement": lambda: agreement_sheet(read_agreement(services, scope), words),
            "changes": lambda: change_sheet(trend, words),
        }

    def about(self) -> Sheet:
        """Return the sheet that says what the others are of."""
        words, scope, names = self._words, self._scope, self._names
        product = names.products.get(scope.product_id or 0)
        filters = [
            (words._("Product"), words.product(product) if product is not None else words._("All")),
            (words._("Group by"), words._(GROUPINGS[self._wanted.by])),
            (words._("Time zone"), names.calendar.time_zone),
        ]
        for title, value in (
            (words._("Line"), scope.line),
            (words._("Lot"), scope.lot),
            (words._("Shift"), scope.shift),
        ):
            filters += [(title, value)] if value else []
        if scope.defect_type_id is not None:
            filters.append((words._("Defect type"), names.type_name(scope.defect_type_id, words)))
        if scope.version_id is not None:
            filters.append((words._("Model version"), names.label(scope.version_id, "version", words)))
        return scope_sheet(scope.first, scope.last, filters, words)
