"""The list of gauge studies, and what they are for where there is none."""

from __future__ import annotations

import streamlit as st

from core.gauge.studies import list_studies
from core.gauge.terms import DRAFT, KIND_NAMES, RUNNING, STATE_NAMES
from pages.components.analysis.gauge.address import open_new, open_study
from pages.components.shared.language import _, _n, day, escape, number, product_name
from pages.components.shared.session import services

_COLORS = {"draft": "gray", "running": "orange", "closed": "green", "cancelled": "gray"}


def show_study_list() -> None:
    """Draw the studies, the newest first, each with how far it is."""
    title, new = st.columns([4, 1.3], vertical_alignment="bottom")
    title.title(_("Gauge study"))
    found = list_studies(services())
    new.button(
        _("New study"), key="gauge_new", icon=":material/add:", type="primary", width="stretch", on_click=open_new
    )
    if not found:
        _explain()
        return
    st.caption(_("How far scores and verdicts repeat: measurement system analysis by AIAG MSA, 4th edition."))
    for line in found:
        with st.container(border=True, key=f"gauge_line_{line.id}"):
            about, how_far, opening = st.columns([3.2, 2.4, 1.0], vertical_alignment="center")
            about.markdown(
                f"**{escape(line.name)}**  \n{escape(product_name(line.product))} · {_(KIND_NAMES[line.kind])}"
            )
            with how_far:
                st.badge(_(STATE_NAMES[line.state]), color=_COLORS[line.state])  # type: ignore[arg-type]
                pieces = [_n("{count} part studied", "{count} parts studied", line.n_parts)]
                if line.state != DRAFT:
                    pieces.append(
                        _("{done} of {total} pictures", done=number(line.n_taken), total=number(line.n_pictures))
                    )
                if line.n_ratings:
                    pieces.append(_("{done} of {total} looks", done=number(line.n_rated), total=number(line.n_ratings)))
                pieces.append(day(line.created_at))
                st.caption(" · ".join(pieces))
            opening.button(
                _("Continue") if line.state in {DRAFT, RUNNING} else _("View"),
                key=f"gauge_open_{line.id}",
                width="stretch",
                on_click=open_study,
                args=(line.id,),
            )


def _explain() -> None:
    with st.container(border=True):
        st.subheader(_("Can you trust what is measured?"))
        st.markdown(
            _(
                "The same parts are looked at again and again, by the camera and the model, and by people. What comes "
                "out tells how much of a score is the part and how much is the measuring, and whether people and model "
                "decide alike. Auditors under IATF 16949 ask for this study before a station goes into production and "
                "after every change of it."
            )
        )
        st.button(_("Plan the first study"), key="gauge_first", icon=":material/straighten:", on_click=open_new)
