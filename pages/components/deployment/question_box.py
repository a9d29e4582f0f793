"""The question box: what a worker would be shown for a defect type or for free words, from the index in use or another.

Nothing is stored, and nothing that is asked here counts as guidance of an inspection.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.catalog.defect_types import list_defect_types
from core.catalog.outcomes import DEFECT
from core.errors import AppError
from core.guidance.previews import LONGEST_QUESTION, IndexVersion, Preview, list_preview_versions, preview_guidance
from core.guidance.writer_choice import current_text_choice
from core.guidance.writers.registry import is_quoted
from core.i18n import LANGUAGES
from core.inspections.terms import STEP_TITLES
from pages.components.inspection.decisions.checklist import STEP_ICONS
from pages.components.inspection.guidance_source import SOURCE_DIALOG, show_source_button, show_source_dialog
from pages.components.shared.dialogs import opened
from pages.components.shared.language import _, _n, defect_name, escape, language, number, product_name
from pages.components.shared.pickers import pick_product
from pages.components.shared.session import person, services, show_error

if TYPE_CHECKING:
    from core.guidance.records import Source
    from storage.tables import Product

_KEY = "question"
_FIRST_LINES = 6


def show_question_box(products: Sequence[Product]) -> None:
    """Show the form, and below it the answer to what was asked last of this product."""
    st.subheader(_("What would a worker be shown?"))
    st.caption(
        _(
            "Ask for a defect type, or in free words: the answer is what “Inspect a part” shows, from the same index. "
            "Nothing is stored."
        )
    )
    product = pick_product(products, key=_KEY)
    if product is None:
        return
    versions = list_preview_versions(services(), product.id)
    if not versions:
        st.info(
            _("The manuals of “{name}” have no index yet. Build it above, then ask.", name=_shown(product)),
            icon=":material/menu_book:",
        )
        return
    asked = _ask(product, versions)
    if asked is not None:
        st.session_state[_KEY] = asked
    found = st.session_state.get(_KEY)
    if isinstance(found, dict) and found["product_id"] == product.id:
        _answer(found, [one for one in versions if one.id in found["versions"]])


def _shown(product: Product) -> str:
    return escape(product_name(product))


def _ask(product: Product, versions: Sequence[IndexVersion]) -> dict[str, object] | None:
    """Draw the form; return what was asked with this run."""
    types = {row.id: row for row in list_defect_types(services(), product.id, outcome=DEFECT)}
    with st.form(f"{_KEY}_form", border=True):
        left, right = st.columns([1, 1.6], vertical_alignment="bottom")
        type_id = left.selectbox(
            _("Defect type"),
            [None, *types],
            key=f"{_KEY}_type_{product.id}",
            format_func=lambda found: _("in free words alone") if found is None else defect_name(types[found]),
        )
        words = right.text_input(
            _("Question (optional with a type)"),
            key=f"{_KEY}_words",
            max_chars=LONGEST_QUESTION,
            placeholder=_("for example: what to do with a burr at the bore edge"),
        )
        left, middle, right = st.columns([1, 1.6, 1], vertical_alignment="bottom")
        spoken = left.segmented_control(
            _("Language"),
            list(LANGUAGES),
            key=f"{_KEY}_language",
            default=language(),
            required=True,
            format_func=lambda found: LANGUAGES[found],
        )
        names = {one.id: _name_version(one) for one in versions}
        chosen = middle.pills(
            _("Index"),
            list(names),
            key=f"{_KEY}_versions_{product.id}_{'_'.join(str(found) for found in names)}",
            selection_mode="multi",
            default=list(names),
            format_func=lambda found: names[found],
        )
        if not right.form_submit_button(_("Ask"), type="primary", icon=":material/search:", width="stretch"):
            return None
    return {
        "product_id": product.id,
        "type_id": type_id,
        "words": words,
        "language": spoken or language(),
        "versions": list(chosen) or list(names),
    }


def _name_version(one: IndexVersion) -> str:
    if one.is_active:
        return _("Version {number}, in use", number=one.number)
    return _("Version {number}, candidate", number=one.number)


def _answer(asked: dict[str, object], versions: Sequence[IndexVersion]) -> None:
    """Show the answer of each index that was asked, the one in use first."""
    previews: list[Preview] = []
    for column, one in zip(st.columns(max(1, len(versions))), versions, strict=False):
        with column:
            try:
                with st.spinner(_("Searching the manuals …")):
                    preview = preview_guidance(
                        services(),
                        person(),
                        product_id=int(str(asked["product_id"])),
                        language=str(asked["language"]),
                        question=str(asked["words"] or ""),
                        defect_type_id=None if asked["type_id"] is None else int(str(asked["type_id"])),
                        version_id=one.id,
                    )
            except AppError as error:
                show_error(error)
                continue
            previews.append(preview)
            if len(versions) > 1:
                st.markdown(f"**{_name_version(one)}**")
            _show_preview(preview, one)
    if previews:
        choice = current_text_choice(services())
        if not is_quoted(choice.writer):
            st.caption(
                _(
                    "Shown are the manual's own words. On “Inspect a part” the chosen text model writes its steps from "
                    "the same passages."
                )
            )
        # The dialog finds its page by the number of the passage: of the version whose button was pressed.
        dialog = opened(SOURCE_DIALOG)
        for preview in previews:
            if dialog is not None and dialog.values["guidance_id"] == _source_id(preview.version_id):
                show_source_dialog(preview.sources)


def _source_id(version_id: int) -> int:
    # Ids of stored guidance are positive: a preview is none of them.
    return -version_id


def _show_preview(preview: Preview, one: IndexVersion) -> None:
    asked_for = defect_name(preview.defect_type) if preview.defect_type is not None else _("free words")
    n_steps = sum(len(section.steps) for section in preview.guidance.sections)
    if not preview.found:
        st.warning(
            _("The manuals say nothing about this defect. No steps were made up: ask a quality engineer."),
            icon=":material/help:",
        )
    st.caption(
        _("Asked for: {what}", what=escape(asked_for))
        + " · "
        + _n("{count} step", "{count} steps", n_steps)
        + " · "
        + _n("{count} passage", "{count} passages", len(preview.sources))
        + f" · {number(preview.latency_ms)} ms"
    )
    sources = {source.number: source for source in preview.sources}
    for section in preview.guidance.sections:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{STEP_ICONS[section.name]} {_(STEP_TITLES[section.name])}**")
            cited = dict.fromkeys(found for step in section.steps for found in step.citations if found in sources)
            if cited:
                show_source_button(
                    _source_id(preview.version_id), f"{one.id}_{section.name}", [sources[found] for found in cited]
                )
        st.markdown("\n".join(f"- {escape(step.text)}" for step in section.steps))
    if preview.sources:
        with st.expander(_("The passages, the best fit first"), icon=":material/format_quote:"):
            for source, fit in zip(preview.sources, preview.scores, strict=True):
                _show_passage(source, fit, preview.version_id)


def _show_passage(source: Source, fit: float, version_id: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            rf"\[{source.number}\] **{escape(source.manual_title)}** · "
            + _("fit {score}", score=f"{fit:.2f}")
            + (f" · {escape(source.chapter)}" if source.chapter else "")
            + (f" · {_('read by text recognition (OCR)')}" if source.is_ocr else "")
        )
        show_source_button(_source_id(version_id), f"{version_id}_passage_{source.number}", [source])
    if source.is_held_back:
        st.caption(_("Part of the manual was not used, because it speaks to a computer and not to a person:"))
        return
    lines = [escape(line) for line in source.text.splitlines()]
    more = ["…"] if len(lines) > _FIRST_LINES else []
    st.caption("  \n".join(lines[:_FIRST_LINES] + more))
