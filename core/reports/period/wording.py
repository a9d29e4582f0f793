"""The words of a period report, alike on paper, in the workbook and on the screen: titles, figures, changes, notes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from core.access import ROLE_NAMES
from core.analytics.charts.control_charts import FEWEST_POINTS
from core.i18n import N_, translate_plural
from core.models.options import find_option
from core.reports.layout import Words
from core.reports.period.rows import AGE_DAYS

if TYPE_CHECKING:
    from core.reports.period.contents import PeriodContents, PeriodFigures, TypeCount
    from core.reports.period.in_force import ModelInForce
    from core.schedules.periods import Period

TITLES = {
    "shift": N_("Shift report"),
    "day": N_("Daily report"),
    "week": N_("Weekly report"),
    "lot": N_("Lot report"),
}
_RUNNING = {
    "shift": N_("The shift is still running: the figures are those of its part until {time}."),
    "day": N_("The day is not over: the figures are those of its part until {time}."),
    "week": N_("The week is not over: the figures are those of its part until {time}."),
}
SIGNATURES = (N_("Prepared"), N_("Checked"), N_("Approved"))
FigureKind = Literal["count", "share", "time"]
_MOST_CHANGES_TOLD = 4


@dataclass(frozen=True)
class FigureRow:
    """A figure with that of the period before: counts and shares (0 to 1) as numbers, times in seconds."""

    name: str
    kind: FigureKind
    value: float | None
    before: float | None


def words_of(contents: PeriodContents) -> Words:
    """Return the words of a report: in its language, moments in the plant's time zone."""
    return Words(contents.request.language, contents.calendar.zone)


def title_of(contents: PeriodContents, words: Words) -> str:
    """Return the report's title, such as "Shift report"."""
    return words._(TITLES[contents.request.period.kind])


def name_period(period: Period, words: Words) -> str:
    """Return the period in words: the day with its weekday, the week with its number, the lot with its days."""
    if period.kind == "shift":
        return f"{name_day(period.first, words)} · {period.shift}"
    if period.kind == "day":
        return name_day(period.first, words)
    if period.kind == "week":
        number = words._("week {number}", number=period.first.isocalendar().week)
        return f"{period.first.isoformat()} – {period.last.isoformat()} ({number})"
    days = period.first.isoformat()
    if period.last != period.first:
        days += f" – {period.last.isoformat()}"
    return f"{period.lot} ({days})"


def name_day(day: date, words: Words) -> str:
    """Return a day with its weekday."""
    from babel.dates import format_date

    return format_date(day, "yyyy-MM-dd (EEE)", locale=words.language)


def list_facts(contents: PeriodContents, words: Words) -> list[tuple[str, str]]:
    """Return what stands at the head of a report: of what and when it is, and by whom it was made."""
    request, period = contents.request, contents.request.period
    product = words._("All products")
    if request.product is not None:
        product = f"{words.product(request.product)} ({request.product.code})"
    facts = [
        (words._("Lot") if period.kind == "lot" else words._("Period"), name_period(period, words)),
        (words._("Product"), product),
        (words._("Line"), request.line or words._("All lines")),
    ]
    if period.kind != "lot":
        zone = contents.calendar.time_zone
        facts.insert(1, (words._("From – to"), f"{words.moment(period.start)} – {words.moment(period.end)} ({zone})"))
    else:
        facts.insert(1, (words._("Time zone"), contents.calendar.time_zone))
    return [
        *facts,
        (words._("Made"), f"{words.moment(contents.made_at)} · {name_person(contents.made_by, words)}"),
        (words._("Data as of"), words.moment(contents.made_at)),
    ]


def name_person(name: str, words: Words) -> str:
    """Return a person's name; the built-in people are called by their role."""
    return words._(name) if name in ROLE_NAMES.values() else name or "–"


