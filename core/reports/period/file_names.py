"""What a report's file is called: the same for the same report, and safe on every file system and in every address."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.reports.period.request import ReportRequest

_LONGEST_BYTES = 40
_STEMS = {"shift": "shift-report", "day": "daily-report", "week": "weekly-report", "lot": "lot-report"}


def name_report(request: ReportRequest, ending: str) -> str:
    """Return such as `shift-report_2026-11-26_day-shift_bracket_ko.pdf`: kind, period, what it is narrowed to."""
    period = request.period
    if period.kind == "lot":
        when = [make_slug(period.lot)]
    elif period.kind == "week":
        year, week, _day = period.first.isocalendar()
        when = [f"{year}-W{week:02d}"]
    else:
        when = [period.first.isoformat(), *([make_slug(period.shift)] if period.shift else [])]
    narrowed = [make_slug(request.product.code)] if request.product is not None else []
    if request.line:
        narrowed.append(f"line-{make_slug(request.line)}")
    return "_".join([_STEMS[period.kind], *when, *narrowed, request.language]) + f".{ending}"


def make_slug(text: str) -> str:
    """Return a name as a part of a file's name: lower-case letters and digits of any script, joined by hyphens.

    Where something is lost on the way, a few characters tell two such names apart.
    """
    composed = unicodedata.normalize("NFC", text).strip()
    slug = re.sub(r"[\W_]+", "-", composed.lower()).strip("-")
    shortened = slug.encode()[:_LONGEST_BYTES].decode(errors="ignore").strip("-")
    if shortened == re.sub(r"\s+", "-", composed.lower()):
        return shortened
    mark = hashlib.sha256(composed.encode("utf-8", "surrogatepass")).hexdigest()[:6]
    return f"{shortened}-{mark}" if shortened else mark
