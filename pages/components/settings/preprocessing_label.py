"""The labels of preprocessing: the options of a chain, and where they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.i18n import N_
from core.preprocessing.stored_options import DEPLOYED, NO_MODEL, WAITING
from pages.components.shared.language import _, _n, number

if TYPE_CHECKING:
    from inference.vision.images.preprocessing import Preprocessing

SMOOTHING_NAMES: dict[str, str] = {
    "none": N_("None"),
    "gaussian": N_("Gaussian"),
    "median": N_("Median"),
    "bilateral": N_("Edge-preserving (bilateral)"),
}
STATES: dict[str, tuple[str, str, str]] = {
    DEPLOYED: (N_("Deployed"), "green", ":material/check_circle:"),
    WAITING: (N_("Not yet deployed"), "orange", ":material/schedule:"),
    NO_MODEL: (N_("No model"), "gray", ":material/do_not_disturb_on:"),
}


def describe_options(options: Preprocessing) -> str:
    """Return every option that is on, in the order in which it is applied."""
    parts: list[str] = []
    if options.window is not None:
        limits = {"low": number(options.window.low), "high": number(options.window.high)}
        parts.append(_("Window {low} to {high}", **limits))
    if options.bit_depth:
        parts.append(_("{bits} bits", bits=number(options.bit_depth)))
    if options.smoothing != "none":
        kind = _(SMOOTHING_NAMES[options.smoothing])
        parts.append(_("{kind} smoothing, {size} px", kind=kind, size=options.smoothing_size_px))
    if options.grayscale:
        parts.append(_("Grayscale"))
    if options.normalize:
        parts.append(_("Normalize"))
    if options.equalize:
        parts.append(_("Histogram equalization"))
    if options.clahe:
        limit, fields = number(options.clahe_clip_limit, 1), options.clahe_tile_grid
        parts.append(_("CLAHE, limit {limit}, {fields} × {fields} fields", limit=limit, fields=fields))
    if options.region_of_interest is not None:
        parts.append(_("Region of interest"))
    if options.ignore:
        parts.append(_n("{count} ignored area", "{count} ignored areas", len(options.ignore)))
    if options.tile_height_px:
        width, height = number(options.tile_size_px), number(options.tile_height_px)
        parts.append(_("Tiles of {width} × {height} px", width=width, height=height))
    elif options.tile_size_px:
        parts.append(_("Tiles of {size} px", size=number(options.tile_size_px)))
    return " · ".join(parts) or _("None: images as they are")


def describe_state(state: str) -> str:
    """Return deployed, not yet deployed or no model, in the run's language."""
    return _(STATES[state][0])
