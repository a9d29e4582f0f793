"""Where a person stands on the way to the first inspection: told by the address, so that a reload comes back to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from core.catalog.products import get_product
from core.errors import NotFound
from core.jobs.views import JobView, list_unfinished, view
from core.models.kinds import MEMORY_BANK
from core.registry.versions import has_active_version
from pages.components.shared.session import services

if TYPE_CHECKING:
    from storage.tables import Product

IMAGES, BUILDING, STOPPED, READY = "images", "building", "stopped", "ready"
_PRODUCT, _JOB, _ADDING = "product", "job", "adding"
_MOST_DIGITS = 18  # as many as every database's largest number has


@dataclass(frozen=True)
class Place:
    """The product and its deployment, as far as there are any; `is_lost` is a product that is not there (any more)."""

    stage: str
    product: Product | None = None
    job: JobView | None = None
    is_lost: bool = False


def find_place() -> Place:
    """Return where the address leads."""
    number = _read(_PRODUCT)
    if number is None:
        return Place(IMAGES)
    try:
        product = get_product(services(), number)
    except NotFound:
        return Place(IMAGES, is_lost=True)
    if not product.is_active:
        return Place(IMAGES, is_lost=True)
    job = _find_job(product.id)
    if job is not None and job.state in {"queued", "running"}:
        return Place(BUILDING, product, job)
    if _read(_ADDING) is not None:
        return Place(IMAGES, product)
    if job is not None and not has_succeeded(job, product.id):
        return Place(STOPPED, product, job)
    if has_active_version(services(), MEMORY_BANK, product.id):
        return Place(READY, product, job)
    return Place(IMAGES, product)


def has_succeeded(job: JobView, product_id: int) -> bool:
    """Return whether the job has left the product with a model of these images in use."""
    return any(found.product_id == product_id and found.outcome in {"activated", "unchanged"} for found in job.outcomes)


def keep_product(product_id: int) -> None:
    """Name the product in the address."""
    st.query_params[_PRODUCT] = str(product_id)


def follow_job(job_id: int | None) -> None:
    """Name the deployment in the address, and come from the images to it."""
    st.query_params.pop(_ADDING, None)
    if job_id is None:
        st.query_params.pop(_JOB, None)
    else:
        st.query_params[_JOB] = str(job_id)


def add_images_to(product_id: int) -> None:
    """Go back to the images of the product."""
    keep_product(product_id)
    st.query_params.pop(_JOB, None)
    st.query_params[_ADDING] = "1"


def start_over() -> None:
    """Begin with another product."""
    for name in (_PRODUCT, _JOB, _ADDING):
        st.query_params.pop(name, None)


def product_in_address() -> int | None:
    """Return the number of the product that the address names."""
    return _read(_PRODUCT)


def _find_job(product_id: int) -> JobView | None:
    """Return the deployment that the address names, else one of this product's memory bank that waits or runs."""
    number = _read(_JOB)
    if number is not None:
        try:
            found = view(services(), number)
        except NotFound:
            found = None
        if found is not None and found.kind == MEMORY_BANK and product_id in found.product_ids:
            return found
    waiting = (job for job in list_unfinished(services()) if job.kind == MEMORY_BANK)
    return next((job for job in waiting if product_id in job.product_ids), None)


def _read(name: str) -> int | None:
    text = st.query_params.get(name, "")
    return int(text) if text.isdecimal() and len(text) <= _MOST_DIGITS else None
