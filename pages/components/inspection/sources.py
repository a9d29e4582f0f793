"""Where the image of an inspection comes from: a file, the camera, or one of the product's own samples."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import streamlit as st

from core.errors import AppError, BadInput
from core.i18n import N_
from core.images.library import get_image, read_image, read_thumbnails
from core.images.samples import pick_sample_images
from core.inspections.line.accepting import MOST_BYTES, check_file_size, preview
from core.inspections.part_details import PartDetails
from pages.components.capture.camera import Picture, forget_picture, kept_picture, show_camera
from pages.components.capture.scanner import take_scan
from pages.components.capture.upload_guard import RefusedFile, guard_upload
from pages.components.shared.detail_fields import draw_detail
from pages.components.shared.language import _, byte_size, escape
from pages.components.shared.session import services, show_error, showing_errors
from pages.components.shared.thumbnails import show_thumbnail

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from core.inspections.part_details import Source
    from storage.tables import Product

UPLOAD, CAMERA, SAMPLE = "upload", "camera", "sample"
_ROUND, _NONCE = "inspect_round", "inspect_nonce"
_FAILED, _GO, _TAKEN = "inspect_failed", "inspect_go", "inspect_taken"
_MOST_TAKEN = 32
_WAY, _WAY_CHOSEN, _NARROW = "inspect_source", "inspect_source_chosen", "inspect_is_narrow"
_REFUSED = "refused"  # the identity of a file that never came here
_SAMPLE_COLUMNS = 6
_N_SAMPLES = 12
_PREVIEW_SECONDS = 600
_WAYS: dict[str, tuple[str, str]] = {
    UPLOAD: (":material/upload_file:", N_("Upload")),
    CAMERA: (":material/photo_camera:", N_("Camera")),
    SAMPLE: (":material/photo_library:", N_("Samples")),
}
# The texts of `PartDetails` that the form asks for, in its order.
_DETAILS: dict[str, str] = {"line": N_("Line"), "lot": N_("Lot"), "serial": N_("Serial number"), "shift": N_("Shift")}


@dataclass(frozen=True)
class PickedImage:
    """An image that the person gave: `read` returns its bytes, `source` is how it came here.

    `identity` is the same however often the page runs: of one picked image there is one inspection.
    """

    read: Callable[[], bytes] = field(repr=False)
    file_name: str
    source: Source
    identity: str

    def idempotency_key(self, product_id: int) -> str:
        """Return the key under which it is inspected once."""
        return f"page:{upload_nonce()}:{product_id}:{self.identity}"


class GivenFile(Protocol):
    """A file that the person gave, however it came here."""

    @property
    def name(self) -> str:
        """Return the file's name."""

    @property
    def size(self) -> int:
        """Return its bytes."""

    @property
    def file_id(self) -> str:
        """Return what tells it from every other file of the session."""

    def getvalue(self) -> bytes:
        """Return its content."""


@dataclass(frozen=True)
class TakenFile:
    """A picture of the camera, as a file that was given."""

    picture: Picture

    @property
    def name(self) -> str:
        """Return the file's name, made of the moment."""
        return self.picture.file_name

    @property
    def size(self) -> int:
        """Return its bytes."""
        return len(self.picture.data)

    @property
    def file_id(self) -> str:
        """Return the picture's own id."""
        return self.picture.id

    def getvalue(self) -> bytes:
        """Return its JPEG bytes."""
        return self.picture.data


def taken_pictures() -> list[tuple[str, TakenFile]]:
    """Return what the camera took of the part so far, each with the code of its view."""
    found: list[tuple[str, TakenFile]] = st.session_state.get(_TAKEN, [])
    return found


def keep_taken(view: str, file: TakenFile | None, *, instead_of: str = "") -> None:
    """Keep what the camera took of a view until the next part; `instead_of` is the id of a picture to let go."""
    kept = [one for one in taken_pictures() if one[1].file_id != instead_of]
    # A picture has some hundred KB: so many of one part are enough.
    st.session_state[_TAKEN] = (kept if file is None else [*kept, (view, file)])[-_MOST_TAKEN:]


