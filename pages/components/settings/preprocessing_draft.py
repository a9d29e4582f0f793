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


@dataclass(frozen=True)
class Subject:
    """What preprocessing is set for: a product, or one view of it. As text it is a piece of a widget's key."""

    product_id: int
    view: str = ""

    @classmethod
    def of(cls, found: ProductPreprocessing) -> Subject:
        """Return what these options are set for."""
        return cls(found.product.id, found.view_code)

    def __str__(self) -> str:
        """Return what tells its widgets from those of another product or view."""
        return f"{self.product_id}_{self.view}" if self.view else str(self.product_id)


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
    """Return the draft of this product or view; a new one where nothing was changed on an older state."""
    subject = Subject.of(found)
    draft = st.session_state.get(_key(subject))
    if isinstance(draft, Draft) and (draft.is_changed or draft.row_version == found.row_version):
        return draft
    return start_draft(found)


def start_draft(found: ProductPreprocessing) -> Draft:
    """Begin again with what is saved."""
    subject = Subject.of(found)
    values = _rounded(all_values(found.options))
    draft = Draft(found.row_version, deepcopy(values), values, values["region_of_interest"] or [0.1, 0.1, 0.8, 0.8])
    st.session_state[_key(subject)] = draft
    clear_widgets(subject)
    return draft


def set_values(subject: Subject, values: dict[str, Any]) -> None:
    """Put other values into the draft, and into the widgets at the next run."""
    draft = draft_of(subject)
    draft.values = _rounded(values)
    draft.region = draft.values["region_of_interest"] or draft.region
    clear_widgets(subject)


def widget_key(subject: Subject, name: str) -> str:
    """Return the key of a widget of this product or view."""
    return f"preprocessing_{subject}_w_{name}"


def discard_draft(found: ProductPreprocessing) -> None:
    """Discard the draft, at a click on “discard”."""
    start_draft(found)


def clear_widgets(subject: Subject) -> None:
    """Let the widgets begin with the draft's values at their next run."""
    prefix = widget_key(subject, "")
    for key in [key for key in st.session_state if isinstance(key, str) and key.startswith(prefix)]:
        del st.session_state[key]


def round_area(area: Sequence[float]) -> list[float]:
    """Return (x, y, width, height) with its edges at the precision that is kept: 0.1 % of the image."""
    left, top, width, height = area
    x, y = round(left, _DIGITS), round(top, _DIGITS)
    right, bottom = (min(1.0, round(edge, _DIGITS)) for edge in (left + width, top + height))
    return [x, y, round(right - x, _DIGITS), round(bottom - y, _DIGITS)]


def draft_of(subject: Subject) -> Draft:
    """Return the draft that `open_draft` keeps."""
    return cast(Draft, st.session_state[_key(subject)])


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    region = values["region_of_interest"]
    return {
        **values,
        "region_of_interest": None if region is None else round_area(region),
        "ignore": [round_area(area) for area in values["ignore"]],
    }


def _key(subject: Subject) -> str:
    return f"preprocessing_{subject}_draft"
