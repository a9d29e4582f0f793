"""What a plan has to ask before it is certain: one row a question, with pictures and a key for each answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.images.imports.roles import read_role
from pages.components.imports.wording import icon_of_role, name_folder, name_role, say_reason
from pages.components.shared.language import _, _n, escape, number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.image_imports.drafts import ImportDraft
    from core.images.imports.records import Question

_MOST_QUESTIONS = 12
_MOST_CHOICES = 3


def show_questions(draft: ImportDraft, examples: Mapping[str, bytes]) -> dict[str, str]:
    """Draw the questions of a plan, each with its keys; return what was answered on this run."""
    questions = draft.plan.questions
    if not questions:
        return {}
    answers: dict[str, str] = {}
    with st.container(border=True, key="import_questions"):
        st.markdown(
            ":orange[:material/help:] **"
            + _n("{count} question first", "{count} questions first", len(questions))
            + "** · "
            + _("What is not answered is left out.")
        )
        for place, question in enumerate(questions[:_MOST_QUESTIONS]):
            answers |= _ask(draft, question, place, examples)
        if len(questions) > _MOST_QUESTIONS:
            st.caption(_n("and {count} more question", "and {count} more questions", len(questions) - _MOST_QUESTIONS))
    return answers


def _ask(draft: ImportDraft, question: Question, place: int, examples: Mapping[str, bytes]) -> dict[str, str]:
    answers: dict[str, str] = {}
    with st.container(key=f"import_question_{place}"):
        pictures = [examples[path] for path in question.examples if path in examples]
        shown = name_folder(question.path)
        words, keys = st.columns([1.5, 2], vertical_alignment="center")
        with words:
            told = {"name": shown, "path": shown, "count": number(question.n_images), **question.params}
            st.markdown(
                f"{escape(say_reason(question.code, **told))}  \n"
                f"{_n('{count} image', '{count} images', question.n_images)}"
            )
            if pictures:
                st.image(pictures, width=64)
        with keys, st.container(horizontal=True):
            for role in question.choices[:_MOST_CHOICES]:
                if st.button(escape(name_role(role)), key=f"import_answer_{place}_{role}", icon=icon_of_role(role)):
                    answers = {question.path: role}
            with st.popover(_("Something else"), icon=":material/edit:"):
                answers |= _ask_else(draft, question, place)
    return answers


def _ask_else(draft: ImportDraft, question: Question, place: int) -> dict[str, str]:
    suggested = next((read_role(role).defect_name for role in question.choices if read_role(role).defect_name), "")
    with st.form(f"import_else_{place}", border=False):
        name = st.text_input(_("Defect type"), value=suggested, key=f"import_else_type_{place}", max_chars=190)
        product = st.text_input(
            _("Product (name or code)"), value=draft.product, key=f"import_else_product_{place}", max_chars=190
        )
        kind = st.radio(
            _("These images show"),
            ["normal", "defect", "mask"],
            key=f"import_else_kind_{place}",
            format_func=lambda found: {
                "normal": _("Good parts"),
                "defect": _("A defect of this type"),
                "mask": _("Masks of other images"),
            }[found],
        )
        if not st.form_submit_button(_("Apply"), type="primary", icon=":material/check:"):
            return {}
    if kind == "defect" and not name.strip():
        st.warning(_("Name the defect type."), icon=":material/label:")
        return {}
    pieces = [f"defect:{name.strip()}" if kind == "defect" else str(kind)]
    if product.strip() and product.strip() != draft.product:
        pieces.append(f"product:{product.strip()}")
    return {question.path: "/".join(pieces)}