def upload_nonce() -> str:
    """Return what the idempotency keys of this session and this part have in common."""
    # Of this session and of this part: a sample may be inspected again, but not by one click.
    nonce: str = st.session_state.setdefault(_NONCE, uuid.uuid4().hex)
    return nonce


def clear_upload() -> None:
    """Let go of what was picked, for the next part; how images come stays."""
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1
    for name in (_FAILED, _GO, _NONCE, _TAKEN, "inspect_camera_view"):
        st.session_state.pop(name, None)
    forget_picture()


def keep_failure(picked: PickedImage, error: AppError) -> None:
    """Show `error` beside the picked image, until another one is picked."""
    st.session_state[_FAILED] = (picked.identity, error)


def go_on() -> None:
    """Inspect the image that waits for it, in the next run (in a callback)."""
    st.session_state[_GO] = True


def show_details(product: Product | None = None) -> PartDetails:
    """Draw line, lot, serial number and shift in one compact place; all but the serial number are remembered.

    With a `product`, codes can be scanned or typed there, too: its rule reads lot and serial number out of them.
    """
    if st.session_state.pop("clear_serial", False):
        st.session_state["detail_serial"] = ""
    known = [st.session_state.get(f"detail_{name}", "") for name in _DETAILS]
    label = " · ".join(escape(text) for text in known if text) or _("Line, lot, serial")
    with st.popover(label, icon=":material/edit_note:", width="stretch"):
        if product is not None:
            _show_code_field(product)
        texts: dict[str, Any] = {name: draw_detail(st, name, _(title)) for name, title in _DETAILS.items()}
        st.slider(_("Similar images to show"), 1, 20, 6, key="inspect_top_k", persist_state="session")
    return PartDetails(**texts)


def _show_code_field(product: Product) -> None:
    def take() -> None:
        text = str(st.session_state.get("detail_code", "")).strip()
        st.session_state["detail_code"] = ""
        if text:
            take_scan(product, text)

    st.text_input(
        _("Barcode or QR code"),
        key="detail_code",
        on_change=take,
        icon=":material/barcode_scanner:",
        placeholder=_("Scan here, or anywhere on this page"),
    )


def is_narrow() -> bool:
    """Return whether the person is at a phone, or at a window as narrow as one."""
    return bool(st.session_state.get(_NARROW)) or "Mobi" in str(st.context.headers.get("User-Agent", ""))


def become_narrow() -> None:
    """Put the camera first, unless a way was chosen already (in a callback)."""
    st.session_state[_NARROW] = True
    if not st.session_state.get(_WAY_CHOSEN):
        st.session_state[_WAY] = CAMERA


def take_over(part: PartDetails) -> None:
    """Go on as the part of a result came, where nothing was chosen yet: the session before a reload is gone."""
    if st.session_state.get(_WAY_CHOSEN):
        return
    if part.source in _WAYS:
        st.session_state[_WAY_CHOSEN] = part.source
    for name in _DETAILS:
        if name != "serial" and not st.session_state.get(f"detail_{name}"):
            st.session_state[f"detail_{name}"] = getattr(part, name)


def upload_round() -> int:
    """Return the number of the part that pictures are given of: the boxes of another round are empty again."""
    return int(st.session_state.get(_ROUND, 0))


def pick_way() -> str:
    """Draw the ways to give an image; return the chosen one, which stays from part to part."""
    ways = [CAMERA, UPLOAD, SAMPLE] if is_narrow() else list(_WAYS)
    names = {way: f"{icon} {_(title)}" for way, (icon, title) in _WAYS.items()}

    def keep() -> None:
        st.session_state[_WAY_CHOSEN] = st.session_state[_WAY]
        st.session_state.pop(_FAILED, None)

    # A widget forgets its value while a result stands in its place, and when the order of the ways changes.
    if st.session_state.get(_WAY_CHOSEN) in ways:
        st.session_state[_WAY] = st.session_state[_WAY_CHOSEN]
    elif st.session_state.get(_WAY) not in ways:
        st.session_state[_WAY] = ways[0]
    chosen = st.segmented_control(
        _("Image from"),
        ways,
        key=_WAY,
        required=True,
        format_func=lambda way: names[way],
        on_change=keep,
        label_visibility="collapsed",
        persist_state="session",
    )
    return chosen or ways[0]


