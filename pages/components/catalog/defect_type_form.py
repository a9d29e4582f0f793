"""The fields of a defect type, for every screen that registers or edits one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from core.catalog.defect_types import SEVERITIES, create_defect_type
from core.catalog.outcomes import DEFECT, GOOD, OUTCOME_NAMES
from core.errors import AppError
from core.i18n import N_
from pages.components.shared.language import _, defect_name, escape
from pages.components.shared.session import person, say_after_rerun, services, show_error

if TYPE_CHECKING:
    from storage.tables import DefectType

SEVERITY_NAMES: dict[str, str] = {"minor": N_("Minor"), "major": N_("Major"), "critical": N_("Critical")}
SEVERITY_MEANINGS = N_(
    "Minor: a blemish. Major: the part may fail or be complained about. Critical: a danger to people or a total loss."
)


@dataclass(frozen=True)
class DefectTypeText:
    """What was typed; `code` is empty where it is not asked for."""

    code: str
    name_ko: str
    name_en: str
    description: str
    severity: str
    outcome: str = DEFECT
    phrase: str = ""


def fill_fields(key: str, text: DefectTypeText | None = None) -> None:
    """Put `text`, or nothing, into the fields before they are drawn."""
    text = text or DefectTypeText(code="", name_ko="", name_en="", description="", severity="major")
    for name in ("code", "name_ko", "name_en", "description", "severity", "outcome", "phrase"):
        st.session_state[f"{key}_{name}"] = getattr(text, name)


def ask_fields(key: str, *, with_code: bool, outcome: str | None = DEFECT) -> DefectTypeText:
    """Draw the fields inside the caller's form; what was typed stays under `key`.

    `outcome` is what the type is, a kind of defect or of good part; for None it is asked.
    """
    outcomes = {code_of: _(OUTCOME_NAMES[code_of]) for code_of in OUTCOME_NAMES}
    if outcome is None:
        outcome = st.segmented_control(
            _("Defect or good kind"),
            list(outcomes),
            key=f"{key}_outcome",
            required=True,
            format_func=lambda found: outcomes[found],
            help=_(
                "A product may have several kinds of good part (colours, variants, shapes). A good kind is never a "
                "defect: inspections never name it, and its images teach what is normal."
            ),
        )
    name_ko = st.text_input(_("Korean name"), key=f"{key}_name_ko", max_chars=190)
    code = ""
    if with_code:
        code = st.text_input(
            _("English name (code)"),
            key=f"{key}_code",
            max_chars=64,
            help=_("Letters A–Z, digits, “-” and “_”. File names are made of it, so it cannot be changed later."),
        )
    name_en = st.text_input(_("English name to show (optional)"), key=f"{key}_name_en", max_chars=190)
    names = {code_of: _(SEVERITY_NAMES[code_of]) for code_of in SEVERITIES}
    severity: str | None = "major"
    if outcome != GOOD:
        severity = st.segmented_control(
            _("Severity"),
            list(names),
            key=f"{key}_severity",
            required=True,
            format_func=lambda found: names[found],
            help=_(SEVERITY_MEANINGS),
        )
    description = st.text_area(_("Description (optional)"), key=f"{key}_description", height=140)
    phrase = st.text_input(
        _("Phrase for models that find by words (optional)"),
        key=f"{key}_phrase",
        max_chars=190,
        placeholder=_("the English name"),
        help=_("In English, as one would describe it: “deep scratch on metal”. Without it, the English name is used."),
    )
    return DefectTypeText(code, name_ko, name_en, description, severity or "major", outcome or DEFECT, phrase)


def register_defect_type(product_id: int, text: DefectTypeText) -> DefectType | None:
    """Register the type that was typed, and say so with the next run; None, with the reason shown, if that fails."""
    try:
        row = create_defect_type(
            services(),
            person(),
            product_id=product_id,
            code=text.code,
            name_ko=text.name_ko,
            name_en=text.name_en,
            description=text.description,
            severity=text.severity,
            outcome=text.outcome,
            phrase=text.phrase,
        )
    except AppError as error:
        show_error(error)
        return None
    say_after_rerun(_("“{name}” is registered.", name=escape(defect_name(row))))
    return row
