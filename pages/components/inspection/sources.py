"""Where the image of an inspection comes from: a file, the camera, or one of the product's own samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from core.images.library import get_image, read_image, read_thumbnails
from core.images.samples import pick_sample_images
from pages.components.shared.language import _, escape
from pages.components.shared.session import services, showing_errors
from pages.components.shared.thumbnails import show_thumbnail

if TYPE_CHECKING:
    from storage.tables import Product

IMAGE_ENDINGS = ["jpg", "jpeg", "png", "bmp", "tif", "tiff", "webp"]
_MAX_IMAGE_MB = 50
_ROUND = "inspect_round"
_TAKEN = "inspect_taken"
_SAMPLE_COLUMNS = 6
_N_SAMPLES = 12


@dataclass(frozen=True)
class PickedImage:
    """An image that the person gave: `read` answers its bytes, `source` is the inspection's source."""

    read: Callable[[], bytes]
    file_name: str
    source: str


def clear_upload() -> None:
    """Empty the upload and the camera: their widgets get a new key."""
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1
    st.session_state.pop(_TAKEN, None)


def show_details() -> dict[str, str]:
    """Line, lot, serial number and shift in one compact place; all but the serial number are remembered."""
    if st.session_state.pop("clear_serial", False):
        st.session_state["detail_serial"] = ""
    fields = (
        ("line", _("Line"), 64),
        ("lot", _("Lot"), 64),
        ("serial", _("Serial number"), 64),
        ("shift", _("Shift"), 32),
    )
    known = [st.session_state.get(f"detail_{name}", "") for name, _label, _limit in fields]
    label = " · ".join(escape(text) for text in known if text) or _("Line, lot, serial")
    with st.popover(label, icon=":material/edit_note:", width="stretch"):
        details = {
            name: st.text_input(title, key=f"detail_{name}", max_chars=limit, persist_state="session")
            for name, title, limit in fields
        }
        st.slider(_("Similar images to show"), 1, 20, 6, key="inspect_top_k", persist_state="session")
    return details


def pick_image(product: Product) -> PickedImage | None:
    """Three ways to give an image. None until there is a new one: one that failed is not tried again by itself."""
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
    for given, source in ((uploaded, "upload"), (photographed, "camera")):
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


def _show_camera(turn: int) -> st.runtime.uploaded_file_manager.UploadedFile | None:
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