def pick_image(product: Product, *, at_once: bool = True, way: str | None = None) -> PickedImage | None:
    """Draw the chosen way to give an image; return the image when it is to be inspected, else None.

    Unless `at_once`, an image that was chosen or taken is shown first, and a click or the key I inspects it. One that
    failed is shown with the reason, and only inspected again when the person says so.
    """
    way = way or pick_way()
    if way == SAMPLE:
        return _pick_sample(product)
    picked = _give_camera() if way == CAMERA else _give_upload()
    failed: tuple[str, AppError] | None = st.session_state.get(_FAILED)
    if failed is not None and failed[0] in {_REFUSED, picked.identity if picked is not None else ""}:
        show_error(failed[1])
        if picked is None or failed[0] == _REFUSED:
            return None
        # What is wrong with the file itself stays wrong.
        if isinstance(failed[1], BadInput):
            return None
        return picked if st.button(_("Try again"), key=f"again_{way}", icon=":material/refresh:") else None
    if picked is None:
        st.session_state.pop(_GO, None)
        return None
    if at_once or st.session_state.pop(_GO, False):
        return picked
    return picked if _show_picked(product, picked) else None


def _give_upload() -> PickedImage | None:
    turn = st.session_state.get(_ROUND, 0)
    uploaded = st.file_uploader(
        _("One image of the part"),
        key=f"inspect_upload_{turn}",
        on_change=_forget_refused,
        help=_("JPEG, PNG, BMP, TIFF or WebP, up to 50 MB and 100 megapixels."),
    )
    guard_upload(uploader="inspect_upload", limit_bytes=MOST_BYTES, key="inspect_guard", on_refused=_refuse)
    if uploaded is None:
        return None
    picked = PickedImage(lambda: _read_upload(uploaded), uploaded.name, "upload", uploaded.file_id)
    if _FAILED not in st.session_state:
        try:
            check_file_size(uploaded.name, uploaded.size)
        except AppError as error:
            keep_failure(picked, error)
    return picked


def _read_upload(uploaded: UploadedFile) -> bytes:
    check_file_size(uploaded.name, uploaded.size)
    return uploaded.getvalue()


def _forget_refused() -> None:
    # Another file was chosen: what was wrong with the one before is no news any more.
    st.session_state.pop(_FAILED, None)


def _refuse(file: RefusedFile) -> None:
    """Keep why a file did not come, and empty the uploader: what it held before is not meant any more."""
    error: AppError = BadInput("image_upload_failed", name=file.name)
    if file.byte_size is not None:
        try:
            check_file_size(file.name, file.byte_size)
        except AppError as too_large:
            error = too_large
    clear_upload()
    st.session_state[_FAILED] = (_REFUSED, error)


def _give_camera() -> PickedImage | None:
    taken = kept_picture()
    if taken is None:
        taken = show_camera(key="inspect_camera")
        return None if taken is None else _from_camera(taken)
    if st.button(_("Take another picture"), key="camera_again", icon=":material/photo_camera:"):
        forget_picture()
        st.session_state.pop(_FAILED, None)
        st.rerun()
    return _from_camera(taken)


def take_from_camera() -> PickedImage | None:
    """Draw the camera, which stays on from part to part; return a new picture, which is to be inspected at once.

    Of one that failed the reason is shown, and the next picture can be taken.
    """
    taken = show_camera(key="inspect_camera", height="calc(40vh - 7rem)", beside=True)
    failed: tuple[str, AppError] | None = st.session_state.get(_FAILED)
    if taken is not None and (failed is None or failed[0] != taken.id):
        st.session_state.pop(_FAILED, None)
        return _from_camera(taken)
    if failed is not None:
        forget_picture()
        show_error(failed[1])
    return None


