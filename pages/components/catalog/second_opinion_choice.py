"""Which method gives second opinions on a product's parts."""

from __future__ import annotations

import streamlit as st

from core.comparisons.opinion_choice import NONE, OpinionChoice, list_opinion_choices
from pages.components.shared.language import _, _n, day, language
from pages.components.shared.session import services


def pick_second_opinion(product_id: int, *, key: str) -> str:
    """Draw the choice inside the caller's form; return its code, empty for none."""
    choices = {choice.code: choice for choice in list_opinion_choices(services(), product_id)}
    names = {NONE: _("None")} | {code: _name(choice) for code, choice in choices.items()}
    if st.session_state.get(key) not in names:
        st.session_state[key] = NONE
    code = st.selectbox(
        _("Second opinion"),
        list(names),
        key=key,
        format_func=lambda found: names[found],
        help=_(
            "A method that may be asked about an inspected part with a click. It is shown beside the verdict and never "
            "decides."
        ),
    )
    chosen = choices.get(code)
    if chosen is not None and chosen.obstacle is not None:
        st.caption(f":orange[{chosen.obstacle.sentence(language())}]")
    return code


def _name(choice: OpinionChoice) -> str:
    if choice.references:
        return _n(
            "{method} · shown {count} good part",
            "{method} · shown {count} good parts",
            choice.references,
            method=_(choice.title),
        )
    if choice.run is not None:
        return f"{_(choice.title)} · {choice.run.name or choice.run.id}"
    if choice.model is None:
        return _(choice.title)
    built = day(choice.model.created_at)
    if choice.model.view:
        return _(
            "{method} · No. {number} · {view} · {day}",
            method=_(choice.title), number=choice.model.id, view=choice.model.view, day=built,
        )  # fmt: skip
    return _("{method} · No. {number} · {day}", method=_(choice.title), number=choice.model.id, day=built)
