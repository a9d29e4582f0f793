"""Model report: how good a memory bank is on its test images, and which two thresholds suit the line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.access import ENGINEER
from core.catalog.products import list_products
from core.errors import AppError
from core.model_report.reading import read_report
from core.registry.retention import is_kept
from pages.components.analysis.model_report.cell_images import show_open_cell
from pages.components.analysis.model_report.choice import choose_version
from pages.components.analysis.model_report.figures_view import show_figures
from pages.components.analysis.model_report.measuring import (
    show_freshness,
    show_not_measured,
    show_without_images,
    show_without_version,
)
from pages.components.analysis.model_report.threshold_history import show_history
from pages.components.analysis.model_report.thresholds_view import show_thresholds
from pages.components.analysis.model_report.version_comparison import show_comparison
from pages.components.deployment.what_would_change import show_open_replay
from pages.components.shared import screens
from pages.components.shared.labels import name_model
from pages.components.shared.language import _, escape, moment, number
from pages.components.shared.session import require, services, show_error

if TYPE_CHECKING:
    from core.model_report.records import ModelReport
    from storage.tables import ModelVersion, Product

require(ENGINEER)


def show_screen() -> None:
    """Show the choice of a version, then its report."""
    summaries = list_products(services())
    if not summaries:
        st.title(_("Model report"))
        st.info(_("There is no product yet. Register one and add its images first."), icon=":material/category:")
        screens.link_to(screens.PRODUCTS, _("Register a product"))
        return
    product, version, versions = choose_version([summary.product for summary in summaries])
    if version is None:
        show_without_version(product)
        return
    report = find_report(version, product)
    if report is None:
        return
    show_freshness(report, product)
    show_report(report, version, versions)
    show_open_cell(report)
    show_open_replay(versions)


def find_report(version: ModelVersion, product: Product) -> ModelReport | None:
    """Return the report; None where the version was not measured, after saying what to do about it."""
    try:
        return read_report(services(), version.id)
    except AppError as error:
        if error.code == "report_not_measured":
            show_not_measured(version, product)
        elif error.code == "report_without_test_images":
            show_without_images(product)
        else:
            show_error(error)
        return None


def show_report(report: ModelReport, version: ModelVersion, versions: list[ModelVersion]) -> None:
    """Show what the report is of, and the view of it that is chosen."""
    views = {
        "thresholds": _("Set thresholds"),
        "figures": _("Figures and curves"),
        "compare": _("Compare versions"),
        "history": _("History"),
    }
    left, right = st.columns([1.6, 1], vertical_alignment="center")
    chosen = left.segmented_control(
        _("View"),
        list(views),
        key="model_report_view",
        default="thresholds",
        required=True,
        format_func=lambda view: views[view],
        label_visibility="collapsed",
    )
    right.caption(describe_head(report, version))
    if version.view:
        with right:
            screens.link_to(
                screens.COMBINE_VIEWS,
                _("Combine views"),
                icon=":material/join_inner:",
                query={"product": str(report.head.product_id)},
            )
    if chosen == "figures":
        show_figures(report)
    elif chosen == "compare":
        show_comparison(report, versions)
    elif chosen == "history":
        show_history(report)
    else:
        show_thresholds(report)


def describe_head(report: ModelReport, version: ModelVersion) -> str:
    """Return model, size of the test and when it was measured, on one line."""
    parts = [
        escape(name_model(report.head.model_name)),
        _("{good} good + {defects} defect test images", good=number(report.n_good), defects=number(report.n_defect)),
        _("measured {when}", when=moment(report.measured_at)),
    ]
    if not is_kept(version):
        parts.append(_("its model is no longer kept"))
    return " · ".join(parts)


show_screen()