def list_figures(contents: PeriodContents, words: Words) -> list[FigureRow]:
    """Return the figures in the order in which they are read."""

    def row(name: str, kind: FigureKind, of: str) -> FigureRow:
        return FigureRow(name, kind, _pick(contents.figures, of), _pick(contents.before, of))

    return [
        row(words._("Inspections"), "count", "n"),
        row(words._("OK"), "count", "ok"),
        row(words._("Review"), "count", "review"),
        row(words._("NG"), "count", "reject"),
        row(words._("Defect rate"), "share", "defect_rate"),
        row(words._("First-pass yield"), "share", "first_pass"),
        row(words._("Verdicts changed by people"), "count", "overridden"),
        row(words._("Actions open"), "count", "open"),
        row(words._("Actions done"), "count", "done"),
        row(words._("Median time until an action is done"), "time", "time"),
    ]


def write_value(value: float | None, kind: FigureKind, words: Words) -> str:
    """Return a figure as text; a dash for none."""
    if value is None:
        return "–"
    if kind == "share":
        return f"{value:.2%}"
    if kind == "time":
        return write_time(timedelta(seconds=value), words)
    return f"{value:,.0f}"


def write_change(row: FigureRow, words: Words) -> str:
    """Return the change against the period before: of shares in percentage points, of counts also in percent."""
    if row.value is None or row.before is None:
        return "–"
    change = row.value - row.before
    if row.kind == "share":
        return (
            "±0" if abs(change) < 0.00005 else words._("{change} pp", change=f"{_sign(change)}{abs(change) * 100:.2f}")
        )
    if not change:
        return "±0"
    if row.kind == "time":
        return f"{_sign(change)}{write_time(timedelta(seconds=abs(change)), words)}"
    relative = f" ({_sign(change)}{abs(change) / row.before:.0%})" if row.before else ""
    return f"{_sign(change)}{abs(change):,.0f}{relative}"


def write_time(span: timedelta, words: Words) -> str:
    """Return a span of time in its two largest units."""
    minutes = max(0, round(span.total_seconds() / 60))
    if minutes < 60:
        return words._("{minutes} min", minutes=minutes)
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return words._("{hours} h {minutes} min", hours=hours, minutes=f"{minutes:02d}")
    days, hours = divmod(hours, 24)
    return words._("{days} d {hours} h", days=days, hours=hours)


def name_type(found: TypeCount, words: Words, *, with_product: bool) -> str:
    """Return the name of a defect type, with its product where several products are counted together."""
    if found.defect_type is None or found.product is None:
        return words._("not named")
    name = words.defect(found.defect_type)
    return f"{name} · {words.product(found.product)}" if with_product else name


def name_types(contents: PeriodContents, words: Words) -> list[str]:
    """Return the names of the counted types; those of several products with their product."""
    several = len({one.product.id for one in contents.types if one.product is not None}) > 1
    return [name_type(one, words, with_product=several) for one in contents.types]


def name_group(name: str, words: Words) -> str:
    """Return the name of a line or shift as it was noted."""
    return name or words._("not noted")


def name_model(model_name: str, words: Words) -> str:
    """Return what a model is called; its own name where it is unknown here."""
    option = find_option(model_name)
    return model_name if option is None else words._(option.title, backbone=option.network_title)


def name_ages(words: Words) -> list[str]:
    """Return the names of the ages of open actions, the youngest first."""
    _n = _plural_of(words)
    first, *others = AGE_DAYS
    names = [_n("under {count} day", "under {count} days", first)]
    for younger, older in zip(AGE_DAYS, others, strict=False):
        names.append(words._("{first} to {last} days", first=younger, last=older))
    return [*names, words._("over {count} days", count=AGE_DAYS[-1])]


