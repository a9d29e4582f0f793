"""What speaks against a dataset version, in sentences."""

from __future__ import annotations

from core.datasets.report_records import DatasetReport
from core.errors import describe

_MOST_NAMES = 5


def describe_warnings(report: DatasetReport, language: str) -> list[str]:
    """Return the sentence of each warning, with the parts or labels that it is about."""
    params: dict[str, str | int] = {"labels": _name(report.few), "count": report.near_copies}
    told = []
    for code in report.warnings:
        text = describe(code, params, language)
        if code == "dataset_warns_leaks" and report.leaking_parts:
            text += f" ({_name(report.leaking_parts)})"
        told.append(text)
    return told


def _name(names: tuple[str, ...]) -> str:
    return ", ".join(names[:_MOST_NAMES]) + (" …" if len(names) > _MOST_NAMES else "")
