"""What is known of the image of an inspection, and the normal image that it is compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.images.notes import describe_note
from core.inspections.pictures import find_nearest_name
from pages.components.shared.labels import SOURCE_NAMES, THRESHOLD_METHODS, label_of
from pages.components.shared.language import _, byte_size, defect_name, escape, language, moment, number, score
from pages.components.shared.session import services
from pages.server.pictures import full_address

if TYPE_CHECKING:
    from core.inspections.records import InspectionRecord
    from pages.components.inspection.heat_map import Pictures


def show_comparison(record: InspectionRecord, pictures: Pictures) -> None:
    """Draw the part beside the nearest normal image, and where the two differ. Raises Unavailable."""
    nearest_name = find_nearest_name(services(), record)
    if nearest_name is None:
        st.info(_("The nearest normal image is not stored any more, so there is nothing to compare with."))
        return
    st.markdown(_("The normal image that is nearest where this part looks worst, and where the two differ."))
    part, nearest = st.columns(2)
    with part:
        st.image(full_address(pictures.path("part")), width="stretch", caption=_("This part"), alt=_("This part"))
    with nearest:
        title = _("Nearest normal image")
        st.image(full_address(pictures.path("nearest")), width="stretch", caption=title, alt=title)
    difference, words = st.columns(2)
    with difference:
        title = _("Difference")
        st.image(full_address(pictures.path("difference")), width="stretch", caption=title, alt=title)
    with words:
        st.caption(escape(nearest_name))
        st.caption(_("The difference is adjusted for light. Parts that lie differently differ at their edges too."))


def show_image_details(record: InspectionRecord, pictures: Pictures) -> None:
    """Draw the facts of the image, of its part and of the model that inspected it."""
    part, none = record.part, "–"
    who = escape(_(record.person_name)) if record.person_name else none
    facts = {
        _("File"): escape(record.original_name) or none,
        _("Size"): f"{number(record.width_px)} × {number(record.height_px)} px",
        _("Source"): label_of(SOURCE_NAMES, part.source),
        _("Quality"): _("No fault found") if not pictures.quality_warnings else _("See the warning above"),
        _("Line / lot"): " / ".join(escape(text) or none for text in (part.line, part.lot)),
        _("Serial / shift"): " / ".join(escape(text) or none for text in (part.serial, part.shift)),
        _("Inspected"): f"{moment(record.created_at)} · {who}",
        _("Inspection no."): number(record.id),
        _("Model"): _(
            "version {number}, {size}, built {when}",
            number=record.model.number,
            size=byte_size(record.model.byte_size),
            when=moment(record.model.created_at),
        ),
        _("Thresholds"): label_of(THRESHOLD_METHODS, record.threshold_method),
        _("Time taken"): f"{number(record.latency_ms)} ms",
    }
    if record.raised_by > 0:
        facts[_("Raised by known defects")] = _(
            "{value} of {score}", value=score(record.raised_by), score=score(record.score)
        )
    if record.suggestion is not None:
        likely = record.suggestion.defect_type
        facts[_("Suggested type")] = escape(defect_name(likely)) if likely else _("none of the known types")
    st.table(facts, border="horizontal")
    for note in record.image_notes:
        st.caption(describe_note(note, language()))
