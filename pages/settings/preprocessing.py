"""Preprocessing: how a product's images are made ready for its model, tried live on its own images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.access import ENGINEER
from core.errors import AppError, Conflict
from core.i18n import N_
from core.images.library import list_images
from core.preprocessing.stored_options import (
    ProductPreprocessing,
    all_values,
    get_preprocessing,
    list_preprocessing,
    parse_options,
    preview,
    save_preprocessing,
)
from core.preprocessing.tile_advice import advise_on_tiles
from pages.components.deployment.deploy_notice import show_deploy_notice
from pages.components.settings.area_viewer import Area, show_area_viewer
from pages.components.settings.depth_form import show_depth
from pages.components.settings.input_choice import show_input_choice
from pages.components.settings.lighting_advice import show_advice
from pages.components.settings.preprocessing_draft import (
    Draft,
    Subject,
    discard_draft,
    draft_of,
    open_draft,
    set_values,
    start_draft,
)
from pages.components.settings.preprocessing_form import add_area, set_region, show_areas, show_options, show_tiles
from pages.components.settings.preprocessing_label import STATES, describe_options, describe_state
from pages.components.shared import screens
from pages.components.shared.language import _, escape, moment, number, product_name, view_name
from pages.components.shared.pickers import pick_product
from pages.components.shared.session import person, require, say_after_rerun, services, show_error
from pages.components.shared.view_choice import pick_view

if TYPE_CHECKING:
    from inference.vision.images.preprocessing import Preprocessing

require(ENGINEER)

_KINDS: dict[str, str] = {"normal": N_("Normal"), "defect": N_("Defect")}
_REGION, _IGNORED = "region", "ignored"


def show_screen() -> None:
    """Choose a product, set and try its options, then the overview of all products."""
    st.title(_("Preprocessing"))
    found = list_preprocessing(services())
    if not found:
        st.info(_("There is no product yet. Register one and add its images first."), icon=":material/category:")
        screens.link_to(screens.PRODUCTS, _("Register a product"))
        return
    st.markdown(
        _(
            "How images are made ready before the model sees them: the same steps when it is built and when it "
            "inspects. A change is used from the next deployment of the memory bank on."
        )
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        with st.container(width=420):
            products = list({one.product.id: one.product for one in found}.values())
            product = pick_product(products, key="preprocessing")
        if product is not None:
            with st.container(width=240):
                subject = Subject(product.id, pick_view(product.id, key="preprocessing") or "")
            show_editor_state(next(one for one in found if Subject.of(one) == subject))
    if product is None:
        return
    show_deploy_notice([product.id], key="preprocessing")
    show_input_choice(subject.product_id, subject.view)
    show_editor(subject)
    st.divider()
    show_overview(found)


def show_editor_state(found: ProductPreprocessing) -> None:
    """Show whether what is saved is in use, and the way to the deployment where it is not."""
    label, color, icon = STATES[found.state]
    st.badge(_(label), icon=icon, color=color)  # type: ignore[arg-type]  # one of the three colors of STATES


@st.fragment
def show_editor(subject: Subject) -> None:
    """Show options at the left, both pictures at the right. A fragment: a moved slider redraws nothing else."""
    try:
        found = get_preprocessing(services(), subject.product_id, subject.view)
    except AppError as error:
        show_error(error)
        return
    draft = open_draft(found)
    left, right = st.columns([1, 2.3], gap="medium")
    with left:
        options_tab, areas_tab = st.tabs([_("Options"), _("Areas")])
        with options_tab:
            show_depth(subject, draft)
            show_options(subject, draft)
            show_tiles(subject, draft, advise_on_tiles(services(), subject.product_id, subject.view))
        with areas_tab:
            show_areas(subject, draft)
    with right:
        try:
            options: Preprocessing | None = parse_options(draft.values)
        except AppError as error:
            show_error(error)
            options = None
        if options is not None:
            show_preview(subject, options)
        show_save(found, draft, options)
    if options is not None:
        show_advice(subject, options)


def show_preview(subject: Subject, options: Preprocessing) -> None:
    """Show both pictures of one of the product's images, and the choice of the image."""
    with st.container(horizontal=True, vertical_alignment="center"):
        kind = st.segmented_control(
            _("Images"),
            list(_KINDS),
            key=f"preprocessing_{subject}_kind",
            default="normal",
            required=True,
            format_func=lambda name: _(_KINDS[name]),
            label_visibility="collapsed",
            on_change=turn_to,
            args=(subject, 1),
        )
        place = int(st.session_state.get(place_key(subject), 1))
        page = list_images(
            services(), subject.product_id, image_type=kind, view=subject.view or None, page=place, page_size=1
        )
        for step, label, icon in ((-1, _("Previous"), "chevron_left"), (1, _("Next"), "chevron_right")):
            st.button(
                label,
                key=f"preprocessing_{subject}_step_{step}",
                icon=f":material/{icon}:",
                disabled=not 1 <= page.page + step <= page.total,
                on_click=turn_to,
                args=(subject, page.page + step),
            )
        if page.rows:
            shown = page.rows[0]
            about = f"{escape(shown.stored_name)} · {number(shown.width_px)} × {number(shown.height_px)} px"
            st.caption(_("{place} of {total}", place=number(page.page), total=number(page.total)) + f" · {about}")
    if not page.rows:
        st.info(_("The product has no images of this kind yet."), icon=":material/hide_image:")
        screens.link_to(screens.NORMAL_IMAGES, _("Add normal images"))
        return
    try:
        seen = preview(services(), page.rows[0].id, options)
    except AppError as error:
        show_error(error)
        return
    show_area_viewer(
        seen,
        region=options.region_of_interest,
        ignored=options.ignore,
        key=f"preprocessing_{subject}_viewer",
        on_drawn=lambda area: take_area(subject, area),
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        names = {_IGNORED: _("Ignored area"), _REGION: _("Region of interest")}
        st.markdown(_("Dragging on the left picture draws:"), width="content")
        st.segmented_control(
            _("Dragging on the left picture draws:"),
            list(names),
            key=draws_key(subject),
            default=_IGNORED,
            required=True,
            format_func=lambda name: names[name],
            label_visibility="collapsed",
        )


def take_area(subject: Subject, area: Area) -> None:
    """Add the area that was drawn on the picture."""
    if st.session_state.get(draws_key(subject)) == _REGION:
        set_region(subject, area)
    else:
        add_area(subject, area)


def show_save(found: ProductPreprocessing, draft: Draft, options: Preprocessing | None) -> None:
    """Show the buttons to save, discard and reset; what was set stays when the save is refused."""
    subject = Subject.of(found)
    with st.container(horizontal=True, vertical_alignment="center"):
        saving = st.button(
            _("Save"),
            key=f"preprocessing_{subject}_save",
            type="primary",
            icon=":material/check:",
            disabled=options is None or not draft.is_changed,
        )
        st.button(
            _("Discard changes"),
            key=f"preprocessing_{subject}_discard",
            disabled=not draft.is_changed,
            on_click=discard_draft,
            args=(found,),
        )
        st.button(
            _("Reset to none"),
            key=f"preprocessing_{subject}_reset",
            icon=":material/restart_alt:",
            on_click=reset,
            args=(subject,),
        )
        if draft.is_changed:
            st.markdown(f":orange[{_('Not saved yet')}]", width="content")
    if saving and options is not None:
        save(found, options)


def save(found: ProductPreprocessing, options: Preprocessing) -> None:
    """Save on the state that the person saw; a refusal says what is saved now, and the next save is made knowingly."""
    subject = Subject.of(found)
    draft = draft_of(subject)
    try:
        saved = save_preprocessing(
            services(),
            person(),
            subject.product_id,
            row_version=draft.row_version,
            options=options,
            view=subject.view,
        )
    except Conflict as error:
        show_error(error)
        now = get_preprocessing(services(), subject.product_id, subject.view)
        st.markdown(_("Saved now: {options}", options=describe_options(now.options)))
        draft.row_version = now.row_version
        return
    except AppError as error:
        show_error(error)
        return
    start_draft(saved)
    say_after_rerun(
        _(
            "The preprocessing of “{name}” is saved. It is used from its next deployment on.",
            name=escape(_title(found)),
        )
    )
    st.rerun()


def reset(subject: Subject) -> None:
    """Switch every option off, without areas; not saved yet."""
    set_values(subject, all_values(parse_options({})))


def show_overview(found: list[ProductPreprocessing]) -> None:
    """Show all products in one table."""
    st.subheader(_("All products"))
    st.dataframe(
        [
            {
                _("Product"): _title(one),
                _("State"): describe_state(one.state),
                _("Set"): describe_options(one.options),
                _("In use"): describe_options(one.deployed) if one.deployed is not None else "–",
                _("Changed"): moment(one.updated_at) + (f", {_(one.updated_by)}" if one.updated_by else ""),
            }
            for one in found
        ],
        hide_index=True,
        width="stretch",
        column_config={
            _("State"): st.column_config.TextColumn(width=96),
            _("Set"): st.column_config.TextColumn(width="medium"),
            _("Changed"): st.column_config.TextColumn(width=240),
        },
    )


def _title(found: ProductPreprocessing) -> str:
    """Return what the options are of: the product, with the view where it is of one."""
    view = "" if found.view is None else f" · {view_name(found.view)}"
    return product_name(found.product) + view


def turn_to(subject: Subject, place: int) -> None:
    """Show the image at this place next."""
    st.session_state[place_key(subject)] = place


def place_key(subject: Subject) -> str:
    """Return where the place of the shown image is kept."""
    return f"preprocessing_{subject}_place"


def draws_key(subject: Subject) -> str:
    """Return the widget that says what dragging draws."""
    return f"preprocessing_{subject}_draws"


show_screen()
