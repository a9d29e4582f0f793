"""Images that were refused because they lie in the trash: one button puts them back."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.errors import AppError
from core.images.trash.restoring import restore_images
from pages.components.gallery.changing import say_restored
from pages.components.shared.language import _n
from pages.components.shared.session import person, services, show_error

IN_TRASH = "image_in_trash"


def offer_to_put_back(refused: Sequence[AppError | None], *, key: str) -> bool:
    """Show the button where some of the refused lie in the trash; return whether they were put back on this run."""
    ids = [int(error.params["trash_id"]) for error in refused if error is not None and error.code == IN_TRASH]
    ids = list(dict.fromkeys(ids))
    if not ids:
        return False
    label = _n("Put back {count} from the trash", "Put back {count} from the trash", len(ids))
    if not st.button(label, key=f"{key}_put_back", icon=":material/restore_from_trash:"):
        return False
    try:
        say_restored(restore_images(services(), person(), ids))
    except AppError as error:
        show_error(error)
        return False
    return True
