"""Whether a type of a product is a kind of defect, or a kind of good part: only the former is ever found or decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.errors import BadInput
from core.i18n import N_

if TYPE_CHECKING:
    from storage.tables import DefectType

DEFECT, GOOD = "defect", "good"
OUTCOME_NAMES: dict[str, str] = {DEFECT: N_("Defect"), GOOD: N_("Good kind")}


def is_offered(row: DefectType) -> bool:
    """Return whether an inspection may name the type: a kind of defect that is in use."""
    return row.is_active and row.outcome == DEFECT


def check_is_defect(row: DefectType) -> None:
    """Raise BadInput good_kind_is_no_defect for a kind of good part."""
    if row.outcome != DEFECT:
        raise BadInput("good_kind_is_no_defect", defect_code=row.code)
