"""The bit depth of a product's camera as a widget, with what its images say."""

from __future__ import annotations

from typing import Any, cast

import streamlit as st

from core.images.bit_depth import BIT_DEPTHS, BY_IMAGE, HIGHEST_VALUE
from core.preprocessing.notices import measure_depth
from pages.components.settings.preprocessing_draft import Draft, Subject, draft_of, set_values, widget_key
from pages.components.shared.language import _, number
from pages.components.shared.session import services


def show_depth(subject: Subject, draft: Draft) -> None:
    """Show how many bits the camera's values have, and how the images use them where they have more than 8."""
    values = draft.values
    if _show_window(subject, values):
        return
    key = widget_key(subject, "bit_depth")
    if key not in st.session_state:
        st.session_state[key] = values["bit_depth"]
    values["bit_depth"] = st.selectbox(
        _("Bit depth of the camera"),
        list(BIT_DEPTHS),
        key=key,
        format_func=name_depth,
        help=_(
            "For images with more than 8 bits: cameras of 10, 12 or 14 bits often write their values unscaled into a "
            "file of 16. Values beyond the depth are cut off to the brightest."
        ),
    )
    use = measure_depth(services(), subject.product_id, values["bit_depth"], subject.view)
    if not use.used_bits:
        return
    said = _("The images with 16 bits use {bits} of them.", bits=number(use.used_bits))
    if use.n_dark:
        dark = _("Looking nearly black: {count}.", count=number(use.n_dark))
        st.warning(f"{said} {dark}", icon=":material/brightness_low:")
    elif use.n_clipped:
        clipped = _("With values beyond this depth: {count}.", count=number(use.n_clipped))
        st.warning(f"{said} {clipped}", icon=":material/brightness_high:")
    else:
        st.caption(said)
        return
    st.button(
        _("Use {bits} bits", bits=number(use.used_bits)),
        key=f"preprocessing_{subject}_use_depth",
        on_click=use_depth,
        args=(subject, use.used_bits),
    )


def _show_window(subject: Subject, values: dict[str, Any]) -> bool:
    """Show whether images are read through a window of their values, and which; return whether they are."""
    use = measure_depth(services(), subject.product_id, 16, subject.view)
    now = values["window"]
    if now is None and not use.used_bits:
        return False  # none of the images has more than 8 bits
    on = widget_key(subject, "window_on")
    if on not in st.session_state:
        st.session_state[on] = now is not None
    if not st.toggle(
        _("Window of values"),
        key=on,
        help=_(
            "For CT, X-ray and other images of 16 bits: only the values between two limits are spread over black to "
            "white. All below is black, all above is white."
        ),
    ):
        values["window"] = None
        return False
    first = now or {"low": 0, "high": (1 << use.used_bits) - 1 if use.used_bits else HIGHEST_VALUE}
    key = widget_key(subject, "window")
    if key not in st.session_state:
        st.session_state[key] = (first["low"], first["high"])
    # Without `value` the type stub does not know that a pair comes back for a pair in the session.
    low, high = cast(tuple[int, int], st.slider(_("Black and white at"), 0, HIGHEST_VALUE, key=key))
    values["window"] = (
        {"low": low, "high": max(high, low + 1)} if low < HIGHEST_VALUE else {"low": low - 1, "high": low}
    )
    if use.used_bits:
        st.caption(_("The images with 16 bits use {bits} of them.", bits=number(use.used_bits)))
    return True


def use_depth(subject: Subject, bit_depth: int) -> None:
    """Set this depth, as proposed."""
    set_values(subject, {**draft_of(subject).values, "bit_depth": bit_depth})


def name_depth(bit_depth: int) -> str:
    """Return a depth in words."""
    return _("By the image") if bit_depth == BY_IMAGE else _("{bits} bits", bits=number(bit_depth))
