"""Starting an import: where the files are, and the product, if all of them are for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.catalog.products import list_products
from core.errors import AppError
from core.i18n import N_
from core.image_imports.drafts import draft_from_files, draft_from_folder, draft_from_store
from core.image_imports.staging import MOST_FILES, list_server_paths
from core.images.records import IncomingFile
from pages.components.shared.language import _, _n, escape, number
from pages.components.shared.session import person, services, show_error

if TYPE_CHECKING:
    from core.image_imports.drafts import ImportDraft

_TURN = "import_turn"
_UPLOAD, _FOLDER, _STORE = "upload", "folder", "store"
_SOURCES = {_UPLOAD: N_("Files or ZIP"), _FOLDER: N_("Folder of the server"), _STORE: N_("Folder of the object store")}
_BY_FOLDERS = ""
_TOLD_EVERY = 20


def show_start_form(product_id: int | None) -> ImportDraft | None:
    """Draw the form; return the draft that was made with it on this run. `product_id` is proposed for all files."""
    source = st.segmented_control(
        _("Where the images are"),
        list(_SOURCES),
        key="import_source",
        default=_UPLOAD,
        required=True,
        format_func=lambda found: _(_SOURCES[found]),
    )
    files: list[IncomingFile] = []
    place = ""
    if source == _UPLOAD:
        files = _choose_files()
    elif source == _FOLDER:
        place = _choose_path()
    else:
        place = st.text_input(
            _("Folder of the object store"),
            key="import_store_folder",
            placeholder="incoming/line-3",
            help=_("Its files, and those of the folders below it, are read where they lie, and stay there."),
            persist_state="session",
        )
    left, right = st.columns([1.6, 1], vertical_alignment="bottom")
    with left:
        product = _ask_product(product_id)
    pressed = right.button(
        _("Show what it would become"), key="import_plan", type="primary", icon=":material/rule:", width="stretch"
    )
    if not pressed:
        return None
    if not files and not place.strip():
        st.warning(
            _("Choose images or a ZIP file first.") if source == _UPLOAD else _("Name a folder with images first."),
            icon=":material/upload:",
        )
        return None
    try:
        draft = _make_draft(source or _UPLOAD, files, place, product)
    except AppError as error:
        # What was chosen and typed stays for another try.
        show_error(error)
        return None
    # The next import is another one: the field for its files is empty, and these bytes are released.
    st.session_state[_TURN] = st.session_state.get(_TURN, 0) + 1
    return draft


def _make_draft(source: str, files: list[IncomingFile], place: str, product: str) -> ImportDraft:
    told = st.empty()

    def staged(done: int, total: int) -> None:
        if done % _TOLD_EVERY == 0:
            words = _("Storing the files: {done} of {total}", done=number(done), total=number(total))
            told.progress(done / max(1, total), text=words)

    try:
        with st.spinner(_("Reading what the files hold. Nothing is taken in yet …"), show_time=True):
            if source == _FOLDER:
                return draft_from_folder(services(), person(), place, product=product)
            if source == _STORE:
                return draft_from_store(services(), person(), place, product=product)
            return draft_from_files(services(), person(), files, product=product, told=staged)
    finally:
        # Beside a refusal it would say that files are still being stored.
        told.empty()


def _choose_files() -> list[IncomingFile]:
    # Of any type: what is of no use is left out by name, with the reason and in the person's language.
    files = st.file_uploader(
        _("A ZIP file of folders, or images and masks"),
        accept_multiple_files=True,
        key=f"import_upload_{st.session_state.get(_TURN, 0)}",
        help=_(
            "Up to {count} files: images (JPEG, PNG, BMP, TIFF, WebP), masks, lists (CSV, JSON) and annotations (COCO, "
            "YOLO, Pascal VOC, LabelMe, CVAT, Label Studio). What they become is shown first.",
            count=number(MOST_FILES),
        ),
    )
    return [IncomingFile(file.name, file.getvalue) for file in files or []]


def _choose_path() -> str:
    found = [str(path) for path in list_server_paths(services(), person())]
    roots = services().settings.import_folders
    if not roots:
        st.info(
            _(
                "Nothing may be imported from folders of this server. The administrator names those that may be read "
                "in GEOMSA_IMPORT_FOLDERS."
            ),
            icon=":material/folder_off:",
        )
        return ""
    chosen = st.selectbox(
        _("Folder or ZIP file of the server"),
        found,
        index=None,
        key="import_path",
        placeholder=_("Choose it, or type its path"),
        accept_new_options=True,
        help=_("It lies in {folders}. The files stay where they are.", folders=", ".join(map(str, roots))),
        persist_state="session",
    )
    if not found:
        st.caption(_("There is nothing in {folders} yet.", folders=escape(", ".join(map(str, roots)))))
    return chosen or ""


def _ask_product(product_id: int | None) -> str:
    products = [summary.product for summary in list_products(services())]
    codes = [_BY_FOLDERS, *(product.code for product in products)]
    names = {_BY_FOLDERS: _("As the folders say")}
    names |= {product.code: f"{product.name}  ·  {product.code}" for product in products}
    asked = next((product.code for product in products if product.id == product_id), _BY_FOLDERS)
    if "import_product" not in st.session_state or st.session_state["import_product"] not in codes:
        st.session_state["import_product"] = asked
    return (
        st.selectbox(
            _("Product"),
            codes,
            key="import_product",
            format_func=lambda code: names[code],
            help=_("Choose one where all images are of one product, and no folder names it."),
        )
        or ""
    )


def say_size(n_files: int, size: str) -> str:
    """Return how many files there are, and of what size together."""
    return f"{_n('{count} file', '{count} files', n_files)} · {size}"
