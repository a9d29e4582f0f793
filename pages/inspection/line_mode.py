"""Line mode: one part after the other at the line, the verdict as large as the screen lets it be, by keys alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import streamlit as st

from core.access import WORKER
from core.catalog.products import AT_ONCE, list_products_in_use
from core.inspections.line.shift_counts import count_shift
from core.inspections.part_details import longest_text
from core.operations.warm_up import warm_up
from pages.components.capture.inspecting import inspect_picked
from pages.components.capture.line_controls import show_line_controls
from pages.components.capture.line_view import (
    LineResult,
    apply_line_style,
    draw_line_result,
    say_verdict,
    show_busy,
    show_counts,
    show_picture,
    show_verdict,
)
from pages.components.capture.readiness import is_ready, recall_product, show_no_model, show_no_products
from pages.components.capture.scanner import forget_scan, show_code_notes, show_scan
from pages.components.deployment.judgment_view import show_weak_notice
from pages.components.inspection import sources
from pages.components.inspection.shown_result import clear_result
from pages.components.shared.language import _, local
from pages.components.shared.pickers import pick_product
from pages.components.shared.screens import INSPECT_PART
from pages.components.shared.session import require, services, showing_errors

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from core.inspections.inspection import InspectionResult
    from core.inspections.part_details import PartDetails
    from pages.components.capture.line_controls import NextKey
    from storage.tables import Product

require(WORKER)

_RESULT = "line_result"
_OPEN = "line_open"


def shown_result(product: Product) -> LineResult | None:
    """Return the result on screen; None while the next part is waited for."""
    found: LineResult | None = st.session_state.get(_RESULT)
    return found if found is not None and found.record.product.id == product.id else None


def keep(done: InspectionResult) -> None:
    """Show the result in the next run."""
    st.session_state[_RESULT] = draw_line_result(done.record, done.images)


def wait_for_next() -> None:
    """Clear the screen for the next part."""
    st.session_state.pop(_RESULT, None)
    sources.clear_upload()
    forget_scan()


def go_on() -> None:
    """Do what the next key says: from a verdict to the next part, or inspect the image that waits."""
    if st.session_state.get(_RESULT) is None:
        sources.go_on()
    else:
        wait_for_next()


def open_result() -> None:
    """Open the inspection where everything about it can be seen and decided, in the next run."""
    st.session_state[_OPEN] = True


def leave(result: LineResult | None) -> None:
    """Go to *Inspect a part*, to this inspection where there is one."""
    clear_result()
    st.session_state.pop(_OPEN, None)
    if result is None:
        st.switch_page(INSPECT_PART)
    st.switch_page(INSPECT_PART, query_params={"inspection": str(result.record.id)})


def recall_place() -> None:
    """Start with the line and the shift that the address names: a screen at a line keeps them over a reload."""
    # What a bookmark of a line's own screen names.
    for name in ("line", "shift"):
        if f"detail_{name}" not in st.session_state and name in st.query_params:
            st.session_state[f"detail_{name}"] = st.query_params[name][: longest_text(name)]


def keep_place(details: PartDetails) -> None:
    """Name line and shift in the address."""
    for name in ("line", "shift"):
        text = str(getattr(details, name)).strip()
        if text and st.query_params.get(name) != text:
            st.query_params[name] = text
        elif not text and name in st.query_params:
            del st.query_params[name]


def next_key(way: str, result: LineResult | None, *, at_once: bool) -> NextKey:
    """Return what the next key does now."""
    if way == sources.CAMERA:
        return "take"
    if result is not None:
        return "next"
    return "choose" if at_once or not sources.is_waiting() else "inspect"


def describe_ready(way: str) -> str:
    """Return how the next part begins."""
    if way == sources.CAMERA:
        return _("Space, Enter, N or the foot switch takes the picture and inspects it.")
    if way == sources.UPLOAD:
        return _("Choose the image of the next part: Space, Enter, N or the foot switch.")
    return _("Choose one of the samples below.")


def show_line(product: Product, bar: list[DeltaGenerator]) -> None:
    """Draw the screen of a product that can be inspected; `bar` are the columns at its top."""
    result = shown_result(product)
    at_once = product.inspection_trigger == AT_ONCE
    with bar[1]:
        details = sources.show_details(product)
    with bar[2]:
        way = sources.pick_way()
    keep_place(details)
    with bar[3]:
        show_line_controls(
            product,
            result.record if result is not None else None,
            next_key=next_key(way, result, at_once=at_once),
            spoken=say_verdict(result),
            on_next=go_on,
            on_open=open_result,
            on_scan=wait_for_next,
        )
    if result is not None and st.session_state.pop(_OPEN, False):
        leave(result)
    with showing_errors():
        is_busy = sources.is_about_to_inspect(way, at_once=at_once)
        if is_busy:
            # The verdict of the part before must not be taken for that of the part that now lies there.
            show_busy()
        else:
            show_verdict(result, ready=describe_ready(way), details=details, is_failed=sources.has_failed())
        with st.container(key="line_below"):
            # The camera keeps its place, and with it its stream.
            is_wide = result is None and way != sources.CAMERA
            left, middle, right = st.columns([0.01, 1, 2.4] if is_wide else [1, 1.4, 1.6], gap="medium")
        if result is not None and not is_busy:
            with left:
                show_picture(result)
        with middle:
            midnight = local(datetime.now(UTC)).replace(hour=0, minute=0, second=0, microsecond=0)
            show_counts(count_shift(services(), product.id, details, midnight=midnight), details)
            if result is not None and way == sources.CAMERA:
                show_look_button()
            show_weak_notice(product.id)
        with right:
            picked = show_right(product, result, way, at_once=at_once)
    if picked is not None:
        inspect_picked(product, picked, details, keep=keep)
        st.rerun()


def show_right(product: Product, result: LineResult | None, way: str, *, at_once: bool) -> sources.PickedImage | None:
    """Draw what can be done now: the way to the next image, and under a verdict how it is looked at and decided."""
    show_scan(only_problems=True)
    if result is not None:
        show_code_notes(result.record)
    if way == sources.CAMERA:
        return sources.take_from_camera()
    if result is None:
        return sources.pick_image(product, at_once=at_once, way=way)
    following, opening = st.columns(2)
    following.button(
        _("Next part"), key="line_next", type="primary", icon=":material/skip_next:", width="stretch", on_click=go_on
    )
    with opening:
        show_look_button()
    return None


def show_look_button() -> None:
    """Draw the way to everything about the inspection, where it can be decided."""
    st.button(
        _("Look and decide (O)"),
        key="line_look",
        icon=":material/open_in_full:",
        width="stretch",
        on_click=open_result,
    )


apply_line_style()
everything = list_products_in_use(services())
if not everything:
    st.title(_("Line mode"))
    show_no_products()
    st.stop()
recall_product(everything)
recall_place()
with st.container(key="line_bar"):
    top = st.columns([2.1, 1.6, 3.2, 3.8, 1.15], vertical_alignment="bottom")
with top[0]:
    chosen = pick_product(everything, key="line", label_visible=False)
with top[4]:
    if st.button(_("Leave"), key="line_leave", icon=":material/close:", width="stretch"):
        leave(None)
if chosen is None:
    st.stop()
if is_ready(chosen):
    warm_up(services(), chosen.id)
    show_line(chosen, top)
else:
    show_no_model(chosen)
