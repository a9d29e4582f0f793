"""The options of one product as widgets; what they say is kept in the product's draft."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import streamlit as st

from core.preprocessing.stored_options import MAX_IGNORED_AREAS
from core.preprocessing.tile_advice import LARGEST_TILE_PX, SMALLEST_TILE_SIDE_PX, TILE_SIZES_PX, TileAdvice
from pages.components.settings.preprocessing_draft import Draft, Subject, draft_of, round_area, set_values, widget_key
from pages.components.settings.preprocessing_label import SMOOTHING_NAMES
from pages.components.shared.language import _, number

_SMOOTHING_SIZES_PX = (3, 5, 7, 9, 11, 13, 15)
_NEW_AREA = (0.4, 0.4, 0.2, 0.2)


def show_options(subject: Subject, draft: Draft) -> None:
    """Show light and smoothing, in the order in which they are applied."""
    values = draft.values
    kind = _seeded(subject, "smoothing", values["smoothing"])
    values["smoothing"] = st.selectbox(
        _("Smoothing"),
        list(SMOOTHING_NAMES),
        key=kind,
        format_func=lambda name: _(SMOOTHING_NAMES[name]),
        help=_("Takes noise away before the contrast is raised. It also softens very fine defects."),
    )
    if values["smoothing"] != "none":
        values["smoothing_size_px"] = st.select_slider(
            _("Size of the smoothing (px)"),
            _SMOOTHING_SIZES_PX,
            key=_seeded(subject, "smoothing_size_px", values["smoothing_size_px"]),
        )
    _toggle(subject, values, "grayscale", _("Grayscale"), _("For parts whose colour varies without meaning."))
    _toggle(
        subject,
        values,
        "normalize",
        _("Normalize"),
        _("Stretches the brightness of each image to the full range."),
    )
    _toggle(
        subject,
        values,
        "equalize",
        _("Histogram equalization"),
        _("Uses every brightness equally often. Strong: it also raises what is not a defect."),
    )
    _toggle(
        subject,
        values,
        "clahe",
        _("Contrast (CLAHE)"),
        _("Raises the contrast place by place: for light that is uneven over the part."),
    )
    if values["clahe"]:
        limit, tiles = float(values["clahe_clip_limit"]), int(values["clahe_tile_grid"])
        values["clahe_clip_limit"] = st.slider(
            _("Contrast limit"),
            min(0.5, limit),
            max(10.0, limit),
            key=_seeded(subject, "clahe_clip_limit", limit),
            step=0.5,
            help=_("The higher, the stronger; noise is raised too."),
        )
        values["clahe_tile_grid"] = st.slider(
            _("Contrast fields a side"),
            min(2, tiles),
            32,
            key=_seeded(subject, "clahe_tile_grid", tiles),
            help=_("The more fields, the smaller the places that are evened out."),
        )


def show_tiles(subject: Subject, draft: Draft, advice: TileAdvice | None) -> None:
    """Show whether large images are inspected in tiles, what that finds, and what it costs."""
    values = draft.values
    size_px = int(values["tile_size_px"])
    on = st.toggle(
        _("Inspect in tiles"),
        key=_seeded(subject, "tiles_on", size_px > 0),
        help=_("For images that are much larger than what the model sees: it looks at one overlapping part at a time."),
        disabled=advice is not None and bool(advice.no_tiles) and not size_px,
    )
    if on:
        _ask_tiles(subject, values, advice)
    else:
        values["tile_size_px"], values["tile_height_px"] = 0, 0
    if advice is None:
        return
    if advice.no_tiles:
        st.caption(_(advice.no_tiles))
        return
    about = _("Images are {width} × {height} px.", width=number(advice.width_px), height=number(advice.height_px))
    if on:
        tile_px = (int(values["tile_size_px"]), int(values["tile_height_px"]))
        tiles = advice.count_tiles(*tile_px)
        if tiles == 1:
            coarser = _("One tile holds the whole image and shows it coarser: choose smaller tiles, or none.")
            st.warning(f"{about} {coarser}", icon=":material/grid_off:")
            return
        smallest = number(advice.smallest_in_tiles_px(*tile_px))
        cost = _(
            "{count} tiles an image: finds defects from about {size} px on, and takes up to that many times longer.",
            count=number(tiles),
            size=smallest,
        )
        st.caption(f"{about} {cost}")
        return
    seen = _("Seen at once, defects below about {size} px may be lost.", size=number(advice.smallest_px))
    if not advice.proposed_px:
        st.caption(f"{about} {seen}")
        return
    st.warning(f"{about} {seen}", icon=":material/grid_view:")
    st.button(
        _("Use tiles of {size} px", size=advice.proposed_size if advice.proposed_height_px else advice.proposed_px),
        key=f"preprocessing_{subject}_use_tiles",
        on_click=use_tiles,
        args=(subject, advice.proposed_px, advice.proposed_height_px),
    )


def _ask_tiles(subject: Subject, values: dict[str, Any], advice: TileAdvice | None) -> None:
    """Ask for the side of square tiles, or for width and height: tiles of a strip cover its whole shorter side."""
    size_px, height_px = int(values["tile_size_px"]), int(values["tile_height_px"])
    proposed = (advice.proposed_px, advice.proposed_height_px) if advice is not None else (0, 0)
    is_strip = height_px > 0 or (not size_px and proposed[1] > 0)
    rectangular = st.toggle(
        _("Rectangular tiles"),
        key=_seeded(subject, "tiles_rectangular", is_strip),
        help=_("For long strips: tiles as wide as the strip, so that nothing beside it is looked at."),
    )
    if not rectangular:
        fallback = proposed[0] if proposed[0] and not proposed[1] else 512
        chosen = size_px if size_px and not height_px else fallback
        sizes = sorted({*TILE_SIZES_PX, chosen})
        values["tile_size_px"] = st.select_slider(
            _("Side of a tile (px)"), sizes, key=_seeded(subject, "tile_size_px", chosen)
        )
        values["tile_height_px"] = 0
        return
    first = (size_px, height_px) if height_px else proposed if proposed[1] else (512, 256)
    names = {"tile_size_px": _("Width of a tile (px)"), "tile_height_px": _("Height of a tile (px)")}
    for (name, label), side_px in zip(names.items(), first, strict=True):
        values[name] = st.number_input(
            label,
            min_value=SMALLEST_TILE_SIDE_PX,
            max_value=LARGEST_TILE_PX,
            step=16,
            key=_seeded(subject, f"{name}_of_rectangle", side_px),
        )


def show_areas(subject: Subject, draft: Draft) -> None:
    """Show the region of interest and the ignored areas, in percent of the image."""
    on = st.toggle(
        _("Region of interest"),
        key=_seeded(subject, "region_on", draft.values["region_of_interest"] is not None),
        help=_("Findings outside of it do not count."),
    )
    if on:
        draft.region = _ask_area(subject, "region", draft.region)
    draft.values["region_of_interest"] = list(draft.region) if on else None
    areas: list[list[float]] = draft.values["ignore"]
    for index, area in enumerate(areas):
        with st.container(border=True):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(_("Ignored area {number}", number=index + 1), width="stretch")
                st.button(
                    "",
                    key=f"preprocessing_{subject}_remove_{index}",
                    icon=":material/delete:",
                    help=_("Remove this area"),
                    on_click=remove_area,
                    args=(subject, index),
                )
            areas[index] = _ask_area(subject, f"ignore_{index}", area)
    st.button(
        _("Add an ignored area"),
        key=f"preprocessing_{subject}_add",
        icon=":material/add:",
        disabled=len(areas) >= MAX_IGNORED_AREAS,
        help=_("For labels, screws or shadows that differ from part to part."),
        on_click=add_area,
        args=(subject, _NEW_AREA),
    )


# What a click does reads the draft at the click: what it was when the button was drawn may be older than the sliders.
def add_area(subject: Subject, area: Sequence[float]) -> None:
    """Add one more ignored area."""
    values = draft_of(subject).values
    if len(values["ignore"]) < MAX_IGNORED_AREAS:
        set_values(subject, {**values, "ignore": [*values["ignore"], list(area)]})


def remove_area(subject: Subject, index: int) -> None:
    """Remove one ignored area."""
    values = draft_of(subject).values
    set_values(subject, {**values, "ignore": [*values["ignore"][:index], *values["ignore"][index + 1 :]]})


def use_tiles(subject: Subject, size_px: int, height_px: int) -> None:
    """Set tiles of this side, or of this width and height, as proposed."""
    set_values(subject, {**draft_of(subject).values, "tile_size_px": size_px, "tile_height_px": height_px})


def set_region(subject: Subject, area: Sequence[float]) -> None:
    """Switch the region of interest on, at this place."""
    set_values(subject, {**draft_of(subject).values, "region_of_interest": list(area)})


def _ask_area(subject: Subject, name: str, area: list[float]) -> list[float]:
    """Show two sliders, each from edge to edge."""
    edges: list[tuple[float, float]] = []
    for axis, label in enumerate((_("From left to right (%)"), _("From top to bottom (%)"))):
        start, length = area[axis], area[axis + 2]
        whole = (round(start * 100, 1), round(min(1.0, start + length) * 100, 1))
        key = _seeded(subject, f"{name}_{axis}", whole)
        # Without `value` the type stub does not know that a pair comes back for a pair in the session.
        low, high = cast(tuple[float, float], st.slider(label, 0.0, 100.0, key=key, step=0.1, format="%g"))
        edges.append((low / 100, high / 100))
    (left, right), (top, bottom) = edges
    return round_area([left, top, right - left, bottom - top])


def _toggle(subject: Subject, values: dict[str, Any], name: str, label: str, explanation: str) -> None:
    values[name] = st.toggle(label, key=_seeded(subject, name, values[name]), help=explanation)


def _seeded(subject: Subject, name: str, value: Any) -> str:
    """Return the widget's key, its first value set where it has none."""
    key = widget_key(subject, name)
    if key not in st.session_state:
        st.session_state[key] = value
    return key
