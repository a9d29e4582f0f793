"""A hand scanner fills in lot and serial number, wherever the focus is; and what it filled in is said."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import AppError, BadInput
from core.images.notes import describe_note
from core.inspections.line.part_codes import CODE_NOTES, FILLED, read_scan
from pages.components.capture.key_listening import LISTEN_JS
from pages.components.shared.language import _, escape, language
from pages.components.shared.session import show_error

if TYPE_CHECKING:
    from core.inspections.records import InspectionRecord
    from storage.tables import Product

_KEY = "part_scanner"
_SAID = "scan_said"
_LONGEST_SCAN = 1000
_NARROW_PX = 640

_JS = f"""
{LISTEN_JS}
export default function (component) {{
  const {{data, parentElement, setTriggerValue, setStateValue}} = component;
  // Called once more at each rerun, before which nothing is cleaned up.
  parentElement.geomsaEnd?.();
  if (!data.narrow && !parentElement.geomsaTold && window.matchMedia("(max-width: {_NARROW_PX}px)").matches) {{
    parentElement.geomsaTold = true;
    setStateValue("narrow", true);
  }}
  const end = listen({{onScan: (text) => setTriggerValue("scanned", text)}});
  parentElement.geomsaEnd = end;
  return end;
}}
"""


def listen_for_scans(
    product: Product, *, on_scan: Callable[[], None], on_narrow: Callable[[], None], is_narrow: bool
) -> None:
    """Listen on the whole page for a hand scanner; what it reads fills lot and serial number by the product's rule.

    `on_scan` is called before the values are set, `on_narrow` where the window turns out to be as narrow as a phone's,
    unless `is_narrow` says that this is known.
    """

    def take() -> None:
        text = getattr(st.session_state.get(_KEY), "scanned", None)
        if isinstance(text, str):
            on_scan()
            take_scan(product, text)

    scanner = st.components.v2.component("geomsa_part_scanner", html="<span></span>", js=_JS)
    scanner(
        key=_KEY,
        data={"narrow": is_narrow},
        default={"narrow": False},
        on_scanned_change=take,
        on_narrow_change=on_narrow,
        height=1,
    )


def take_scan(product: Product, text: str) -> None:
    """Fill in what the code says (in a callback: the fields are drawn later), and keep what is to be said of it.

    Who scans means it, so what was there is replaced, and named.
    """
    if not text.strip():
        st.session_state[_SAID] = BadInput("scan_broken")
        return
    try:
        said = read_scan(text[:_LONGEST_SCAN], product.code_rule)
    except AppError as error:
        st.session_state[_SAID] = error
        return
    before = {name: str(st.session_state.get(f"detail_{name}", "")).strip() for name in said}
    for name, value in said.items():
        st.session_state[f"detail_{name}"] = value
    replaced = {name: old for name, old in before.items() if old and old != said[name]}
    st.session_state[_SAID] = (text[:_LONGEST_SCAN], said, replaced)


def forget_scan() -> None:
    """Say nothing more of the last scan: it belonged to the part before."""
    st.session_state.pop(_SAID, None)


def show_scan(*, only_problems: bool = False) -> None:
    """Say what the last scan filled in, and what it replaced; with `only_problems`, only where it was not all plain."""
    kept = st.session_state.get(_SAID)
    if isinstance(kept, AppError):
        show_error(kept)
    elif kept is not None:
        text, said, replaced = kept
        names = {"lot": _("Lot"), "serial": _("Serial number")}
        if not said:
            shown = escape("".join(sign if sign.isprintable() else "·" for sign in text[:60]))
            st.warning(
                _("The code “{text}” names no lot and no serial number by this product's rule.", text=shown),
                icon=":material/barcode_scanner:",
            )
            return
        if only_problems and not replaced:
            return
        words = _("Scanned: {values}", values=" · ".join(f"{names[one]} **{escape(said[one])}**" for one in said))
        if replaced:
            words += "  \n" + _(
                "Before: {values}", values=" · ".join(f"{names[one]} {escape(replaced[one])}" for one in replaced)
            )
        st.info(words, icon=":material/barcode_scanner:")


def show_code_notes(record: InspectionRecord) -> None:
    """Say what the code in the picture of an inspected part has filled in, or why it has not."""
    for note in (note for note in record.image_notes if note in CODE_NOTES):
        if note == FILLED:
            texts = {_("Lot"): record.part.lot, _("Serial number"): record.part.serial}
            values = " · ".join(f"{name} **{escape(text)}**" for name, text in texts.items() if text)
            st.caption(f":material/qr_code_scanner: {describe_note(note, language())} {values}")
        else:
            st.warning(describe_note(note, language()), icon=":material/qr_code_scanner:")
