"""Lines of a job's log in words: the codes in their parameters (reasons, methods, parts) are said, too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.errors import describe
from core.i18n import N_
from core.jobs.records import LogLine
from core.messages import MESSAGES
from pages.components.shared.labels import THRESHOLD_METHODS, label_of
from pages.components.shared.language import language

_PARTS: dict[str, str] = {
    "normal": N_("normal images"),
    "defect": N_("defect images"),
    "region": N_("defective places"),
}


def log_sentence(line: LogLine) -> str:
    """Return one line of the log in the run's language."""
    said = dict(line.params)
    if line.reason is not None:
        said["reason"] = reason_sentence(line.reason.code, {**line.params, **line.reason.params})
    if "method" in said:
        said["method"] = label_of(THRESHOLD_METHODS, str(said["method"]))
    if "part" in said:
        said["part"] = label_of(_PARTS, str(said["part"]))
    return describe(line.code, said, language())


def reason_sentence(reason: str, params: Mapping[str, Any]) -> str:
    """Return why something was left out or failed: the sentence of the code `reason`, or the code where it has none."""
    return describe(reason, dict(params), language()) if reason in MESSAGES else reason
