"""The contents of a period report as one JSON object, for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.catalog.names import DefectTypeName
from core.reports.period.rows import AGE_DAYS

if TYPE_CHECKING:
    from core.reports.period.contents import NamedCounts, PeriodContents, PeriodFigures


def to_json(contents: PeriodContents) -> dict[str, Any]:
    """Return the report as JSON values: moments in UTC, rates from 0 to 1, times in seconds."""
    request, chart = contents.request, contents.chart
    return {
        "period": request.period.to_json(),
        "before": None if request.before is None else request.before.to_json(),
        "time_zone": contents.calendar.time_zone,
        "product": None if request.product is None else request.product.code,
        "line": request.line or None,
        "made_at": contents.made_at.isoformat(),
        "is_running": contents.is_running,
        "figures": _figures(contents.figures),
        "figures_before": None if contents.before is None else _figures(contents.before),
        "chart": {
            "by": chart.by,
            "center": chart.center,
            "samples": chart.n_samples,
            "points": [
                {
                    "start": point.start.isoformat(),
                    "n": point.n,
                    "reject": point.n_reject,
                    "lower": point.lower,
                    "upper": point.upper,
                    "outside": point.is_outside,
                }
                for point in chart.points
            ],
        },
        "types": [
            {
                "product": None if one.product is None else one.product.code,
                "defect_type": _code(one.defect_type),
                "count": one.count,
            }
            for one in contents.types
        ],
        "causes": [{"text": cause.text, "count": cause.count} for cause in contents.causes],
        "products": [_counts(group) for group in contents.products],
        "lines": [_counts(group) for group in contents.lines],
        "shifts": [_counts(group) for group in contents.shifts],
        "first_rejected": [
            {
                "inspection": part.id,
                "at": part.created_at.isoformat(),
                "product": part.product.code,
                "defect_type": _code(part.defect_type),
                "line": part.line,
                "lot": part.lot,
                "serial": part.serial,
                "score": part.score,
                "action": part.action_status,
            }
            for part in contents.parts
        ],
        "open_actions": {
            "count": contents.open_actions.n,
            "by_age_days": dict(zip(_ages(), contents.open_actions.by_age, strict=True)),
        },
        "models": [
            {
                "product": model.product.code,
                "version": model.number,
                "review_at": model.review_at,
                "reject_at": model.reject_at,
                "method": model.method,
                "inspections": model.n,
                "first_at": model.first_at.isoformat(),
                "last_at": model.last_at.isoformat(),
                "changed": model.is_change,
            }
            for model in contents.models
        ],
        "waiting_reviews": contents.n_waiting_review,
    }


def _figures(figures: PeriodFigures) -> dict[str, Any]:
    counts, actions = figures.counts, figures.actions
    return {
        "inspections": counts.n,
        "ok": counts.ok,
        "review": counts.review,
        "reject": counts.reject,
        "defect_rate": counts.defect_rate,
        "first_pass_yield": figures.first_pass.share,
        "overridden": counts.overridden,
        "actions_open": actions.n_open,
        "actions_done": actions.n_done,
        "median_seconds_to_done": None if actions.median_to_done is None else actions.median_to_done.total_seconds(),
    }


def _counts(group: NamedCounts) -> dict[str, Any]:
    counts = group.counts
    return {
        "name": group.name,
        "inspections": counts.n,
        "ok": counts.ok,
        "review": counts.review,
        "reject": counts.reject,
        "defect_rate": counts.defect_rate,
    }


def _code(kind: DefectTypeName | None) -> str | None:
    return None if kind is None else kind.code


def _ages() -> list[str]:
    edges = [0, *AGE_DAYS]
    return [*(f"{low}-{high}" for low, high in zip(edges, AGE_DAYS, strict=False)), f"{AGE_DAYS[-1]}+"]
