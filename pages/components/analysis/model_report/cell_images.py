"""The images behind a cell of the confusion table: a gallery, and each of them at full size with its heat map."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from core.catalog.defect_types import list_defect_types
from core.errors import AppError
from core.inspections.terms import VERDICT_NAMES
from core.model_report.confusion import images_in
from core.model_report.pictures import draw_test_image
from pages.components.analysis.model_report.words import name_label, name_types
from pages.components.gallery.walking import ListWalk
from pages.components.images.details import show_details, show_steps
from pages.components.shared.dialogs import OpenDialog, draw_dialog, open_dialog, opened
from pages.components.shared.labels import VERDICT_COLORS, VERDICT_ICONS, label_of
from pages.components.shared.language import _, _n, escape, score
from pages.components.shared.session import person, services, show_error
from pages.components.shared.thumbnails import read_thumbnails, show_thumbnail

if TYPE_CHECKING:
    from core.model_report.records import ModelReport, ScoredImage

_CELL, _RECORD = "report_cell", "report_image"
_COLUMNS = 5
_PAGE_SIZE = 15
# The whole picture fits into the dialog on a screen of 1280 × 800.
_TALLEST_PX, _WIDEST_PX, _NARROWEST_PX = 560, 790, 120


def open_cell(version_id: int, label: str, verdict: str, pair: tuple[float, float]) -> None:
    """Open the images of one true label with one verdict, from a callback."""
    open_dialog(_CELL, version_id=version_id, label=label, verdict=verdict, pair=pair, place=None)


def open_images(version_id: int, image_ids: Sequence[int], place: int, pair: tuple[float, float]) -> None:
    """Open some test images by the numbers of their scores, at one of them, from a callback."""
    open_dialog(_CELL, version_id=version_id, ids=list(image_ids), pair=pair, place=place)


def show_open_cell(report: ModelReport) -> None:
    """Show the dialog where it is open for this version, or the record of an image that was opened from it."""
    if (dialog := opened(_CELL)) and dialog.values["version_id"] == report.head.version_id:
        images = _find(dialog, report)
        draw_dialog(_title(dialog, report, images), partial(_show, report=report, images=images), dialog, width="large")
    elif dialog := opened(_RECORD):
        types = list_defect_types(services(), report.head.product_id, include_inactive=True)
        draw_dialog(_("Image"), lambda open_one: show_details(open_one, types), dialog, width="large")


def _find(dialog: OpenDialog, report: ModelReport) -> Sequence[ScoredImage]:
    """Return the images of the dialog."""
    if "ids" in dialog.values:
        by_id = {image.id: image for image in report.images}
        return [by_id[number] for number in dialog.values["ids"] if number in by_id]
    return images_in(report.images, dialog.values["label"], dialog.values["verdict"], *dialog.values["pair"])


def _title(dialog: OpenDialog, report: ModelReport, images: Sequence[ScoredImage]) -> str:
    count = _n("{count} image", "{count} images", len(images))
    if "ids" in dialog.values:
        return count
    label = escape(name_label(dialog.values["label"], name_types(report)))
    return f"{label} → {label_of(VERDICT_NAMES, dialog.values['verdict'])} · {count}"


def _show(dialog: OpenDialog, *, report: ModelReport, images: Sequence[ScoredImage]) -> None:
    if opened(_CELL) is not dialog:
        # A record was opened: what is drawn next is decided by the whole page.
        st.rerun()
    if not images:
        st.info(_("No image is behind this cell any more."), icon=":material/image_not_supported:")
        return
    if dialog.values["place"] is not None:
        _show_closely(dialog, report, images)
        return
    n_pages = -(-len(images) // _PAGE_SIZE)
    page = 1
    if n_pages > 1:
        page = min(n_pages, int(st.pagination(n_pages, default=1, key=f"report_cell_page_{n_pages}") or 1))
    first = (page - 1) * _PAGE_SIZE
    shown = images[first : first + _PAGE_SIZE]
    thumbnails = read_thumbnails([image.thumbnail_key for image in shown if image.thumbnail_key])
    names = name_types(report)
    with st.container(key="gallery_report_cell"):
        for start in range(0, len(shown), _COLUMNS):
            for offset, column in enumerate(st.columns(_COLUMNS)):
                if start + offset < len(shown):
                    image = shown[start + offset]
                    with column:
                        show_thumbnail(thumbnails.get(image.thumbnail_key), alt=image.name)
                        st.caption(f"**{score(image.score)}** · {_truth(image, names)}  \n{escape(image.name)}")
                        st.button(
                            _("Look closely"),
                            key=f"report_look_{image.id}",
                            icon=":material/zoom_in:",
                            on_click=dialog.values.update,
                            kwargs={"place": first + start + offset},
                            width="stretch",
                        )


def _truth(image: ScoredImage, names: dict[str, str]) -> str:
    if image.defect_type is None:
        return _("Good part")
    return escape(names.get(image.defect_type, image.defect_type))


def _show_closely(dialog: OpenDialog, report: ModelReport, images: Sequence[ScoredImage]) -> None:
    place = min(dialog.values["place"], len(images) - 1)
    image = images[place]
    left, right = st.columns([2.1, 1])
    with right:
        st.button(
            _("All images"),
            key="report_all_images",
            icon=":material/grid_view:",
            on_click=dialog.values.update,
            kwargs={"place": None},
        )
        show_steps(place, len(images), lambda step: dialog.values.update(place=place + step))
        review_at, reject_at = dialog.values["pair"]
        verdict = image.verdict_at(review_at, reject_at)
        color, icon = VERDICT_COLORS[verdict], VERDICT_ICONS[verdict]
        st.markdown(f":{color}-badge[{icon} {label_of(VERDICT_NAMES, verdict)}] **{score(image.score)}**")
        st.markdown(_("In truth: {truth}", truth=f"**{_truth(image, name_types(report))}**"))
        st.caption(
            f"{escape(image.name)}  \n"
            + _("Review from {value}", value=score(review_at))
            + " · "
            + _("NG from {value}", value=score(reject_at))
        )
        with_heat = image.image_id is not None and st.toggle(
            _("Heat map"),
            key="report_heat",
            help=_("Computed by this version now: where the image differs from normal parts"),
        )
        with_mask = image.has_mask and st.toggle(_("Outline the marked defect"), value=True, key="report_outline")
        if image.image_id is not None:
            st.button(
                _("Label, mask, part"),
                key=f"report_record_{image.id}",
                icon=":material/edit:",
                help=_("A wrong label makes every figure wrong: correct it here, then measure again."),
                on_click=_open_record,
                args=(image.image_id,),
            )
    with left:
        if image.image_id is None:
            st.info(_("This image was deleted since it was measured."), icon=":material/delete:")
            return
        try:
            with st.spinner(_("The model looks at the image …"), show_time=True) if with_heat else nullcontext():
                picture = draw_test_image(
                    services(),
                    person(),
                    report.head.version_id,
                    image.image_id,
                    with_heat=with_heat,
                    with_mask=bool(with_mask),
                )
        except AppError as error:
            show_error(error)
            return
        height_px, width_px = picture.shape[:2]
        width = min(_WIDEST_PX, max(_NARROWEST_PX, round(_TALLEST_PX * width_px / height_px)))
        st.image(picture, width=width, alt=image.name)


def _open_record(image_id: int) -> None:
    open_dialog(_RECORD, walk=ListWalk([image_id], 0))
