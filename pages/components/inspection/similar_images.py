"""The similar images of an inspection: of this product as they were found, or looked up among all products."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.i18n import N_
from core.inspections.records import similar_everywhere, similar_of_type
from pages.components.shared.language import _, defect_name, language
from pages.components.shared.session import services, showing_errors
from pages.components.shared.thumbnails import show_similar

if TYPE_CHECKING:
    from core.errors import AppError
    from core.inspections.records import InspectionView
    from core.similarity.matches import Similar

_SCOPES: dict[str, str] = {"product": N_("This product"), "all": N_("All products")}
_HEIGHT_PX = 430


def show_similar_images(view: InspectionView) -> None:
    """Where to look, then the similar defects and the similar normal images."""
    if not (view.has_defect_index or view.has_normal_index or view.similar_problem):
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
        type_id = _choose_type(view) if scope == "product" else None
    if scope == "all":
        with showing_errors():
            defects, normals, problem = _find_everywhere(view)
            _show_problem(problem)
            _show_groups(view, defects, normals, everywhere=True)
        return
    if type_id is not None:
        with showing_errors():
            defects, problem = _find_of_type(view, type_id)
            _show_problem(problem)
            _show_groups(view, defects, view.similar_normals, everywhere=False)
        return
    _show_problem(view.similar_problem)
    _show_groups(view, view.similar_defects, view.similar_normals, everywhere=False)


def _choose_type(view: InspectionView) -> int | None:
    """Return the type that the similar defects are to be of; None for all, also where there is no choice."""
    if not view.has_defect_index or len(view.defect_types) < 2:
        return None
    names: dict[int | None, str] = {
        None: _("All defect types"),
        **{found.id: defect_name(found) for found in view.defect_types},
    }
    return st.selectbox(
        _("Defect type"),
        list(names),
        key=f"similar_type_{view.inspection.id}",
        format_func=names.__getitem__,
        label_visibility="collapsed",
        width=220,
    )


def _find_of_type(view: InspectionView, type_id: int) -> tuple[list[Similar], AppError | None]:
    """Looked up once for each result and type on screen."""
    top_k = int(st.session_state.get("inspect_top_k", 6))
    key = (view.inspection.id, type_id, top_k)
    kept = st.session_state.get("similar_of_type")
    if kept is None or kept[0] != key:
        with st.spinner(_("Looking for this defect type …")):
            found = similar_of_type(services(), view.inspection.id, defect_type_id=type_id, top_k=top_k)
        kept = (key, found)
        st.session_state["similar_of_type"] = kept
    answer: tuple[list[Similar], AppError | None] = kept[1]
    return answer


def _find_everywhere(view: InspectionView) -> tuple[list[Similar], list[Similar], AppError | None]:
    """Looked up once for each result on screen."""
    top_k = int(st.session_state.get("inspect_top_k", 6))
    key = (view.inspection.id, top_k)
    kept = st.session_state.get("similar_everywhere")
    if kept is None or kept[0] != key:
        with st.spinner(_("Looking in all products …")):
            kept = (key, similar_everywhere(services(), view.inspection.id, top_k=top_k))
        st.session_state["similar_everywhere"] = kept
    found: tuple[list[Similar], list[Similar], AppError | None] = kept[1]
    return found


def _show_problem(problem: AppError | None) -> None:
    if problem is not None:
        st.warning(problem.sentence(language()), icon=":material/image_search:")


def _show_groups(view: InspectionView, defects: list[Similar], normals: list[Similar], *, everywhere: bool) -> None:
    groups = (
        (_("Similar defects"), defects, view.has_defect_index, "defects"),
        (_("Similar normal images"), normals, view.has_normal_index, "normals"),
    )
    with st.container(height=_HEIGHT_PX, border=False):
        for title, found, has_index, key in groups:
            st.markdown(f"**{title}**")
            if found:
                show_similar(found, key=f"{key}_{view.inspection.id}", with_product=everywhere)
            elif has_index or everywhere:
                st.caption(_("None was found."))
            elif view.similar_problem is None:
                st.caption(_("There is no index of these images yet."))
