"""What each view of an inspected part showed, side by side: picture with heat, score, probability, verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.inspections.pictures import name_of_view, picture_token
from core.inspections.terms import VERDICT_NAMES
from pages.components.inspection.heat_viewer import show_heat_viewer
from pages.components.inspection.score_scale import show_score_scale
from pages.components.shared.labels import VERDICT_COLORS, VERDICT_ICONS, label_of
from pages.components.shared.language import _, escape, language, percent
from pages.server.pictures import full_address, picture_path

if TYPE_CHECKING:
    from core.inspections.by_view.records import CombinedRecord, ViewRecord
    from core.inspections.records import InspectionRecord

_SIDE_BY_SIDE = 2


class ViewPictures:
    """Where a browser finds the pictures of one view of an inspection (as `heat_map.Pictures` for a single picture)."""

    def __init__(self, inspection_id: int, picture: ViewRecord) -> None:
        self._inspection_id = inspection_id
        self._picture = picture
        self.width_px, self.height_px = picture.width_px, picture.height_px

    def path(self, name: str) -> str:
        """Return the address of a picture, without the host."""
        token = picture_token(self._picture.image_key)
        return picture_path(self._inspection_id, name_of_view(name, self._picture), token)


def name_picture(combined: CombinedRecord, picture: ViewRecord) -> str:
    """Return the name of a picture's view, with its number where the view has several exposures."""
    name = combined.name_of(picture.code, language())
    several = sum(one.code == picture.code for one in combined.pictures) > 1
    return f"{name} {picture.exposure + 1}" if several else name


def show_evidence(record: InspectionRecord, combined: CombinedRecord) -> None:
    """Draw each picture's evidence: two beside each other, more below, all in a box that scrolls."""
    with st.container(key="view_evidence", gap="small"):
        for start in range(0, len(combined.pictures), _SIDE_BY_SIDE):
            row = combined.pictures[start : start + _SIDE_BY_SIDE]
            for column, picture in zip(st.columns(_SIDE_BY_SIDE, gap="small"), row, strict=False):
                with column, st.container(key=f"view_{picture.id}", gap="small"):
                    _show_picture(record, combined, picture)
        for code in combined.missing:
            st.warning(
                _("No picture of {view} was given.", view=escape(combined.name_of(code, language()))),
                icon=":material/visibility_off:",
            )


def _show_picture(record: InspectionRecord, combined: CombinedRecord, picture: ViewRecord) -> None:
    pictures = ViewPictures(record.id, picture)
    badge = f":{VERDICT_COLORS[picture.verdict]}-badge[{VERDICT_ICONS[picture.verdict]} "
    badge += f"{label_of(VERDICT_NAMES, picture.verdict)}]"
    st.markdown(f"**{escape(name_picture(combined, picture))}** {badge}")
    if picture.error_code is not None:
        if picture.image_key:
            st.image(full_address(pictures.path("part")), width="stretch", alt=picture.original_name)
        st.error(escape(picture.problem(language())), icon=":material/error:")
        return
    show_heat_viewer(record.of_view(picture), pictures, key=f"viewer_{record.id}_{picture.id}", height_px=230)
    if picture.score is not None and picture.review_at is not None and picture.reject_at is not None:
        show_score_scale(picture.score, review_at=picture.review_at, reject_at=picture.reject_at)
    if picture.probability is not None:
        told = _("Probability of a defect {share}", share=f"**{percent(picture.probability)}**")
        st.markdown(told + (f" · {_('decides')}" if picture.is_deciding and record.verdict != "ok" else ""))


def describe_views(combined: CombinedRecord) -> str:
    """Return which views found something, by their names in the run's language; "" where none did."""
    limit = combined.entry.review_at if combined.entry is not None else None
    codes = [
        one.code
        for one in combined.pictures
        if one.probability is not None and limit is not None and one.probability >= limit
    ]
    return ", ".join(dict.fromkeys(combined.name_of(code, language()) for code in codes))
