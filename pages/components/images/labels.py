"""The labels of what an image shows and is used for; and choosing both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.catalog.outcomes import GOOD
from core.i18n import N_
from pages.components.shared.language import _, defect_name, escape

if TYPE_CHECKING:
    from storage.tables import DefectType, Image

NORMAL_IMAGE, DEFECT_IMAGE = "normal", "defect"
SPLIT_NAMES: dict[str, str] = {"train": N_("Training"), "val": N_("Validation"), "test": N_("Test")}
KEEP = "keep"


def describe_label(image: Image, defect_types: Sequence[DefectType]) -> str:
    """Return "Normal" in the run's language, with the kind of good part that is named; or the defect type's name."""
    named = next((found for found in defect_types if found.id == image.defect_type_id), None)
    if image.image_type == NORMAL_IMAGE:
        return _("Normal") if named is None else f"{_('Normal')} · {defect_name(named)}"
    return defect_name(named)


def pick_label(defect_types: Sequence[DefectType], *, key: str) -> tuple[str | None, int | None]:
    """Return what the images show: (image type, defect type id); (None, None) to keep it as it is."""
    names: dict[str | int, str] = {KEEP: _("As it is"), NORMAL_IMAGE: _("Normal")}
    active = [found for found in defect_types if found.is_active]
    good: dict[str | int, str] = {
        found.id: _("Normal: {name}", name=defect_name(found)) for found in active if found.outcome == GOOD
    }
    names |= good
    names |= {found.id: _("Defect: {name}", name=defect_name(found)) for found in active if found.id not in good}
    chosen = st.selectbox(_("Shows"), list(names), key=key, format_func=lambda found: names[found])
    if isinstance(chosen, int):
        return NORMAL_IMAGE if chosen in good else DEFECT_IMAGE, chosen
    return (NORMAL_IMAGE, None) if chosen == NORMAL_IMAGE else (None, None)


def pick_split(*, key: str) -> str | None:
    """Return what the images are used for; None to keep it as it is."""
    names = {KEEP: _("As it is"), **{split: _(name) for split, name in SPLIT_NAMES.items()}}
    chosen = st.segmented_control(
        _("Use for"), list(names), key=key, default=KEEP, required=True, format_func=lambda found: names[found]
    )
    return None if chosen == KEEP else chosen


def short_name(image: Image, *, plain: bool = False) -> str:
    """Return the last part of the stored name, which tells images of one label apart; `plain`: not for Markdown."""
    name = image.stored_name.rsplit(".", 1)[0].rsplit("_", 1)[-1]
    return name if plain else escape(name)
