"""Saying anew what chosen images show, what they are used for, which view they are and where they were taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import streamlit as st

from core.catalog.views import list_views
from core.images.domains import DOMAINS
from core.images.edits import LONGEST_VIEW
from core.images.gallery.changes import RELABEL, ImageChange
from core.images.gallery.search import count_masks
from pages.components.gallery.changing import carry_out
from pages.components.images.domains import name_domain
from pages.components.images.labels import NORMAL_IMAGE, pick_label, pick_split
from pages.components.shared.language import _, _n
from pages.components.shared.session import services
from pages.components.shared.view_choice import name_views

if TYPE_CHECKING:
    from storage.tables import DefectType

_NO_VIEW = "–"


def show_relabeling(
    product_id: int,
    seen: Mapping[int, int],
    defect_types: Sequence[DefectType],
    *,
    key: str,
    done: Callable[[], None],
    views: Sequence[str] = (),
    width: Literal["content", "stretch"] = "content",
    row_versions: Mapping[int, int] | None = None,
) -> None:
    """Show a button that opens the form for the images `seen` (row version by id), and `views` to choose from.

    `done` is called once the change is kept or on its way, before the rerun. What was chosen is cleared then, and the
    form closes: it was meant for these images, and serves the next ones.
    """
    turn = st.session_state.get(f"{key}_turn", 0)
    with st.popover(_("Re-label"), icon=":material/sell:", key=f"{key}_open_{turn}", disabled=not seen, width=width):
        show_form(product_id, seen, defect_types, key=key, done=done, views=views)


def show_form(
    product_id: int,
    seen: Mapping[int, int],
    defect_types: Sequence[DefectType],
    *,
    key: str,
    done: Callable[[], None],
    views: Sequence[str] = (),
) -> None:
    """Ask what the images show, are used for and which view they are, and say what became of saving it."""
    turn = st.session_state.get(f"{key}_turn", 0)
    # Above the form: below its key it would lie outside of what opens.
    said = st.container()
    with st.form(f"{key}_form", border=False):
        image_type, defect_type_id = pick_label(defect_types, key=f"{key}_label_{turn}")
        split = pick_split(key=f"{key}_split_{turn}")
        names = name_views(list_views(services(), product_id))
        offered = [_NO_VIEW, *(names or views)]
        labels = {name: _("none named") if name == _NO_VIEW else names.get(name, name) for name in offered}
        # Side by side: the form opens above or below its button, and the key at its end has to be in sight.
        left, right = st.columns(2)
        view = left.selectbox(
            _("Image view"),
            offered,
            index=None,
            key=f"{key}_view_{turn}",
            placeholder=_("As it is"),
            accept_new_options=not names,
            format_func=lambda name: labels.get(name, str(name)),
            help=None if names else _("Choose one, or type a new one: top, side, CT …"),
        )
        domain = right.selectbox(
            _("Where taken"),
            ["", *DOMAINS],
            index=None,
            key=f"{key}_domain_{turn}",
            placeholder=_("As it is"),
            format_func=name_domain,
        )
        agreed = st.session_state.get(f"{key}_agreed", False)
        st.caption(
            _(
                "Names and folders of files follow what they show, and an image that becomes normal loses its mask. "
                "Models notice the change at their next deployment."
            )
        )
        if lost := st.session_state.get(f"{key}_lost", 0):
            said.warning(
                _n(
                    "{count} image loses its mask and its marked regions. Press once more to go on.",
                    "{count} images lose their masks and marked regions. Press once more to go on.",
                    lost,
                ),
                icon=":material/warning:",
            )
        if not st.form_submit_button(_("Re-label"), type="primary", icon=":material/check:"):
            return
    if image_type is None and split is None and view is None and domain is None:
        said.info(_("Nothing is to be changed. Say what the images show, or what they are used for."))
        return
    losing = count_masks(services(), list(seen)) if image_type == NORMAL_IMAGE else 0
    if losing and not (agreed and st.session_state.get(f"{key}_lost") == losing):
        # What is lost is said before it is: the second press means it.
        st.session_state[f"{key}_agreed"], st.session_state[f"{key}_lost"] = True, losing
        st.rerun()
    change = ImageChange(
        RELABEL,
        image_type=image_type,
        defect_type_id=defect_type_id,
        split=split,
        view=None if view is None else "" if view == _NO_VIEW else str(view)[: LONGEST_VIEW + 1],
        domain=domain,
    )
    with said:
        if not carry_out(product_id, change, seen):
            return
    st.session_state[f"{key}_turn"] = turn + 1
    for name in ("agreed", "lost"):
        st.session_state.pop(f"{key}_{name}", None)
    done()
    st.rerun(scope="app")
