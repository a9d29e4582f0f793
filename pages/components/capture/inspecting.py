"""Inspecting what a person picked: once, and with what is known kept where it fails."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import AppError
from core.inspections.by_view.inspection import inspect_views
from core.inspections.inspection import InspectionResult, inspect
from pages.components.capture.scanner import forget_scan
from pages.components.inspection.sources import clear_upload, keep_failure
from pages.components.shared.language import _
from pages.components.shared.session import person, services

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.inspections.part_details import PartDetails
    from pages.components.inspection.by_view.slots import PickedPart
    from pages.components.inspection.sources import PickedImage
    from storage.tables import Product


def inspect_picked_part(
    product: Product, picked: PickedPart, details: PartDetails, *, keep: Callable[[InspectionResult], None]
) -> AppError | None:
    """Inspect a part by its views and give `keep` the result; return the reason where there is none."""
    top_k = int(st.session_state.get("inspect_top_k", 6))
    try:
        with st.spinner(_("Inspecting all views … the first part after a start takes longer."), show_time=True):
            done = inspect_views(
                services(),
                person(),
                product_id=product.id,
                pictures=picked.pictures,
                part=replace(details, source=picked.source),
                top_k=top_k,
                idempotency_key=picked.idempotency_key(product.id),
            )
            keep(done)
    except AppError as error:
        return error
    st.session_state["clear_serial"] = True
    forget_scan()
    clear_upload()
    return None


def inspect_picked(
    product: Product, picked: PickedImage, details: PartDetails, *, keep: Callable[[InspectionResult], None]
) -> bool:
    """Inspect and give `keep` the result, or keep the reason why there is none for the next run; whether there is one.

    However often the page runs with the same picked image, one inspection is made.
    """
    top_k = int(st.session_state.get("inspect_top_k", 6))
    try:
        with st.spinner(_("Inspecting … the first part after a start takes a few seconds longer."), show_time=True):
            done = inspect(
                services(),
                person(),
                product_id=product.id,
                data=picked.read(),
                file_name=picked.file_name,
                part=replace(details, source=picked.source),
                top_k=top_k,
                idempotency_key=picked.idempotency_key(product.id),
            )
            keep(done)
    except AppError as error:
        keep_failure(picked, error)
        return False
    # The serial number belongs to one part; line, lot and shift stay.
    st.session_state["clear_serial"] = True
    forget_scan()
    clear_upload()
    return True
