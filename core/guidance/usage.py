"""What the guidance costs: calls, tokens and dollars by day and model, and how it is rated."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from sqlmodel import col, select

from core.transactions import reading
from storage.tables import ResponseHistory, utc_now

if TYPE_CHECKING:
    from core.services import Services

PRICES_AS_OF = "2026-01"
_MILLION = 1_000_000
# US dollars for a million tokens, in and out, as Anthropic published them; the longest prefix that fits counts.
_PRICES_USD: dict[str, tuple[float, float]] = {
    "claude-3-haiku": (0.25, 1.25),
    "claude-3-5-haiku": (0.80, 4.0),
    "claude-3-5-sonnet": (3.0, 15.0),
    "claude-3-7-sonnet": (3.0, 15.0),
    "claude-haiku-4-5": (1.0, 5.0),
    "claude-sonnet-4": (3.0, 15.0),
    "claude-opus-4-0": (15.0, 75.0),
    "claude-opus-4-1": (15.0, 75.0),
    "claude-opus-4-2": (15.0, 75.0),  # claude-opus-4-20250514
    "claude-opus-4-5": (5.0, 25.0),
}


@dataclass(frozen=True)
class DayOfUse:
    """One day (UTC) of one model. `cost_usd` is None where its price is not known; quoting the manual costs nothing."""

    day: date
    model_name: str
    n_written: int
    n_fallbacks: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    mean_latency_ms: float
    thumbs_up: int
    thumbs_down: int


def list_use(services: Services, *, days: int = 30) -> list[DayOfUse]:
    """Return the use of the last `days` days, newest first, a row for each day and model."""
    today = utc_now().astimezone(UTC).date()
    first = datetime.combine(today - timedelta(days=days - 1), datetime.min.time(), tzinfo=UTC)
    # Only the columns that are counted: the texts of a month are many megabytes.
    columns = (
        col(ResponseHistory.created_at),
        col(ResponseHistory.model_name),
        col(ResponseHistory.input_tokens),
        col(ResponseHistory.output_tokens),
        col(ResponseHistory.latency_ms),
        col(ResponseHistory.fallback_code),
        col(ResponseHistory.rating),
    )
    groups: dict[tuple[date, str], list[tuple[int, int, float, str | None, int | None]]] = {}
    with reading(services) as session:
        for when, model, *row in session.execute(
            select(*columns).where(col(ResponseHistory.created_at) >= first)  # type: ignore[call-overload]
        ).all():
            groups.setdefault((when.date(), model), []).append(tuple(row))
    return [_sum_up(day, model, rows) for (day, model), rows in sorted(groups.items(), reverse=True)]


def _sum_up(day: date, model: str, rows: list[tuple[int, int, float, str | None, int | None]]) -> DayOfUse:
    tokens_in, tokens_out = sum(row[0] for row in rows), sum(row[1] for row in rows)
    return DayOfUse(
        day=day,
        model_name=model,
        n_written=len(rows),
        n_fallbacks=sum(row[3] is not None for row in rows),
        input_tokens=tokens_in,
        output_tokens=tokens_out,
        cost_usd=price_usd(model, input_tokens=tokens_in, output_tokens=tokens_out),
        mean_latency_ms=sum(row[2] for row in rows) / len(rows),
        thumbs_up=sum(row[4] == 1 for row in rows),
        thumbs_down=sum(row[4] == -1 for row in rows),
    )


def price_usd(model_name: str, *, input_tokens: int, output_tokens: int) -> float | None:
    """Return what the tokens cost by the table above; 0 without tokens, None for a model that is not in it."""
    if input_tokens == 0 and output_tokens == 0:
        return 0.0
    fitting = [prefix for prefix in _PRICES_USD if model_name.startswith(prefix)]
    if not fitting:
        return None
    price_in, price_out = _PRICES_USD[max(fitting, key=len)]
    return (input_tokens * price_in + output_tokens * price_out) / _MILLION
