"""What the trained model in use said, in words: the same on the screen, in the PDF and on the page of a part."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.errors import describe
from core.i18n import N_, translate

if TYPE_CHECKING:
    from core.catalog.names import DefectTypeName
    from core.inspections.trained.records import TrainedFinding

_RAISED = N_("Held back by trained model v{number}: {label} {share}. The score alone would have let the part pass.")
_DEFECT = N_("Trained model v{number}: {label} {share}")
_GOOD = N_("Trained model v{number} sees none of the defects that it was taught ({label} {share}).")
_NOTHING = N_("Trained model v{number} sees none of the defects that it was taught.")
_FAILED = N_("Trained model v{number} could not be asked, so the verdict stands on the score alone: {reason}")
_GOOD_PART = N_("good part")


def describe_trained(finding: TrainedFinding, named: DefectTypeName | None, language: str) -> str:
    """Return what it said in a sentence of `language`; `named` is the type of its label, None for an unknown one."""
    if finding.error_code:
        reason = describe(finding.error_code, {}, language)
        return translate(language, _FAILED).format(number=finding.number, reason=reason)
    if finding.raised:
        msgid = _RAISED
    elif finding.is_defect:
        msgid = _DEFECT
    else:
        msgid = _GOOD if finding.label else _NOTHING
    return translate(language, msgid).format(
        number=finding.number, label=_name(finding, named, language), share=f"{finding.probability:.0%}"
    )


def _name(finding: TrainedFinding, named: DefectTypeName | None, language: str) -> str:
    if named is not None:
        return named.name_ko if language == "ko" else named.name_en or named.code
    return translate(language, _GOOD_PART) if finding.label == "good" else finding.label
