"""Storing what was chosen, with the progress on the screen, and the start of the deployment."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from core.catalog.products import create_product
from core.deployments.start import start_stale
from core.errors import AppError, BadInput, Conflict
from core.images.records import IncomingFile
from core.images.upload_plans.plan import LEFT_OUT, UploadPlan
from core.images.upload_plans.storing import store_upload
from core.jobs.views import view
from core.models.kinds import MEMORY_BANK
from core.registry.versions import has_active_version
from pages.components.deployment.deploy_notice import IMAGE_KINDS
from pages.components.images.uploads import UploadOutcome
from pages.components.overview.first_inspection.place import follow_job, keep_product
from pages.components.shared.language import _, duration, escape, number
from pages.components.shared.pickers import remember_product
from pages.components.shared.session import person, services

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from storage.tables import Product

UPLOAD = "first_upload"
_BETWEEN_UPDATES_S = 0.15


@dataclass(frozen=True)
class Field:
    """The files of one field and what they would become."""

    files: list[IncomingFile]
    plan: UploadPlan


def import_and_deploy(product: Product | None, name: str, fields: Sequence[Field]) -> None:
    """Register the product where it is new, store its images and start its deployment. Raises AppError.

    The address names the product before its first image is stored: after a reload, the same files can be chosen again,
    and none is stored twice.
    """
    if product is None:
        product = create_product(services(), person(), name=name)
    keep_product(product.id)
    remember_product(product.id)
    upload = _store(product.id, fields)
    st.session_state[UPLOAD] = upload
    if upload.stopped is not None:
        raise upload.stopped
    try:
        start_deployment(product.id)
    except AppError:
        if not upload.of("added") and not upload.of("duplicate"):
            raise BadInput("upload_nothing_stored") from None
        raise
    # The field is emptied and its bytes are released; after a failure the files stay for another try.
    st.session_state["first_turn"] = st.session_state.get("first_turn", 0) + 1


def start_deployment(product_id: int) -> None:
    """Start what the product's models need, and follow the memory bank's job. Raises AppError.

    What is up to date is not built again: the model in use is ready then.
    """
    try:
        started = start_stale(services(), person(), [product_id], kinds=IMAGE_KINDS)
    except Conflict as error:
        if error.code != "nothing_to_deploy" or not has_active_version(services(), MEMORY_BANK, product_id):
            raise
        started = []
    banks = [job_id for job_id in started if view(services(), job_id).kind == MEMORY_BANK]
    keep_product(product_id)
    follow_job(banks[0] if banks else None)


def _store(product_id: int, fields: Sequence[Field]) -> UploadOutcome:
    total = sum(
        len(folder.files)
        for field in fields
        for folder in field.plan.folders
        if folder.use is not None and folder.use.kind != LEFT_OUT
    )
    upload = UploadOutcome(product_id, total)
    bar = st.progress(0.0, text=_("Storing the images …"))
    began = shown_at = time.monotonic()
    done = 0
    try:
        for field in fields:
            left_out = len(field.plan.left_out)
            for place, outcome in enumerate(store_upload(services(), person(), product_id, field.files, field.plan)):
                upload.outcomes.append(outcome)
                done += place >= left_out and "mask" not in outcome.notes
                now = time.monotonic()
                if now - shown_at >= _BETWEEN_UPDATES_S:
                    shown_at = now
                    _show_progress(bar, done, total, now - began, outcome.name)
    except AppError as error:
        upload.stopped = error
    bar.empty()
    return upload


def _show_progress(bar: DeltaGenerator, done: int, total: int, elapsed_s: float, name: str) -> None:
    counted = _("Storing: {done} of {total}", done=number(done), total=number(total))
    left = _("about {time} left", time=duration(elapsed_s / done * (total - done))) if done else ""
    bar.progress(
        min(0.99, done / max(1, total)), text=" · ".join(part for part in (counted, left, escape(name)) if part)
    )
