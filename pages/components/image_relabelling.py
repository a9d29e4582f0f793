"""Saying anew what one opened image shows and what it is used for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import AppError
from core.image_edits import relabel_images
from pages.components.image_labels import pick_label, pick_split
from pages.components.language import _, _n
from pages.components.session import person, say_after_rerun, services, show_error

if TYPE_CHECKING:
    from storage.tables import DefectType


def show_relabel_one(image_id: int, defect_types: Sequence[DefectType], *, done: Callable[[], None]) -> None:
    """The form for the image; `done` is called when the new label is kept."""
    with st.form(f"relabel_{image_id}", border=False):
        image_type, defect_type_id = pick_label(defect_types, key=f"relabel_{image_id}_label")
        split = pick_split(key=f"relabel_{image_id}_split")
        st.caption(_("Names of files follow what they show. Models notice the change at their next deployment."))
        if not st.form_submit_button(_("Re-label"), type="primary", icon=":material/check:"):
            return
    if image_type is None and split is None:
        st.info(_("Nothing is to be changed. Say what the images show, or what they are used for."))
        return
    try:
        changed = relabel_images(
            services(), person(), [image_id], image_type=image_type, defect_type_id=defect_type_id, split=split
        )
    except AppError as error:
        show_error(error)
        return
    done()
    say_after_rerun(_n("{count} image re-labelled.", "{count} images re-labelled.", changed))
    st.rerun(scope="app")
