"""Downloading a product's images: the format, which of them, how much that is, and the file by its address."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.i18n import N_
from core.images.exports.records import FORMAT_NAMES, ExportChoice, ExportFormat
from core.images.exports.selection import count_images
from pages.components.images.labels import SPLIT_NAMES
from pages.components.shared.language import _, _n, language, number
from pages.components.shared.session import services, showing_errors
from pages.server.export_downloads import export_path

if TYPE_CHECKING:
    from storage.tables import Product

_NOTES: dict[ExportFormat, str] = {
    "folders": N_("Folders by split and type, with masks: for anomaly detection tools."),
    "coco": N_("One JSON file for each split, with boxes, polygons and masks, nothing lost."),
    "yolo": N_("A text file for each image. Masks become polygons; the exact masks lie beside them."),
    "voc": N_("An XML file for each image with boxes, and class masks. The exact masks lie beside them."),
    "csv": N_("Lists of images and regions for spreadsheets and scripts, with the masks."),
}
_ALL = ""
_KINDS: dict[str, str] = {_ALL: N_("All images"), "normal": N_("Normal only"), "defect": N_("Defects only")}
# An import takes archives of so many files; larger ones are unpacked first.
_MOST_FILES = 9_000


def show_export(product: Product, *, key: str) -> None:
    """Show the button that opens the choice of what to download."""
    with st.popover(_("Export"), icon=":material/download:", key=f"{key}_export"), showing_errors():
        _show_choice(product, key)


@st.fragment
def _show_choice(product: Product, key: str) -> None:
    formats: dict[ExportFormat, str] = {name: _(words) for name, words in FORMAT_NAMES.items()}
    kinds = {name: _(words) for name, words in _KINDS.items()}
    uses = {name: _(words) for name, words in SPLIT_NAMES.items()}
    chosen: ExportFormat = st.selectbox(
        _("Format"),
        list(formats),
        format_func=lambda name: formats[name],
        key=f"{key}_export_format",
    )
    st.caption(_(_NOTES[chosen]))
    kind = st.segmented_control(
        _("Which images"),
        list(kinds),
        default=_ALL,
        required=True,
        format_func=lambda name: kinds[name],
        key=f"{key}_export_kind",
    )
    splits = st.multiselect(
        _("Use for"),
        list(uses),
        format_func=lambda name: uses[name],
        placeholder=_("All"),
        key=f"{key}_export_splits",
    )
    choice = ExportChoice(chosen, tuple(splits), kind or "")
    n_images, n_bytes = count_images(services(), product.id, choice)
    if not n_images:
        st.info(_("No image fits. Choose others."), icon=":material/search_off:")
        return
    size = _("{size} MB", size=number(max(n_bytes / 1e6, 0.1), 1))
    st.markdown(_n("{count} image", "{count} images", n_images) + f" · {size}")
    if n_images > _MOST_FILES:
        st.caption(_("An archive of this size must be unpacked before it can be imported again."))
    st.link_button(
        _("Download ZIP"),
        export_path(product.id, choice, language=language()),
        icon=":material/download:",
        type="primary",
        width="stretch",
    )
    st.caption(
        _("The images leave as they were uploaded. A manifest with their hashes lets an import put everything back.")
    )
