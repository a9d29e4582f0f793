"""Adding an inspected part to the images that the next build learns from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import AppError
from core.history.learning import add_to_images
from pages.components.inspection.shown_result import refuse, say
from pages.components.shared.language import _, day, escape
from pages.components.shared.session import person, services

if TYPE_CHECKING:
    from core.history.learning import LearnedImage
    from core.inspections.records import InspectionRecord


def show_add_button(record: InspectionRecord, learned: LearnedImage | None) -> None:
    """Draw the button, or as which image the part was added, by whom and when."""
    if learned is not None:
        st.badge(
            _("In the images: {name}", name=escape(learned.stored_name)),
            icon=":material/school:",
            color="green",
            help=f"{escape(_(learned.person_name) if learned.person_name else '–')} · {day(learned.created_at)}",
        )
        return
    st.button(
        _("Add to the images"),
        key=f"learn_{record.id}",
        icon=":material/school:",
        shortcut="I",
        help=_(
            "The part becomes a normal image, or a defect image with its regions as mask, and the next build learns "
            "from it."
        ),
        on_click=_add,
        args=(record,),
    )


def _add(record: InspectionRecord) -> None:
    try:
        outcome = add_to_images(services(), person(), record.id)
    except AppError as error:
        refuse(record, error)
        return
    say(record, _("Added to the images as {name}.", name=escape(outcome.stored_name or "")))
