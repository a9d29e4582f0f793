"""The similar images of an inspection: of this product as they were found, or looked up among all products.

Each is shown by its defective place beside the whole, with how alike it is, and opens on a click.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.i18n import N_
from core.inspections.images import load_images
from core.inspections.look_alikes import similar_everywhere, similar_of_type
from pages.components.inspection.similar_cards import show_cards
from pages.components.inspection.similar_case import show_open_case
from pages.components.inspection.similar_summary import explain_closeness, summarize
from pages.components.shared.language import _, defect_name, language
from pages.components.shared.session import services, showing_errors
from pages.server.pictures import full_address

if TYPE_CHECKING:
    from core.errors import AppError
    from core.inspections.records import InspectionRecord, SimilarImages
    from pages.components.inspection.heat_map import Pictures

_SCOPES: dict[str, str] = {"product": N_("This product"), "all": N_("All products")}


def show_similar_images(record: InspectionRecord, pictures: Pictures) -> None:
    """Draw where to look, what the similar defects are, then these and the similar normal images."""
    if not (record.has_defect_index or record.has_normal_index or record.similar.problem):
        st.info(
            _("There is no similarity index for this product yet. An engineer builds it under Deployment."),
            icon=":material/image_search:",
        )
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        scope = st.segmented_control(
            _("Look in"),
            list(_SCOPES),
            key="similar_scope",
            default="product",
            required=True,
            format_func=lambda name: _(_SCOPES[name]),
            label_visibility="collapsed",
            width="content",
        )
        type_id = _choose_type(record) if scope == "product" else None
    with showing_errors():
        if scope == "all":
            found = _find_everywhere(record)
        elif type_id is not None:
            found = _find_of_type(record, type_id)
        else:
            found = record.similar
        _show_problem(found.problem)
        _show_groups(record, pictures, found, everywhere=scope == "all")
        show_open_case()


def _choose_type(record: InspectionRecord) -> int | None:
    """Return the type that the similar defects are to be of; None for all, also where there is no choice."""
    if not record.has_defect_index or len(record.defect_types) < 2:
        return None
    names: dict[int | None, str] = {
        None: _("All defect types"),
        **{found.id: defect_name(found) for found in record.defect_types},
    }
    return st.selectbox(
        _("Defect type"),
        list(names),
        key=f"similar_type_{record.id}",
        format_func=names.__getitem__,
        label_visibility="collapsed",
        width=165,
    )


def _find_of_type(record: InspectionRecord, type_id: int) -> SimilarImages:
    """Return the defects of a type, looked up once for each result and type on screen."""
    top_k = int(st.session_state.get("inspect_top_k", 6))
    key = (record.id, type_id, top_k)
    kept = st.session_state.get("similar_of_type")
    if kept is None or kept[0] != key:
        with st.spinner(_("Looking for this defect type …")):
            images = load_images(services(), record)
            kept = (key, similar_of_type(services(), record, images, defect_type_id=type_id, top_k=top_k))
        st.session_state["similar_of_type"] = kept
    found: SimilarImages = kept[1]
    return found


def _find_everywhere(record: InspectionRecord) -> SimilarImages:
    """Return what is alike in all products, looked up once for each result on screen."""
    top_k = int(st.session_state.get("inspect_top_k", 6))
    key = (record.id, top_k)
    kept = st.session_state.get("similar_everywhere")
    if kept is None or kept[0] != key:
        with st.spinner(_("Looking in all products …")):
            kept = (key, similar_everywhere(services(), record, load_images(services(), record), top_k=top_k))
        st.session_state["similar_everywhere"] = kept
    found: SimilarImages = kept[1]
    return found


def _show_problem(problem: AppError | None) -> None:
    if problem is not None:
        st.warning(problem.sentence(language()), icon=":material/image_search:")


def _show_groups(record: InspectionRecord, pictures: Pictures, similar: SimilarImages, *, everywhere: bool) -> None:
    groups = (
        (_("Similar defects"), similar.defects, record.has_defect_index, "defects"),
        (_("Similar normal images"), similar.normals, record.has_normal_index, "normals"),
    )
    with st.container():
        for title, found, has_index, key in groups:
            st.markdown(f"**{title}**", help=explain_closeness(found))
            if key == "defects" and found:
                _show_summary(record, pictures, similar)
            if found:
                show_cards(found, key=f"{key}_{record.id}", columns=2 if key == "defects" else 3, everywhere=everywhere)
            elif has_index or everywhere:
                st.caption(_("None was found."))
            elif record.similar.problem is None:
                st.caption(_("There is no index of these images yet."))


def _show_summary(record: InspectionRecord, pictures: Pictures, similar: SimilarImages) -> None:
    """Draw the defective place of the part itself, and beside it what the similar defects are."""
    if record.verdict == "ok":
        st.markdown(summarize(similar.defects))
        return
    with st.container(key="gallery_this_part"):
        part, words = st.columns(2, vertical_alignment="center")
        with part:
            st.image(
                full_address(pictures.path("cut-out")), width="stretch", alt=_("The most anomalous place of this part")
            )
            st.caption(_("This part, where it differs most"))
        words.markdown(summarize(similar.defects))
