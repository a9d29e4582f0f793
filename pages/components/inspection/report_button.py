"""The button that fetches the inspection report as a PDF, to print or to file."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from core.reports.inspection_report import make_finding_report
from pages.components.shared.language import _, language, local
from pages.components.shared.noted_downloads import noted
from pages.components.shared.session import services

if TYPE_CHECKING:
    from core.inspections.records import InspectionRecord


def show_report_button(record: InspectionRecord) -> None:
    """Draw the button. The report is made when it is pressed: most inspections are never printed."""
    zone = local(record.created_at).tzinfo
    make = partial(make_finding_report, services(), record.id, language=language(), zone=zone)
    st.download_button(
        _("Print / PDF"),
        data=noted(make, "report", subject_type="inspection", subject_id=record.id, form="pdf"),
        file_name=f"inspection_{record.id}_{language()}.pdf",
        mime="application/pdf",
        key=f"report_{record.id}",
        icon=":material/print:",
        on_click="ignore",
        width="stretch",
    )
