"""What an engineer has set on the screen and not saved yet: it outlives a change of product, screen or language."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import streamlit as st

from core.preprocessing.stored_options import all_values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.preprocessing.stored_options import ProductPreprocessing

_DIGITS = 3


@dataclass
class Draft:
    """`values` as `all_values` gives them; `saved` are those of `row_version`, on which it was begun.

    `region` keeps the region of interest while it is switched off.
    """

    row_version: int
    saved: dict[str, Any]
    values: dict[str, Any]
    region: list[float]

    @property
    def is_changed(self) -> bool:
        """Whether something would be saved."""
        return self.values != self.saved


def open_draft(found: ProductPreprocessing) -> Draft:
    """Return the draft of this product; a new one where nothing was changed on an older state."""
    product_id = found.product.id
    draft = st.session_state.get(_key(product_id))
    if isinstance(draft, Draft) and (draft.is_changed or draft.row_version == found.row_version):
        return draft
    return start_draft(found)


def start_draft(found: ProductPreprocessing) -> Draft:
    """Begin again with what is saved."""
    product_id = found.product.id
    values = _rounded(all_values(found.options))
    draft = Draft(found.row_version, deepcopy(values), values, values["region_of_interest"] or [0.1, 0.1, 0.8, 0.8])
    st.session_state[_key(product_id)] = draft
    clear_widgets(product_id)
    return draft


def set_values(product_id: int, values: dict[str, Any]) -> None:
    """Put other values into the draft, and into the widgets at the next run."""
    draft = draft_of(product_id)
    draft.values = _rounded(values)
    draft.region = draft.values["region_of_interest"] or draft.region
    clear_widgets(product_id)


def widget_key(product_id: int, name: str) -> str:
    """Return the key of a widget of this product."""
    return f"preprocessing_{product_id}_w_{name}"


def discard_draft(found: ProductPreprocessing) -> None:
    """Discard the draft, at a click on “discard”."""
    start_draft(found)


def clear_widgets(product_id: int) -> None:
    """Let the widgets begin with the draft's values at their next run."""
    prefix = widget_key(product_id, "")
    for key in [key for key in st.session_state if isinstance(key, str) and key.startswith(prefix)]:
        del st.session_state[key]


def round_area(area: Sequence[float]) -> list[float]:
    """Return (x, y, width, height) with its edges at the precision that is kept: 0.1 % of the image."""
    left, top, width, height = area
    x, y = round(left, _DIGITS), round(top, _DIGITS)
    right, bottom = (min(1.0, round(edge, _DIGITS)) for edge in (left + width, top + height))
    return [x, y, round(right - x, _DIGITS), round(bottom - y, _DIGITS)]


def draft_of(product_id: int) -> Draft:
    """Return the draft that `open_draft` keeps."""
    return cast(Draft, st.session_state[_key(product_id)])


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    region = values["region_of_interest"]
    return {
        **values,
        "region_of_interest": None if region is None else round_area(region),
        "ignore": [round_area(area) for area in values["ignore"]],
    }


def _key(product_id: int) -> str:
    return f"preprocessing_{product_id}_draft"
