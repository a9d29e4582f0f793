"""The button that fetches the whole finding as a PDF, to print or to file."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from core.reports.inspection_report import make_finding_report
from pages.components.shared.language import _, language, local
from pages.components.shared.session import services

if TYPE_CHECKING:
    from core.inspections.records import InspectionView


def show_report_button(view: InspectionView) -> None:
    """Made when it is pressed: most inspections are never printed."""
    row = view.inspection
    make = partial(make_finding_report, services(), row.id, language=language(), zone=local(row.created_at).tzinfo)
    st.download_button(
        _("Print / PDF"),
        data=make,
        file_name=f"inspection_{row.id}_{language()}.pdf",
        mime="application/pdf",
        key=f"report_{row.id}",
        icon=":material/print:",
        on_click="ignore",
        width="stretch",
    )
