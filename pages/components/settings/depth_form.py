"""The bit depth of a product's camera as a widget, with what its images say."""

from __future__ import annotations

import streamlit as st

from core.images.bit_depth import BIT_DEPTHS, BY_IMAGE
from core.preprocessing.notices import measure_depth
from pages.components.settings.preprocessing_draft import Draft, draft_of, set_values, widget_key
from pages.components.shared.language import _, number
from pages.components.shared.session import services


def show_depth(product_id: int, draft: Draft) -> None:
    """Show how many bits the camera's values have, and how the images use them where they have more than 8."""
    values = draft.values
    key = widget_key(product_id, "bit_depth")
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
    use = measure_depth(services(), product_id, values["bit_depth"])
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
        key=f"preprocessing_{product_id}_use_depth",
        on_click=use_depth,
        args=(product_id, use.used_bits),
    )


def use_depth(product_id: int, bit_depth: int) -> None:
    """Set this depth, as proposed."""
    set_values(product_id, {**draft_of(product_id).values, "bit_depth": bit_depth})


def name_depth(bit_depth: int) -> str:
    """Return a depth in words."""
    return _("By the image") if bit_depth == BY_IMAGE else _("{bits} bits", bits=number(bit_depth))
