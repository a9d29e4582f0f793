"""The examples of a type: up to five of its own images, picked from those that there are, or uploaded here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.catalog.defect_types import MAX_EXAMPLES, get_defect_type, set_defect_examples
from core.catalog.outcomes import GOOD
from core.errors import AppError
from core.images.library import get_images, list_images
from core.images.records import IncomingFile
from core.images.uploads import add_images
from pages.components.shared.language import _, escape, language
from pages.components.shared.session import person, services
from pages.components.shared.thumbnails import read_thumbnails, show_thumbnail

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from storage.tables import DefectType, Image

_OFFERED = 10
_TILE_PX = 76
_ENDINGS = ["jpg", "jpeg", "png", "bmp", "tif", "tiff", "webp"]


def find_examples(rows: Sequence[DefectType]) -> dict[int, list[Image]]:
    """Return the example images of each type that are still there, in the order in which they were chosen."""
    wanted = sorted({image_id for row in rows for image_id in row.example_image_ids})
    images = {image.id: image for image in get_images(services(), wanted)} if wanted else {}
    return {row.id: [images[found] for found in row.example_image_ids if found in images] for row in rows}


def pick_examples(row_id: int, product_id: int, chosen: Sequence[int], *, key: str) -> list[int]:
    """Draw the type's images to choose its examples from, inside the caller's form; return the ids that are chosen.

    Those that are examples already stand first, then the newest of the type.
    """
    newest = list_images(services(), product_id, defect_type_id=row_id, page_size=_OFFERED + MAX_EXAMPLES).rows
    own = {image.id: image for image in newest}
    own |= {image.id: image for image in get_images(services(), list(chosen))} if chosen else {}
    rest = [image_id for image_id in own if image_id not in chosen][:_OFFERED]
    offered = [own[image_id] for image_id in (*chosen, *rest) if image_id in own]
    if not offered:
        st.caption(_("There is no image of this type yet. Upload some below, or add them on the screens of images."))
        return []
    thumbnails = read_thumbnails([image.thumbnail_key for image in offered])
    picked = []
    with st.grid("auto", min_column_width=_TILE_PX, gap="small", key=f"{key}_tiles"):
        for image in offered:
            with st.container(gap="xxsmall"):
                show_thumbnail(thumbnails.get(image.thumbnail_key), alt=image.stored_name)
                name = image.stored_name.rsplit(".", 1)[0].rsplit("_", 1)[-1]
                if st.checkbox(escape(name), value=image.id in chosen, key=f"{key}_{image.id}"):
                    picked.append(image.id)
    return [found for found in chosen if found in picked] + [found for found in picked if found not in chosen]


def ask_uploads(key: str) -> list[UploadedFile]:
    """Ask for files that become images of the type and examples of it, inside the caller's form."""
    turn = st.session_state.get(f"{key}_turn", 0)
    return st.file_uploader(
        _("Upload examples"),
        type=_ENDINGS,
        accept_multiple_files=True,
        key=f"{key}_uploads_{turn}",
        help=_("They are added to the training images of this type as well."),
    )


def add_uploads(row: DefectType, files: Sequence[UploadedFile], *, key: str) -> list[str]:
    """Store the files as images of the type and make them examples; return what was refused, as sentences.

    Where there would be more than five examples, the first five stay; the other images are stored all the same.
    """
    if not files:
        return []
    refused: list[str] = []
    new: list[int] = []
    try:
        for outcome in add_images(
            services(),
            person(),
            product_id=row.product_id,
            image_type="normal" if row.outcome == GOOD else "defect",
            defect_type_id=row.id,
            files=[IncomingFile(name=file.name, read=file.getvalue) for file in files],
        ):
            if outcome.outcome == "added" and outcome.image_id is not None and "mask" not in outcome.notes:
                new.append(outcome.image_id)
            elif outcome.error is not None:
                refused.append(outcome.error.sentence(language()))
        if new:
            now = get_defect_type(services(), row.id)
            chosen = [*now.example_image_ids, *new][:MAX_EXAMPLES]
            set_defect_examples(services(), person(), row.id, chosen, row_version=now.row_version)
    except AppError as error:
        refused.append(error.sentence(language()))
    # A new key empties the field and releases the bytes.
    st.session_state[f"{key}_turn"] = st.session_state.get(f"{key}_turn", 0) + 1
    return refused
