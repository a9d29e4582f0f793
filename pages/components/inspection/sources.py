"""Where the image of an inspection comes from: a file, the camera, or one of the product's own samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.i18n import N_
from core.images.library import get_image, read_image, read_thumbnails
from core.images.samples import pick_sample_images
from core.inspections.part_details import PartDetails, longest_text
from pages.components.shared.language import _, escape
from pages.components.shared.session import services, showing_errors
from pages.components.shared.thumbnails import show_thumbnail

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from core.inspections.part_details import Source
    from storage.tables import Product

IMAGE_ENDINGS = ["jpg", "jpeg", "png", "bmp", "tif", "tiff", "webp"]
_MAX_IMAGE_MB = 50
_ROUND = "inspect_round"
_TAKEN = "inspect_taken"
_SAMPLE_COLUMNS = 6
_N_SAMPLES = 12
# The texts of `PartDetails` that the form asks for, in its order.
_DETAILS: dict[str, str] = {"line": N_("Line"), "lot": N_("Lot"), "serial": N_("Serial number"), "shift": N_("Shift")}


@dataclass(frozen=True)
class PickedImage:
    """An image that the person gave: `read` returns its bytes, `source` is how it came here."""

    read: Callable[[], bytes]
    file_name: str
    source: Source


def clear_upload() -> None:
    """Empty the upload and the camera: their widgets get a new key."""
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1
    st.session_state.pop(_TAKEN, None)


def show_details() -> PartDetails:
    """Draw line, lot, serial number and shift in one compact place; all but the serial number are remembered."""
    if st.session_state.pop("clear_serial", False):
        st.session_state["detail_serial"] = ""
    known = [st.session_state.get(f"detail_{name}", "") for name in _DETAILS]
    label = " · ".join(escape(text) for text in known if text) or _("Line, lot, serial")
    with st.popover(label, icon=":material/edit_note:", width="stretch"):
        texts: dict[str, Any] = {
            name: st.text_input(_(title), key=f"detail_{name}", max_chars=longest_text(name), persist_state="session")
            for name, title in _DETAILS.items()
        }
        st.slider(_("Similar images to show"), 1, 20, 6, key="inspect_top_k", persist_state="session")
    return PartDetails(**texts)


def pick_image(product: Product) -> PickedImage | None:
    """Draw three ways to give an image; return it. None until it is a new one: one that failed is not tried again."""
    upload, camera, samples = st.tabs(
        [
            f":material/upload_file: {_('Upload')}",
            f":material/photo_camera: {_('Camera')}",
            f":material/photo_library: {_('Samples')}",
        ]
    )
    turn = st.session_state.get(_ROUND, 0)
    with upload:
        uploaded = st.file_uploader(
            _("One image of the part"),
            type=IMAGE_ENDINGS,
            key=f"inspect_upload_{turn}",
            max_upload_size=_MAX_IMAGE_MB,
            help=_("JPEG, PNG, BMP, TIFF or WebP, up to 50 MB and 100 megapixels. It is inspected at once."),
        )
    with camera:
        photographed = _show_camera(turn)
    with samples:
        sample = _show_samples(product)
    if sample is not None:
        return sample
    ways: tuple[tuple[UploadedFile | None, Source], ...] = ((uploaded, "upload"), (photographed, "camera"))
    for given, source in ways:
        if given is None:
            continue
        if st.session_state.get(_TAKEN) == given.file_id:
            with upload if source == "upload" else camera:
                if st.button(_("Try again"), key=f"again_{source}", icon=":material/refresh:"):
                    return PickedImage(given.getvalue, given.name, source)
            continue
        st.session_state[_TAKEN] = given.file_id
        return PickedImage(given.getvalue, given.name, source)
    return None


def _show_camera(turn: int) -> UploadedFile | None:
    # The browser asks for the camera as soon as the widget is there: only when a person wants it.
    if not st.toggle(_("Use this device's camera"), key="inspect_camera_on", persist_state="session"):
        return None
    return st.camera_input(_("A picture of the part"), key=f"inspect_camera_{turn}", resolution="1080p")


def _show_samples(product: Product) -> PickedImage | None:
    picked: PickedImage | None = None
    with showing_errors():
        images = pick_sample_images(services(), product.id, n=_N_SAMPLES)
        if not images:
            st.info(_("This product has no images to try yet."))
            return None
        thumbnails = read_thumbnails(services(), images)
        st.caption(_("Images of this product that its model was not built from. Choose one to inspect it."))
        with st.container(key="samples"):
            for start in range(0, len(images), _SAMPLE_COLUMNS):
                row = images[start : start + _SAMPLE_COLUMNS]
                for column, image in zip(st.columns(_SAMPLE_COLUMNS), row, strict=False):
                    with column:
                        show_thumbnail(thumbnails.get(image.id), alt=image.stored_name)
                        if st.button(_("Inspect"), key=f"sample_{image.id}", width="stretch", help=image.stored_name):
                            picked = _sample(image.id, image.stored_name)
    return picked


def _sample(image_id: int, name: str) -> PickedImage:
    return PickedImage(lambda: read_image(services(), get_image(services(), image_id)), name, "sample")
