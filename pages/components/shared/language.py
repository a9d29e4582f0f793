"""The run's language: messages, numbers, sizes, durations and moments as the person at the screen reads them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from core.catalog.names import name_defect, name_product
from core.catalog.views import name_view
from core.i18n import DEFAULT_LANGUAGE, LANGUAGES, choose_language, translate, translate_plural

if TYPE_CHECKING:
    from core.catalog.names import HasDefectNames, HasProductNames
    from core.catalog.views import HasViewNames

_LANGUAGE_KEY = "language"
_MARKDOWN_CHARACTERS = re.compile(r"([\\`*_{}\[\]()<>#+!|~$:^-])")
# What becomes a link by itself: addresses of pages, and of mail.
_LINK_STARTS = re.compile(r"https?:(?=//)|www(?=\.)|@(?=[-\w]+\.)", re.IGNORECASE)


def set_language(language: str) -> None:
    """Make `language` the one of this browser session."""
    st.session_state[_LANGUAGE_KEY] = language if language in LANGUAGES else DEFAULT_LANGUAGE


def language() -> str:
    """Return the language of this run: "ko" or "en"."""
    return str(st.session_state.get(_LANGUAGE_KEY) or browser_language())


def browser_language(fallback: str | None = None) -> str:
    """Return the browser's language where we have it, else `fallback`, else English."""
    return choose_language(saved=None, browser=st.context.locale, fallback=fallback or DEFAULT_LANGUAGE)


def _(msgid: str, **params: object) -> str:
    """Return `msgid` in the run's language, with `params` filled in."""
    text = translate(language(), msgid)
    return text.format(**params) if params else text


def _n(singular: str, plural: str, count: int, **params: object) -> str:
    """Return the form of the message for `count`, which fills `{count}`."""
    text = translate_plural(language(), singular, plural, count)
    return text.format(count=number(count), **params)


def escape(text: str) -> str:
    """Return `text` as plain characters inside a label or a sentence that Streamlit reads as Markdown.

    An address in it is no link either: a character without width stands in it, because no escape would help.
    """
    return _MARKDOWN_CHARACTERS.sub(r"\\\1", _LINK_STARTS.sub("\\g<0>\u2060", text))


def number(value: float, decimals: int = 0) -> str:
    """Return a number with thousands separators; Korean and English write them alike."""
    return f"{value:,.{decimals}f}"


def percent(share: float, decimals: int = 1) -> str:
    """Return a share of 0..1 in percent."""
    return f"{share * 100:.{decimals}f}%"


def score(value: float) -> str:
    """Return an anomaly score (a distance) with the digits that a person can compare: about four that count."""
    if value == 0 or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}" if abs(value) < 100 else f"{value:.1f}"


def byte_size(size: int) -> str:
    """Return a number of bytes in the unit that fits."""
    value = float(size)
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1024 or unit == "GB":
            return f"{value:,.0f} {unit}" if unit == "B" or value >= 100 else f"{value:,.1f} {unit}"
        value /= 1024
    raise AssertionError("unreachable")


def duration(seconds: float) -> str:
    """Return a span of time as text: "12 s", "3 min 05 s", "1 h 20 min"."""
    whole = max(0, round(seconds))
    if whole < 60:
        return _("{seconds} s", seconds=whole)
    if whole < 3600:
        return _("{minutes} min {seconds} s", minutes=whole // 60, seconds=f"{whole % 60:02d}")
    return _("{hours} h {minutes} min", hours=whole // 3600, minutes=f"{whole % 3600 // 60:02d}")


def time_zone() -> tzinfo:
    """Return the person's own time zone; UTC where the browser does not tell."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def local(when: datetime) -> datetime:
    """Return `when` (aware) in the person's own time zone."""
    return when.astimezone(time_zone())


def moment(when: datetime | None) -> str:
    """Return date and time of day in the person's zone; a dash for none."""
    return local(when).strftime("%Y-%m-%d %H:%M") if when else "–"


def day(when: datetime | None) -> str:
    """Return the date in the person's zone; a dash for none."""
    return local(when).strftime("%Y-%m-%d") if when else "–"


def clock(when: datetime) -> str:
    """Return the time of day with seconds in the person's zone."""
    return local(when).strftime("%H:%M:%S")


def defect_name(defect_type: HasDefectNames | None) -> str:
    """Return the defect type's name in the run's language; its code where that name is missing; a dash for none."""
    if defect_type is None:
        return "–"
    return name_defect(defect_type, language())


def view_name(view: HasViewNames) -> str:
    """Return the name of a product's view in the run's language; the other one where there is none of its own."""
    return name_view(view, language())


def product_name(product: HasProductNames) -> str:
    """Return the product's name in the run's language; the other one where there is none of its own."""
    return name_product(product, language())
