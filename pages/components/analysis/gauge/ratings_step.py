"""The ratings of people: who is how far, and where each one rates."""

from __future__ import annotations

import streamlit as st

from core.gauge.records import Study
from core.gauge.studies import load_study
from pages.components.shared import screens
from pages.components.shared.language import _, escape, number
from pages.components.shared.session import services

APPRAISER = "appraiser"
_REFRESH_S = 5.0


def show_ratings_step(study: Study) -> None:
    """Draw how far each person is, live, and the way to each one's own screen."""
    if not study.appraisers:
        st.info(_("Nobody rates in this study: it is of the score alone."), icon=":material/person_off:")
        return
    bare = study.parts_without_picture
    if study.is_open and bare:
        st.warning(
            _(
                "Rating begins when every part has a picture. Without one: {parts}",
                parts=_list([one.name for one in bare]),
            ),
            icon=":material/hourglass_empty:",
        )
    elif study.is_open:
        st.markdown(
            _(
                "Each person rates alone, in a random order, without knowing part, score or what others said. People "
                "with an account find it on “Inspect a part”; for the others, open the link here."
            )
        )
    _show_people(study.id)


@st.fragment(run_every=_REFRESH_S)
def _show_people(study_id: int) -> None:
    study = load_study(services(), study_id)
    ready = study.is_open and not study.parts_without_picture
    for one in study.appraisers:
        with st.container(border=True, key=f"gauge_person_{one.id}"):
            name, how_far, link = st.columns([1.4, 2.2, 1.2], vertical_alignment="center")
            name.markdown(f"**{escape(one.name)}**")
            name.caption(_("with an account") if one.user_id is not None else _("by name"))
            how_far.progress(
                one.done / max(1, one.total),
                text=_("{done} of {total} looks", done=number(one.done), total=number(one.total)),
            )
            with link:
                if ready and one.done < one.total:
                    screens.link_to(screens.GAUGE_RATING, _("Rate"), query={APPRAISER: str(one.id)})
                elif one.total and one.done == one.total:
                    st.badge(_("Finished"), icon=":material/check:", color="green")


def _list(names: list[str]) -> str:
    shown = ", ".join(escape(name) for name in names[:8])
    return shown if len(names) <= 8 else f"{shown} …"
