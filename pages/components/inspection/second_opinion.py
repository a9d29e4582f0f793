"""The second opinion on a part: asked on a click, shown with its picture, words and score, and deciding nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.comparisons.opinion_choice import find_chosen_opinion
from core.comparisons.second_opinion import ask_second_opinion, draw_second_opinion, list_second_opinions
from core.errors import AppError
from core.inspections.terms import VERDICT_NAMES
from core.methods.visual.choice import current_visual_choice
from core.methods.visual.servers import find_server
from core.methods.visual.vlm import VLM
from pages.components.shared.labels import VERDICT_COLORS, VERDICT_ICONS, label_of
from pages.components.shared.language import _, defect_name, escape, language, moment, number, percent, score
from pages.components.shared.session import person, services, show_error, showing_errors

if TYPE_CHECKING:
    from core.comparisons.opinion_choice import OpinionChoice
    from core.comparisons.opinion_records import SecondOpinionRecord
    from core.inspections.records import InspectionRecord


@st.cache_resource(show_spinner=False, max_entries=32)
def _picture(store: int, opinion_id: int, _opinion: SecondOpinionRecord) -> bytes:
    # Shared by all sessions and never changed: an opinion stays as it was given.
    return draw_second_opinion(services(), _opinion)


def show_second_opinion(record: InspectionRecord) -> None:
    """Draw the button, and the newest opinion with its picture; earlier ones in one line each."""
    chosen = find_chosen_opinion(services(), record.product.id)
    # Above the button, and drawn after it: what was asked for just now is there at once.
    newest = st.container()
    if chosen is not None:
        _show_button(record, chosen)
    opinions = list_second_opinions(services(), record.id)
    if opinions:
        with newest:
            _show_opinion(record, opinions[0])
    elif chosen is None:
        st.info(_("No method is chosen for second opinions on this product. An engineer chooses one under Products."))
    st.caption(_("Another method's view of this part. It decides nothing: the verdict stays as it is."))
    if len(opinions) > 1:
        with st.expander(_("Earlier ones ({count})", count=number(len(opinions) - 1))):
            for earlier in opinions[1:]:
                st.markdown(f"- {_sum_up(earlier)}")


def _show_button(record: InspectionRecord, chosen: OpinionChoice) -> None:
    title = _(chosen.title)
    if chosen.obstacle is not None:
        st.info(chosen.obstacle.sentence(language()), icon=":material/settings:")
    pressed = st.button(
        _("Ask: {method}", method=title),
        key=f"second_opinion_ask_{record.id}",
        icon=":material/forum:",
        disabled=chosen.obstacle is not None,
        width="stretch",
    )
    if chosen.method == VLM and chosen.obstacle is None:
        server = find_server(current_visual_choice(services()).server)
        if server is not None:
            st.caption(f":material/shield: {_(server.privacy)}")
    if not pressed:
        return
    try:
        with st.spinner(_("Asking {method} …", method=title)):
            ask_second_opinion(services(), person(), record.id, language=language())
    except AppError as error:
        show_error(error)


def _show_opinion(record: InspectionRecord, opinion: SecondOpinionRecord) -> None:
    said = opinion.prediction
    with st.container(border=True, key=f"second_opinion_{opinion.id}"):
        st.markdown(f"**{_(opinion.title)}**" + (f" · {escape(said.model)}" if said.model else ""))
        if opinion.problem is not None:
            st.warning(opinion.problem.sentence(language()), icon=":material/sms_failed:")
        else:
            _show_answer(record, opinion)
        facts = [moment(opinion.created_at), f"{number(opinion.latency_ms)} ms"]
        if opinion.person_name:
            facts.insert(0, escape(_(opinion.person_name)))
        if opinion.view:
            facts.append(escape(opinion.view))
        if said.bill is not None and said.bill.requests:
            tokens = said.bill.input_tokens + said.bill.output_tokens
            facts.append(_("{count} tokens", count=number(tokens)))
            if said.bill.cost_usd:
                facts.append(f"${said.bill.cost_usd:.4f}")
        st.caption(" · ".join(facts))


def _show_answer(record: InspectionRecord, opinion: SecondOpinionRecord) -> None:
    said = opinion.prediction
    assert said.score is not None
    line = _("Score {value}", value=score(said.score))
    if said.verdict:
        icon, color = VERDICT_ICONS[said.verdict], VERDICT_COLORS[said.verdict]
        line = f":{color}[{icon} **{label_of(VERDICT_NAMES, said.verdict)}**] · {line}"
    else:
        line += " · " + _("no threshold yet, so no verdict")
    picture, words = st.columns([1, 1.1])
    with picture, showing_errors():
        title = _("What the method saw")
        st.image(_picture(hash(services().settings), opinion.id, opinion), width="stretch", caption=title, alt=title)
    with words:
        st.markdown(line)
        if likely := _name_type(record, opinion):
            st.markdown(_("Likely type: {name}", name=likely))
        if said.words:
            st.markdown(f"> {escape(said.words)}")
        named = {found.code: escape(defect_name(found)) for found in record.defect_types}
        for place, box in enumerate(said.boxes, start=1):
            name = named.get(box.label, escape(box.label)) or _("Defect")
            st.caption(f"{place}. {name} · {score(box.score)} · {number(box.width)} × {number(box.height)} px")


def _name_type(record: InspectionRecord, opinion: SecondOpinionRecord) -> str:
    """Return the most likely defect type with its share, empty for a good part and where several are as likely."""
    named = {found.code: escape(defect_name(found)) for found in record.defect_types}
    shares = {code: share for code, share in opinion.prediction.class_probabilities.items() if code in named}
    ranked = sorted(shares, key=lambda code: -shares[code])
    if not ranked or opinion.prediction.verdict == "ok":
        return ""
    best = ranked[0]
    if len(ranked) > 1 and shares[best] <= shares[ranked[1]] * 1.001:
        return ""
    return f"{named[best]} ({percent(shares[best], decimals=0)})"


def _sum_up(opinion: SecondOpinionRecord) -> str:
    told = f"{moment(opinion.created_at)} · {_(opinion.title)}"
    if opinion.problem is not None:
        return f"{told} · {opinion.problem.sentence(language())}"
    verdict = label_of(VERDICT_NAMES, opinion.prediction.verdict) if opinion.prediction.verdict else ""
    value = _("Score {value}", value=score(opinion.prediction.score or 0.0))
    return " · ".join(part for part in (told, verdict, value) if part)
