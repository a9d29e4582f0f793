"""What there is of each product: images, manuals, models, inspections; and how many images of each defect type."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.access import ENGINEER
from core.models.kinds import MANUAL_INDEX, MEMORY_BANK, SIMILARITY_INDEX
from core.operations.model_findings import has_sources
from pages.components.deployment.model_state import state_label, state_of_kind
from pages.components.overview.address import dashboard_query, history_query
from pages.components.shared.language import _, defect_name, number, percent, product_name
from pages.components.shared.link_table import Cell, Color, Target, show_link_table
from pages.components.shared.screens import (
    DASHBOARD,
    DEFECT_IMAGES,
    HISTORY,
    MANUALS,
    MEMORY_BANKS,
    NORMAL_IMAGES,
)
from pages.components.shared.screens import MANUAL_INDEX as MANUAL_SCREEN
from pages.components.shared.screens import SIMILARITY_INDEX as SIMILARITY_SCREEN
from pages.components.shared.session import may

if TYPE_CHECKING:
    from core.analytics.dashboard import DashboardView, ProductFigures
    from core.analytics.periods import Period

_HEIGHT_PX = 460
_STATE_COLORS: dict[str, Color] = {"current": "green", "out_of_date": "orange"}


def show_data_sets(view: DashboardView, period: Period) -> None:
    """Draw both tables, one beside the other as tabs."""
    products, images = st.tabs([_("By product"), _("Images by defect type")])
    with products:
        show_products(view, period)
    with images:
        show_images(view)


def show_products(view: DashboardView, period: Period) -> None:
    """Show what there is of each product, whether its models were built from it, and what was inspected."""
    show_link_table(
        [
            (_("Product"), ""),
            (_("Normal (training / validation / test)"), "number"),
            (_("Defect (training / validation / test)"), "number"),
            (_("Manual files"), "number"),
            (_("Memory bank"), ""),
            (_("Similarity index"), ""),
            (_("Manual index"), ""),
            (_("Inspections"), "number"),
            (_("Defects"), "number"),
            (_("Defect rate"), "number"),
        ],
        [_product_row(view, found, period) for found in view.per_product],
        key="products_table",
        label=_("Data sets and models"),
        height_px=_HEIGHT_PX,
    )


def _product_row(view: DashboardView, found: ProductFigures, period: Period) -> list[Cell]:
    summary = found.summary
    product_id = summary.product.id
    of_product = {"product": str(product_id)}
    inspected = Target(HISTORY, history_query(view, product=product_id)) if found.n_inspections else None
    rejected = Target(HISTORY, history_query(view, product=product_id, verdict="reject")) if found.n_defects else None
    normal = _splits(summary.n_normal_train, summary.n_normal_val, summary.n_normal_test)
    defect = _splits(summary.n_defect_train, summary.n_defect_val, summary.n_defect_test)
    return [
        Cell(product_name(summary.product), Target(DASHBOARD, dashboard_query(product_id, period))),
        Cell(normal, _for_engineers(NORMAL_IMAGES, of_product)),
        Cell(defect, _for_engineers(DEFECT_IMAGES, of_product)),
        Cell(number(summary.n_manual), _for_engineers(MANUALS, of_product)),
        _state_cell(found, MEMORY_BANK, MEMORY_BANKS),
        _state_cell(found, SIMILARITY_INDEX, SIMILARITY_SCREEN),
        _state_cell(found, MANUAL_INDEX, MANUAL_SCREEN),
        Cell(number(found.n_inspections), inspected),
        Cell(number(found.n_defects), rejected),
        Cell(percent(found.n_defects / found.n_inspections) if found.n_inspections else "–"),
    ]


def _state_cell(found: ProductFigures, kind: str, path: str) -> Cell:
    state = found.model_states.get(kind, "none")
    if state == "none" and not has_sources(kind, found):
        return Cell("–")
    words = state_label(state_of_kind(kind, state))
    target = _for_engineers(path, {"product": str(found.summary.product.id)})
    return Cell(words, target, _STATE_COLORS.get(state, "gray"))


def show_images(view: DashboardView) -> None:
    """Show how many images there are of good parts and of each defect type; a number opens the gallery of them."""
    rows = []
    for one in view.images_by_type:
        is_defect = one.defect_type is not None
        query = {"product": str(one.product.id)}
        if one.defect_type is not None:
            query["type"] = str(one.defect_type.id)
        path = DEFECT_IMAGES if is_defect else NORMAL_IMAGES
        train = _for_engineers(path, {**query, "split": "train"}) if one.n_train else None
        val = _for_engineers(path, {**query, "split": "val"}) if one.n_val else None
        test = _for_engineers(path, {**query, "split": "test"}) if one.n_test else None
        total = one.n_all
        rows.append(
            [
                Cell(product_name(one.product)),
                Cell(defect_name(one.defect_type) if one.defect_type is not None else _("Normal")),
                Cell(number(one.n_train), train),
                Cell(number(one.n_val), val),
                Cell(number(one.n_test), test),
                Cell(number(total), _for_engineers(path, query) if total else None, "" if total else "orange"),
            ]
        )
    show_link_table(
        [
            (_("Product"), ""),
            (_("Shows"), ""),
            (_("Training"), "number"),
            (_("Validation"), "number"),
            (_("Test"), "number"),
            (_("Total"), "number"),
        ],
        rows,
        key="images_table",
        label=_("Images by defect type"),
        height_px=_HEIGHT_PX,
    )


def _for_engineers(path: str, query: dict[str, str]) -> Target | None:
    return Target(path, query) if may(ENGINEER) else None


def _splits(n_train: int, n_val: int, n_test: int) -> str:
    return f"{number(n_train)} / {number(n_val)} / {number(n_test)}"