def has_failed() -> bool:
    """Return whether the image that was given last could not be inspected."""
    return _FAILED in st.session_state


def is_about_to_inspect(way: str, *, at_once: bool) -> bool:
    """Return whether this run of the page will inspect what was taken or chosen (before it is drawn)."""
    if way == CAMERA:
        taken, failed = kept_picture(), st.session_state.get(_FAILED)
        return taken is not None and (failed is None or failed[0] != taken.id)
    return way == UPLOAD and is_waiting() and (at_once or bool(st.session_state.get(_GO)))


def is_waiting() -> bool:
    """Return whether a file was chosen that is inspected only when the person says so."""
    return st.session_state.get(f"inspect_upload_{st.session_state.get(_ROUND, 0)}") is not None and not has_failed()


def _from_camera(taken: Picture) -> PickedImage:
    return PickedImage(lambda: taken.data, taken.file_name, "camera", taken.id)


def _show_picked(product: Product, picked: PickedImage) -> bool:
    """Draw the image that waits, and the button that inspects it; return whether it was pressed."""
    try:
        data = picked.read()
        small = _preview(picked.idempotency_key(product.id), product.id, data, picked.file_name)
    except AppError as error:
        show_error(error)
        return False
    with st.container(key="picked_image"):
        picture, words = st.columns([1.4, 1], gap="medium")
        picture.image(small, width="stretch", alt=picked.file_name)
        with words:
            st.markdown(f"**{escape(picked.file_name)}**  \n{byte_size(len(data))}")
            return st.button(
                _("Inspect"),
                key="inspect_picked",
                type="primary",
                icon=":material/center_focus_strong:",
                shortcut="I",
                width="stretch",
            )


def preview_of(product: Product, uploaded: GivenFile, *, view: str = "") -> bytes:
    """Return a small picture of a given file as its model will see it. Raises AppError for what is no image."""
    return _preview(f"{uploaded.file_id}:{view}", product.id, uploaded.getvalue(), uploaded.name, view)


@st.cache_data(show_spinner=False, max_entries=16, ttl=_PREVIEW_SECONDS)
def _preview(identity: str, product_id: int, _data: bytes, _file_name: str, view: str = "") -> bytes:
    return preview(services(), product_id, _data, file_name=_file_name, view=view)


def _pick_sample(product: Product) -> PickedImage | None:
    picked: PickedImage | None = None
    with showing_errors():
        images = pick_sample_images(services(), product.id, n=_N_SAMPLES)
        if not images:
            st.info(_("This product has no images to try yet."))
            return None
        failed: tuple[str, AppError] | None = st.session_state.get(_FAILED)
        if failed is not None and failed[0].startswith("sample:"):
            show_error(failed[1])
        thumbnails = read_thumbnails(services(), images)
        st.caption(_("Images of this product that its model was not built from. Choose one to inspect it."))
        with st.container(key="samples"):
            for start in range(0, len(images), _SAMPLE_COLUMNS):
                row = images[start : start + _SAMPLE_COLUMNS]
                for column, image in zip(st.columns(_SAMPLE_COLUMNS), row, strict=False):
                    with column:
                        show_thumbnail(thumbnails.get(image.id), alt=image.stored_name)
                        short = image.stored_name.removeprefix(f"{product.code}_").rsplit(".", 1)[0]
                        if st.button(
                            _("Inspect {name}", name=escape(short)),
                            key=f"sample_{image.id}",
                            width="stretch",
                            help=image.stored_name,
                        ):
                            picked = _sample(image.id, image.stored_name)
    return picked


def _sample(image_id: int, name: str) -> PickedImage:
    return PickedImage(
        lambda: read_image(services(), get_image(services(), image_id)), name, "sample", f"sample:{image_id}"
    )
