"""What the report says of labels, rates and intervals, in the run's language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.model_report.records import DEFECT, GOOD, code_of_label
from pages.components.shared.language import _, defect_name, number, percent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.model_report.comparison_records import Difference
    from core.model_report.records import Interval, ModelReport, Rate

# Below a half it can be said as one in so many.
_HALF = 0.5


def name_types(report: ModelReport) -> dict[str, str]:
    """Return the names of the defect types of the test images by their codes."""
    return {found.code: defect_name(found.name) if found.name is not None else found.code for found in report.types}


def name_label(label: str, names: Mapping[str, str]) -> str:
    """Return what a true label is called; `names` are those of the defect types."""
    if label == GOOD:
        return _("Good parts")
    if label == DEFECT:
        return _("All defects")
    code = code_of_label(label) or label
    return names.get(code, code)


def describe_missed(escape: Rate) -> str:
    """Return how many defects pass, and with 95 % certainty at most how many of all would."""
    if not escape.total or escape.high is None:
        return _("There are no defects among the test images.")
    counts = _("{count} of {total} defects missed", count=number(escape.count), total=number(escape.total))
    if 0 < escape.high <= _HALF:
        sure = _("with 95% certainty fewer than 1 in {one_in} pass", one_in=number(int(1 / escape.high)))
    else:
        sure = _("up to {share} may pass: the images say no more", share=percent(escape.high))
    return f"{counts}: {sure}."


def describe_alarms(overkill: Rate) -> str:
    """Return how many good parts are judged NG, and with 95 % certainty at most how many of all would."""
    if not overkill.total or overkill.high is None:
        return _("There are no good parts among the test images.")
    counts = _("{count} of {total} good parts judged NG", count=number(overkill.count), total=number(overkill.total))
    sure = _("with 95% certainty at most {share}", share=percent(overkill.high))
    return f"{counts}: {sure}."


def describe_rate(rate: Rate) -> str:
    """Return count, total and the bounds of a rate in a cell of a table."""
    if not rate.total or rate.low is None or rate.high is None:
        return "–"
    return f"{number(rate.count)} / {number(rate.total)} ({percent(rate.low, 0)}–{percent(rate.high, 0)})"


def describe_interval(interval: Interval | None) -> str:
    """Return a figure with its bounds."""
    if interval is None:
        return "–"
    return f"{number(interval.value, 3)} ({number(interval.low, 3)}–{number(interval.high, 3)})"


def describe_difference(difference: Difference | None, *, in_percent: bool) -> str:
    """Return a difference with its bounds, and the p-value of its test where there is one."""
    if difference is None:
        return "–"
    scale, unit, digits = (100.0, _(" pp"), 1) if in_percent else (1.0, "", 3)
    # Adding 0 makes of a rounded −0 a plain 0.
    rounded = [round(scale * one, digits) + 0.0 for one in (difference.value, difference.low, difference.high)]
    if not any(rounded):
        return "="
    value, low, high = (f"{one:+.{digits}f}" if one else "0" for one in rounded)
    words = f"{value}{unit} ({low} … {high})"
    return words if difference.p is None else f"{words}, p = {difference.p:.3f}"
