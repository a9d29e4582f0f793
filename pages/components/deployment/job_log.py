"""Lines of a job's log in words: the codes in their parameters (reasons, methods, parts) are said, too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.errors import describe
from core.i18n import N_
from core.messages import MESSAGES
from pages.components.shared.labels import THRESHOLD_METHODS, label_of
from pages.components.shared.language import language

_PARTS: dict[str, str] = {
    "normal": N_("normal images"),
    "defect": N_("defect images"),
    "region": N_("defective places"),
}


def log_sentence(code: str, params: Mapping[str, Any]) -> str:
    """Return one line of the log in the run's language."""
    said = dict(params)
    if "reason" in said:
        said["reason"] = reason_sentence(str(said["reason"]), said)
    if "method" in said:
        said["method"] = label_of(THRESHOLD_METHODS, str(said["method"]))
    if "part" in said:
        said["part"] = label_of(_PARTS, str(said["part"]))
    return describe(code, said, language())


def reason_sentence(reason: str, params: Mapping[str, Any]) -> str:
    """Why something was left out, or failed: the sentence of the code `reason`; what has no sentence stays as it is."""
    if reason not in MESSAGES:
        return reason
    given = {**params, **dict(params.get("reason_params") or {})}
    return describe(reason, given, language())
