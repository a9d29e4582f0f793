"""Choosing the product and the model version that the report is of; both stand in the address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import AppError
from core.models.kinds import MEMORY_BANK
from core.registry.versions import get_version, list_versions
from pages.components.shared.language import _, day
from pages.components.shared.pickers import pick_product, remember_product
from pages.components.shared.session import services, show_error
from pages.components.shared.view_choice import choose_view, pick_view

if TYPE_CHECKING:
    from storage.tables import ModelVersion, Product

_VERSION, _PRODUCT = "version", "product"
_FOLLOWED = "model_report_followed"
_MOST_DIGITS = 18  # as many as every database's largest number has


def choose_version(products: Sequence[Product]) -> tuple[Product, ModelVersion | None, list[ModelVersion]]:
    """Show the title and the two boxes; return the product, its chosen version, and all its versions.

    The versions begin with the one in use; the chosen one is None where there are none.
    """
    is_there = _follow_address({product.id for product in products})
    title, middle, right = st.columns([1, 1.1, 0.9], vertical_alignment="bottom")
    title.title(_("Model report"))
    if not is_there:
        st.warning(_("The address names a version that is not there. This is another one."), icon=":material/link_off:")
    with middle:
        product = pick_product(products, key="model_report")
    assert product is not None
    every = list_versions(services(), MEMORY_BANK, product.id)
    with right:
        boxes = st.container(horizontal=True, vertical_alignment="bottom")
    with boxes:
        view = pick_view(product.id, key="model_report", also=sorted({version.view for version in every}))
    versions = order_versions([version for version in every if view is None or version.view == view])
    if not versions:
        st.query_params.pop(_VERSION, None)
        return product, None, []
    ids = [version.id for version in versions]
    names = {version.id: name_version(version) for version in versions}
    key = _version_key(product.id)
    if st.session_state.get(key) not in ids:
        st.session_state[key] = ids[0]
    chosen = boxes.selectbox(_("Version"), ids, key=key, format_func=lambda version_id: names[version_id])
    st.query_params[_VERSION] = str(chosen)
    st.session_state[_FOLLOWED] = chosen
    return product, versions[ids.index(chosen)], versions


def order_versions(versions: Sequence[ModelVersion]) -> list[ModelVersion]:
    """Return the version in use first, then the candidates, then the others, the newest of each first."""

    def rank(version: ModelVersion) -> tuple[int, int]:
        group = 0 if version.active_key is not None else 1 if version.state == "candidate" else 2
        return group, -version.number

    return sorted(versions, key=rank)


def name_version(version: ModelVersion) -> str:
    """Return number, state and day of a version."""
    if version.active_key is not None:
        state = _("in use")
    elif version.state == "candidate":
        state = _("candidate")
    else:
        state = _("not in use")
    return f"{_('Version {number}', number=version.number)} · {state} · {day(version.created_at)}"


def _version_key(product_id: int) -> str:
    return f"model_report_version_{product_id}"


def _follow_address(product_ids: set[int]) -> bool:
    """Choose what the address names, once for each address: afterwards the boxes count. Return whether it is there.

    An address names a version, or a product whose version in use is meant.
    """
    if _PRODUCT in st.query_params:
        product_id = _number(st.query_params.pop(_PRODUCT))
        if product_id not in product_ids:
            return False
        _choose_product(product_id)
    if _VERSION not in st.query_params:
        return True
    asked = _number(st.query_params[_VERSION])
    if st.session_state.get(_FOLLOWED) == asked:
        return True
    st.session_state[_FOLLOWED] = asked
    try:
        version = get_version(services(), asked)
    except AppError as error:
        if error.code != "not_found":
            show_error(error)
            return True
        version = None
    if version is None or version.kind != MEMORY_BANK or version.product_id not in product_ids:
        return False
    _choose_product(version.product_id)
    choose_view(version.product_id, version.view, key="model_report")
    st.session_state[_version_key(version.product_id)] = version.id
    return True


def _choose_product(product_id: int) -> None:
    remember_product(product_id)
    st.session_state["model_report_product"] = product_id


def _number(text: str) -> int:
    """Return the number that a text of the address is; 0 for none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else 0