def list_notes(contents: PeriodContents, words: Words, *, with_pictures: bool = True) -> list[str]:
    """Return what a reader must know: what is not complete, what changed, what is left out (also of the pictures)."""
    left_out = contents.n_rejected - len(contents.parts)
    notes = list(_notes(contents, words))
    if with_pictures and left_out > 0:
        notes.append(
            words._(
                "The first {count} of {total} rejected parts are shown.",
                count=len(contents.parts),
                total=f"{contents.n_rejected:,}",
            )
        )
    return notes


def is_change(models: Sequence[ModelInForce]) -> bool:
    """Return whether another model or other thresholds came into force during the period."""
    return any(model.is_change for model in models)


def _notes(contents: PeriodContents, words: Words) -> Iterator[str]:
    _n = _plural_of(words)
    period, chart = contents.request.period, contents.chart
    if contents.is_empty:
        yield words._("Nothing was inspected in this period.")
    if contents.is_running:
        yield words._(_RUNNING[period.kind], time=words.moment(contents.made_at))
    if contents.skipped:
        yield _n(
            "{count} report before this one was not made, because nothing was running when it fell due.",
            "{count} reports before this one were not made, because nothing was running when they fell due.",
            contents.skipped,
        )
    changes = [model for model in contents.models if model.is_change]
    for model in changes[:_MOST_CHANGES_TOLD]:
        yield words._(
            "{product}: from {time} on, another model or other thresholds judged (version {number}).",
            product=words.product(model.product),
            time=words.moment(model.first_at),
            number=model.number,
        )
    if len(changes) > _MOST_CHANGES_TOLD:
        yield _n("And {count} more change.", "And {count} more changes.", len(changes) - _MOST_CHANGES_TOLD)
    if contents.n_waiting_review:
        yield _n(
            "{count} part waits for a review; its verdict may still change.",
            "{count} parts wait for a review; their verdicts may still change.",
            contents.n_waiting_review,
        )
    if not contents.is_empty and chart.center is None:
        yield words._(
            "The chart has no control limits: they need {needed} samples, and there are {count}.",
            needed=FEWEST_POINTS,
            count=chart.n_samples,
        )


def describe_limits(contents: PeriodContents, words: Words) -> str:
    """Return what the limits of the chart stand on; "" without limits."""
    _n = _plural_of(words)
    chart = contents.chart
    if chart.center is None:
        return ""
    text = (
        words._("Limits: 3 sigma around {center}, from the {count} samples of the period itself.")
        if chart.is_own
        else words._("Limits: 3 sigma around {center}, from the {count} samples before the period.")
    )
    outside = words._("None lies outside.")
    if chart.outside:
        outside = _n("{count} sample lies outside.", "{count} samples lie outside.", len(chart.outside))
    return f"{text.format(center=f'{chart.center:.2%}', count=chart.n_samples)} {outside}"


def name_sample(start: datetime | date, contents: PeriodContents) -> str:
    """Return the short name of a sample on the chart's axis: the hour, or the day of the month."""
    if isinstance(start, datetime):
        return start.astimezone(contents.calendar.zone).strftime("%H:%M")
    return start.strftime("%m-%d")


def _pick(figures: PeriodFigures | None, of: str) -> float | None:
    if figures is None:
        return None
    counts, actions = figures.counts, figures.actions
    values: dict[str, float | None] = {
        "n": counts.n,
        "ok": counts.ok,
        "review": counts.review,
        "reject": counts.reject,
        "defect_rate": counts.defect_rate,
        "first_pass": figures.first_pass.share,
        "overridden": counts.overridden,
        "open": actions.n_open,
        "done": actions.n_done,
        "time": None if actions.median_to_done is None else actions.median_to_done.total_seconds(),
    }
    return values[of]


def _plural_of(words: Words) -> Callable[[str, str, int], str]:
    """Return what gives the form of a message for a count, which fills `{count}`."""
    return lambda singular, plural, count: translate_plural(words.language, singular, plural, count).format(
        count=f"{count:,}"
    )


def _sign(change: float) -> str:
    # The hyphen and not the minus sign: the font of reports has none.
    return "+" if change > 0 else "-"
