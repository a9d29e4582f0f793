"""The fields of a defect type, for every screen that registers or edits one."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core.defect_types import SEVERITIES
from core.i18n import N_
from pages.components.language import _

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


def fill_fields(key: str, text: DefectTypeText | None = None) -> None:
    """Put `text`, or nothing, into the fields before they are drawn."""
    text = text or DefectTypeText(code="", name_ko="", name_en="", description="", severity="major")
    for name in ("code", "name_ko", "name_en", "description", "severity"):
        st.session_state[f"{key}_{name}"] = getattr(text, name)


def ask_fields(key: str, *, with_code: bool) -> DefectTypeText:
    """Draw the fields inside the caller's form; what was typed stays under `key`."""
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
    severity = st.segmented_control(
        _("Severity"),
        list(names),
        key=f"{key}_severity",
        required=True,
        format_func=lambda found: names[found],
        help=_(SEVERITY_MEANINGS),
    )
    description = st.text_area(_("Description (optional)"), key=f"{key}_description", height=140)
    return DefectTypeText(code, name_ko, name_en, description, severity or "major")
