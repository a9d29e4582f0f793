"""Saying anew what chosen images show and what they are used for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

import streamlit as st

from core.errors import AppError
from core.images.edits import relabel_images
from pages.components.images.labels import pick_label, pick_split
from pages.components.shared.language import _, _n
from pages.components.shared.session import person, say_after_rerun, services, show_error

if TYPE_CHECKING:
    from storage.tables import DefectType


def show_relabeling(
    image_ids: Sequence[int],
    defect_types: Sequence[DefectType],
    *,
    key: str,
    done: Callable[[], None],
    width: Literal["content", "stretch"] = "content",
) -> None:
    """Show a button that opens the form for the images; `done` is called once the new label is kept, before the rerun.

    What was chosen is cleared then, and the form closes: it was meant for these images, and serves the next ones.
    """
    turn = st.session_state.get(f"{key}_turn", 0)
    with st.popover(
        _("Re-label"), icon=":material/sell:", key=f"{key}_open_{turn}", disabled=not image_ids, width=width
    ):
        show_form(image_ids, defect_types, key=key, done=done)


def show_form(
    image_ids: Sequence[int], defect_types: Sequence[DefectType], *, key: str, done: Callable[[], None]
) -> None:
    """Ask what the images show and are used for, and say what became of saving it."""
    turn = st.session_state.get(f"{key}_turn", 0)
    with st.form(f"{key}_form", border=False):
        image_type, defect_type_id = pick_label(defect_types, key=f"{key}_label_{turn}")
        split = pick_split(key=f"{key}_split_{turn}")
        st.caption(
            _(
                "Names of files follow what they show, and an image that becomes normal loses its mask. Models notice "
                "the change at their next deployment."
            )
        )
        if not st.form_submit_button(_("Re-label"), type="primary", icon=":material/check:"):
            return
    if image_type is None and split is None:
        st.info(_("Nothing is to be changed. Say what the images show, or what they are used for."))
        return
    try:
        changed = relabel_images(
            services(), person(), image_ids, image_type=image_type, defect_type_id=defect_type_id, split=split
        )
    except AppError as error:
        show_error(error)
        return
    if not changed:
        st.info(_("Nothing was changed: the label and the use were so already."))
        return
    st.session_state[f"{key}_turn"] = turn + 1
    done()
    say_after_rerun(_n("{count} image re-labelled.", "{count} images re-labelled.", changed))
    st.rerun(scope="app")
