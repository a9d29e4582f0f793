"""The blind rating of one person: a picture, two large keys, and nothing that tells which part it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.errors import AppError
from core.gauge.pictures import read_for_screen
from core.gauge.rating import Look, RatingTask, list_tasks, next_look, open_task, rate, take_back
from core.gauge.terms import OK, REJECT
from pages.components.analysis.gauge.ratings_step import APPRAISER
from pages.components.shared import screens
from pages.components.shared.language import _, _n, escape, number, product_name
from pages.components.shared.session import person, services, show_error, showing_errors

if TYPE_CHECKING:
    from collections.abc import Sequence

# The picture and both keys are on one screen, whatever its height; the keys are as large as a gloved hand wants them.
_STYLE = """
<style>
.st-key-gauge_look [data-testid="stImage"] {width: 100%}
.st-key-gauge_look [data-testid="stImage"] img {max-height: calc(100dvh - 20.5rem); min-height: 8rem; width: 100%;
  object-fit: contain; background: rgba(127, 145, 155, 0.12); border-radius: 0.375rem}
.st-key-gauge_keys {flex-wrap: nowrap; gap: 0.75rem}
.st-key-gauge_keys button {min-height: 5rem}
.st-key-gauge_keys button p {font-size: 1.6rem; font-weight: 600}
.st-key-gauge_rate_ok button {background: #1b7f4d; color: #ffffff; border-color: #1b7f4d}
.st-key-gauge_rate_reject button {background: #b3261e; color: #ffffff; border-color: #b3261e}
.st-key-gauge_keys :is(.st-key-gauge_rate_ok, .st-key-gauge_rate_reject) button:is(:hover, :focus-visible) {
  filter: brightness(1.15); color: #ffffff}
</style>
"""


def show_tasks() -> None:
    """Draw what waits for ratings: the person's own, and names that are chosen at a shared screen."""
    tasks = [task for task in list_tasks(services(), person()) if not task.is_done]
    st.title(_("Rate parts"))
    if not tasks:
        st.info(_("No part waits for your rating."), icon=":material/check_circle:")
        screens.link_to(screens.INSPECT_PART, _("Inspect a part"))
        return
    st.markdown(_("Choose your name. Say of each part whether it is OK or NG, as you would at the line."))
    for task in tasks:
        with st.container(border=True, key=f"gauge_task_{task.appraiser_id}"):
            about, link = st.columns([3, 1], vertical_alignment="center")
            left = _n("{count} look left", "{count} looks left", task.total - task.done)
            about.markdown(
                f"**{escape(task.appraiser_name)}**  \n{escape(task.study_name)} · "
                f"{escape(product_name(task.product))} · {left}"
            )
            with link:
                screens.link_to(screens.GAUGE_RATING, _("Begin"), query={APPRAISER: str(task.appraiser_id)})


def show_rating(appraiser_id: int) -> None:
    """Draw the looks of one person, one after the other."""
    try:
        task = open_task(services(), person(), appraiser_id)
    except AppError as error:
        st.title(_("Rate parts"))
        show_error(error)
        screens.link_to(screens.GAUGE_RATING, _("All ratings"))
        return
    st.html(_STYLE)
    st.subheader(_("{name} rates", name=escape(task.appraiser_name)))
    _show_look(appraiser_id)


@st.fragment
def _show_look(appraiser_id: int) -> None:
    with showing_errors():
        task = open_task(services(), person(), appraiser_id)
        look = next_look(services(), person(), appraiser_id)
        st.progress(
            task.done / max(1, task.total),
            text=_("{done} of {total} looks", done=number(task.done), total=number(task.total)),
        )
        if look is None:
            _show_end(task)
            return
        data = read_for_screen(services(), task.study_id, look.trial_id)
        with st.container(key="gauge_look"):
            st.image(data, width="stretch", alt=_("The part to rate"))
        _show_keys(appraiser_id, look, can_go_back=task.done > 0)


def _show_keys(appraiser_id: int, look: Look, *, can_go_back: bool) -> None:
    # Of this look: what is pressed twice is not said of the next part.
    turn = f"{appraiser_id}_{look.position}"
    with st.container(horizontal=True, key="gauge_keys"):
        for verdict, label, key in ((OK, _("OK"), "1"), (REJECT, _("NG"), "2")):
            with st.container(key=f"gauge_rate_{verdict}"):
                st.button(
                    label,
                    key=f"gauge_{verdict}_{turn}",
                    shortcut=key,
                    width="stretch",
                    on_click=_rate,
                    args=(appraiser_id, look, verdict),
                )
    if can_go_back:
        st.button(
            _("Back to the last part"),
            key=f"gauge_back_{turn}",
            icon=":material/undo:",
            shortcut="0",
            on_click=_take_back,
            args=(appraiser_id,),
        )


def _rate(appraiser_id: int, look: Look, verdict: str) -> None:
    with showing_errors():
        rate(services(), person(), appraiser_id, look, verdict)


def _take_back(appraiser_id: int) -> None:
    with showing_errors():
        take_back(services(), person(), appraiser_id)


def _show_end(task: RatingTask) -> None:
    st.success(
        _("All parts are rated. Thank you, {name}.", name=escape(task.appraiser_name)), icon=":material/done_all:"
    )
    screens.link_to(screens.GAUGE_RATING, _("All ratings"))
    screens.link_to(screens.INSPECT_PART, _("Inspect a part"))


def show_rating_notice() -> None:
    """Say, where something waits for this person's rating, that it does, and lead there."""
    waiting = _waiting(list_tasks(services(), person()))
    if waiting:
        words = _n(
            "{count} look of a gauge study waits for you", "{count} looks of a gauge study wait for you", waiting
        )
        screens.link_to(screens.GAUGE_RATING, words, icon=":material/straighten:")


def _waiting(tasks: Sequence[RatingTask]) -> int:
    return sum(task.total - task.done for task in tasks)
