"""Step 3: the model is in use. Its figures in plain words, and the way to the inspection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import NotFound
from core.jobs.views import list_unfinished
from core.models.calibration_figures import ThresholdFigures
from core.models.calibration_words import calibration_sentences
from core.models.kinds import MEMORY_BANK, SIMILARITY_INDEX
from core.models.sources import BankSources, read_sources
from core.registry.thresholds import find_threshold
from core.registry.versions import list_versions
from pages.components.deployment.inspect_now import show_inspect_now
from pages.components.deployment.sources import describe_set_apart, list_set_apart
from pages.components.images.uploads import UploadOutcome, show_outcome
from pages.components.overview.first_inspection.importing import UPLOAD
from pages.components.overview.first_inspection.place import Place, add_images_to, start_over
from pages.components.shared.language import _, _n, escape, language, number, product_name, score
from pages.components.shared.screens import NORMAL_IMAGES, link_to
from pages.components.shared.session import services

if TYPE_CHECKING:
    from storage.tables import ModelVersion


def show_ready(place: Place) -> None:
    """Show that the product can be inspected, the button that leads there, and what the model stands on."""
    product = place.product
    assert product is not None
    version = next((row for row in list_versions(services(), MEMORY_BANK, product.id) if row.state == "active"), None)
    with st.container(border=True, key="first_ready"):
        st.markdown(f"### :green[:material/check_circle:] {_('“{name}” is ready', name=escape(product_name(product)))}")
        show_inspect_now([product.id], key="first", width="stretch")
        if version is not None:
            _show_figures(version)
    if any(job.kind == SIMILARITY_INDEX and product.id in job.product_ids for job in list_unfinished(services())):
        st.caption(
            ":material/schedule: "
            + _("The similar images are still being prepared. Inspection works meanwhile and shows them when they are.")
        )
    with st.container(horizontal=True):
        st.button(
            _("Add images"),
            key="first_more",
            icon=":material/add_photo_alternate:",
            on_click=add_images_to,
            args=(product.id,),
        )
        st.button(_("Another product"), key="first_other", icon=":material/swap_horiz:", on_click=start_over)
    found = st.session_state.get(UPLOAD)
    if isinstance(found, UploadOutcome) and found.product_id == product.id:
        show_outcome(found, UPLOAD)


def _show_figures(version: ModelVersion) -> None:
    sources = read_sources(version.kind, version.sources)
    assert isinstance(sources, BankSources)
    n_learned = len(frozenset(sources.normal_ids) - frozenset(sources.set_apart))
    n_apart = len(sources.set_apart)
    figures: list[tuple[str, str]] = [
        (_("Good images learned"), number(n_learned)),
        (_("Set apart"), number(n_apart)),
    ]
    try:
        threshold = find_threshold(services(), version.id)
    except NotFound:
        threshold = None
    if threshold is not None:
        figures += [(_("OK below"), score(threshold.review_at)), (_("NG at or above"), score(threshold.reject_at))]
    with st.container(key="first_figures"):
        for column, (label, value) in zip(st.columns(len(figures)), figures, strict=True):
            column.metric(label, value)
    lines = []
    if threshold is not None:
        lines.append(
            _(
                "The score says how far a part is from the good ones. Below {review_at} it is OK, from {reject_at} on "
                "NG; what lies between is for a person to review.",
                review_at=score(threshold.review_at),
                reject_at=score(threshold.reject_at),
            )
        )
        told = ThresholdFigures.from_json(threshold.figures)
        lines += [escape(line) for line in calibration_sentences(told.calibration, told.warnings, language())]
    if n_defects := len(sources.defect_ids):
        lines.append(
            _n(
                "{count} known defect was used to set the thresholds.",
                "{count} known defects were used to set the thresholds.",
                n_defects,
            )
        )
    if lines:
        st.markdown("\n".join(f"- {line}" for line in lines))
    if apart := list_set_apart(version):
        st.markdown(describe_set_apart(apart))
        link_to(NORMAL_IMAGES, _("Decide on the images that were set apart"))
