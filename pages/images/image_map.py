"""Image map: a product's images by what they look like; duplicates, outliers and wrong labels are found here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.access import ENGINEER
from core.catalog.defect_types import list_defect_types
from core.catalog.products import list_products
from core.errors import AppError
from core.i18n import N_
from core.images.library import read_thumbnails
from core.similarity.image_map import PLACES, WHOLE, ImageMap, Layout, describe_map, lay_out_images, map_versions
from pages.components.gallery.walking import ListWalk
from pages.components.images.details import show_details
from pages.components.images.labels import describe_label
from pages.components.images.map_chart import OPEN, draw_map, show_map
from pages.components.shared import screens
from pages.components.shared.dialogs import draw_dialog, open_dialog, opened
from pages.components.shared.language import _, _n, defect_name, escape, language, percent
from pages.components.shared.pickers import pick_product
from pages.components.shared.session import require, services
from pages.components.shared.thumbnails import show_thumbnail
from pages.components.shared.view_choice import pick_view

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.tables import DefectType, Image, ModelVersion

require(ENGINEER)

_VIEWS: dict[str, str] = {PLACES: N_("Defective places"), WHOLE: N_("Whole images")}
_COLUMNS = 6
_SHOWN = 24


@st.cache_resource(show_spinner=False, max_entries=16)
def _layout(store: int, manifests: tuple[str, ...], _versions: list[ModelVersion]) -> Layout:
    return lay_out_images(services(), _versions)


def show_screen() -> None:
    """Show the product, the view, the map, and what looks wrong on it."""
    st.title(_("Image map"))
    st.markdown(
        _(
            "Images that look alike lie together. What is labelled wrong stands among others, what is like nothing "
            "stands alone. Click a dot to open its image; the frame and the lasso above the map open several."
        )
    )
    summaries = list_products(services())
    if not summaries:
        st.info(_("There is no product yet."), icon=":material/category:")
        screens.link_to(screens.PRODUCTS, _("Register a product"))
        return
    left, right = st.columns([2, 1.4], vertical_alignment="bottom")
    with left:
        boxes = st.container(horizontal=True, vertical_alignment="bottom")
    with boxes:
        product = pick_product([summary.product for summary in summaries], key="image_map")
        assert product is not None
        product_view = pick_view(product.id, key="image_map") or ""
    view = right.segmented_control(
        _("What is compared"),
        list(_VIEWS),
        key="image_map_view",
        default=PLACES,
        required=True,
        format_func=lambda name: _(_VIEWS[name]),
        help=_("The place that differs most from normal parts, or the image as a whole."),
    )
    product_id = product.id
    types = list_defect_types(services(), product_id, include_inactive=True)
    try:
        versions = map_versions(services(), product_id, view, product_view)
        with st.spinner(_("Drawing the map …")):
            manifests = tuple(version.manifest_sha256 for version in versions)
            layout = _layout(hash(services().settings), manifests, versions)
            found = describe_map(services(), product_id, layout, view=view, product_view=product_view)
    except AppError as error:
        show_nothing_yet(error, view)
        return
    show_counts(found)
    show_map(
        draw_map(found.images, types),
        [image.image.id for image in found.images],
        key=f"image_map_{product_id}_{product_view}_{view}",
    )
    show_findings(found, types, view)
    if product.notice:
        st.caption(f":material/copyright: {escape(product.notice)}")
    if dialog := opened(OPEN):
        draw_dialog(_("Image"), lambda open_one: show_details(open_one, types), dialog, width="large")


def show_nothing_yet(error: AppError, view: str) -> None:
    """Say why there is no map, and what to do."""
    if view == PLACES:
        st.info(
            _("There is no index of defective places yet. Register defect images and build the similarity index."),
            icon=":material/map:",
        )
    else:
        st.info(error.sentence(language()), icon=":material/map:")
    screens.link_to(screens.SIMILARITY_INDEX, _("To the similarity index"))


def show_counts(found: ImageMap) -> None:
    """Show how many images are on the map, and how many are not yet."""
    text = _n("{count} image on the map", "{count} images on the map", len(found.images))
    if found.n_missing:
        text += " · " + _n(
            "{count} training image is not in the index yet",
            "{count} training images are not in the index yet",
            found.n_missing,
        )
    st.caption(text)


def show_findings(found: ImageMap, types: Sequence[DefectType], view: str) -> None:
    """Show likely duplicates, outliers and wrong labels, each with what speaks for it."""
    outliers = _("Outliers ({count})", count=len(found.outliers))
    if view == WHOLE:
        first, alone = st.tabs([_("Likely duplicates ({count})", count=len(found.duplicates)), outliers])
        with first:
            show_duplicates(found)
    else:
        first, alone = st.tabs([_("Likely wrong labels ({count})", count=len(found.suspicions)), outliers])
        with first:
            show_suspicions(found, types)
    with alone:
        st.caption(_("Unlike all others of their label: another part, a bad picture, or a rare case worth keeping."))
        show_images(found.outliers, [describe_label(image, types) for image in found.outliers], key="alone")


def show_suspicions(found: ImageMap, types: Sequence[DefectType]) -> None:
    """Show images whose nearest carry another label."""
    st.caption(_("Most of the images nearest to these carry another label. Open one to look, and to label it anew."))
    if found.suspicions:
        show_images(
            [item.image for item in found.suspicions],
            [
                _(
                    "{label} · {share} of the nearest are {other}",
                    label=describe_label(item.image, types),
                    share=percent(item.share, decimals=0),
                    other=defect_name(item.label) if item.label else _("Normal"),
                )
                for item in found.suspicions
            ],
            key="wrong",
        )
    else:
        st.caption(_("None was found."))


def show_duplicates(found: ImageMap) -> None:
    """Show pairs that are as good as the same."""
    st.caption(_("Much nearer to each other than images of this product usually are: the same part twice, perhaps."))
    if found.duplicates:
        pairs = found.duplicates[: _SHOWN // 2]
        show_images(
            [image for first, second, _similarity in pairs for image in (first, second)],
            [
                _("Pair {number} · {share} alike", number=place + 1, share=percent(similarity, decimals=2))
                for place, (_first, _second, similarity) in enumerate(pairs)
                for _twice in range(2)
            ],
            key="twice",
        )
    else:
        st.caption(_("None was found."))


def show_images(images: Sequence[Image], captions: Sequence[str], *, key: str) -> None:
    """Show thumbnails with their captions and a button that opens each."""
    if not images:
        st.caption(_("None was found."))
        return
    shown = images[:_SHOWN]
    thumbnails = read_thumbnails(services(), shown)
    ids = [image.id for image in shown]
    with st.container(key=f"gallery_map_{key}"):
        for start in range(0, len(shown), _COLUMNS):
            for place, column in zip(
                range(start, min(start + _COLUMNS, len(shown))), st.columns(_COLUMNS), strict=False
            ):
                image = shown[place]
                with column:
                    show_thumbnail(thumbnails.get(image.id), alt=image.stored_name)
                    st.caption(escape(captions[place]))
                    st.button(
                        _("Open the image"),
                        key=f"map_{key}_{place}_{image.id}",
                        width="stretch",
                        help=escape(image.stored_name),
                        on_click=open_dialog,
                        args=(OPEN,),
                        kwargs={"walk": ListWalk(ids, place)},
                    )


show_screen()
