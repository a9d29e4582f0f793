"""New normal images beside what the model in use knows: the progress, and which do not look like the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.i18n import N_
from core.inspections.normal_check import NO_MODEL, TOO_MANY, TOO_SLOW, IntakeCheck, check_new_normals
from pages.components.shared.language import _, _n, escape, language, number
from pages.components.shared.session import person, services

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from core.images.records import FileOutcome

_MOST_NAMED = 10
_REASONS: dict[str, str] = {
    TOO_MANY: N_("They were not compared with the model in use, because they are many: the next deployment does it."),
    TOO_SLOW: N_("The others were not compared with the model in use, to save time: the next deployment does it."),
}


def check_added(product_id: int, outcomes: Sequence[FileOutcome], bar: DeltaGenerator) -> IntakeCheck | None:
    """Have the model in use look at the images that were added, with the progress in `bar`; None without any."""
    added = [
        found.image_id
        for found in outcomes
        if found.outcome == "added" and found.image_id is not None and "mask" not in found.notes
    ]
    if not added:
        return None

    def report(done: int, total: int) -> None:
        counted = _("{done} of {total}", done=number(done), total=number(total))
        bar.progress(done / max(1, total), text=f"{_('Comparing with the model in use …')} {counted}")

    bar.progress(0.0, text=_("Comparing with the model in use …"))
    return check_new_normals(services(), person(), product_id, added, progress=report)


def show_check(check: IntakeCheck) -> None:
    """Say which of the images do not look like the others, and why some were not looked at."""
    if check.suspected:
        names = ", ".join(escape(found.name) for found in check.suspected[:_MOST_NAMED])
        if len(check.suspected) > _MOST_NAMED:
            names += " …"
        st.warning(
            _n(
                "{found} of {count} image does not look like the others",
                "{found} of {count} images do not look like the others",
                check.n_checked,
                found=number(len(check.suspected)),
            )
            + f": {names}. "
            + _("Decide on each at the top of this page."),
            icon=":material/flag:",
        )
    elif check.n_checked:
        st.caption(
            _n(
                "{count} image compared with the model in use: it looks like the others.",
                "{count} images compared with the model in use: they look like the others.",
                check.n_checked,
            )
        )
    if check.error is not None:
        st.caption(
            _("The images are stored, but were not compared with the model in use.")
            + " "
            + escape(check.error.sentence(language()))
        )
    elif check.reason and check.reason != NO_MODEL:
        st.caption(_(_REASONS[check.reason]))
