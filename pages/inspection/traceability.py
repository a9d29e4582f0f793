"""Traceability: everything behind one inspection on one page, with the code that leads here, to print and to file."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit, urlunsplit

import streamlit as st

from core.access import WORKER
from core.errors import AppError
from core.history.traceability import DEED_NAMES, MODEL_USES, check_image, trace
from core.inspections.follow_up.changes import describe_change
from core.inspections.terms import THRESHOLD_METHODS, VERDICT_NAMES
from core.reports.layout import Words
from core.reports.qr_code import draw_qr_code
from core.reports.traceability_report import describe_preprocessing, make_traceability_report
from core.reports.view_evidence import describe_rule_of, list_view_facts, name_combined
from pages.components.history.address import asked_inspection
from pages.components.inspection.result_view import find_pictures
from pages.components.shared import screens
from pages.components.shared.labels import SOURCE_NAMES, VERDICT_COLORS, VERDICT_ICONS, label_of, name_model
from pages.components.shared.language import _, escape, language, moment, number, product_name, score, time_zone
from pages.components.shared.noted_downloads import noted
from pages.components.shared.session import require, services, show_error
from pages.server.pictures import full_address

if TYPE_CHECKING:
    from core.history.traceability import Trace


def show_trace(found: Trace) -> None:
    """Draw the whole trace."""
    left, right = st.columns([1.6, 1], gap="large")
    with left:
        show_part(found)
        show_views(found)
        show_models(found)
        show_thresholds(found)
    with right:
        show_code(found)
        show_picture(found)
    show_passages(found)
    people, changes = st.columns(2, gap="large")
    with people:
        show_people(found)
    with changes:
        show_changes(found)
    show_preprocessing(found)


def show_part(found: Trace) -> None:
    """Draw which part it was and what it came to."""
    record, part = found.record, found.record.part
    verdict = record.decision.verdict
    badge = f":{VERDICT_COLORS[verdict]}-badge[{VERDICT_ICONS[verdict]} {label_of(VERDICT_NAMES, verdict)}]"
    if verdict != record.verdict:
        badge += " " + _("the model said: {verdict}", verdict=label_of(VERDICT_NAMES, record.verdict))
    show_facts(
        {
            _("Product"): f"{escape(product_name(record.product))} ({escape(record.product.code)})",
            _("Verdict"): badge,
            _("Score"): score(record.score),
            _("Line / lot"): f"{escape(part.line) or '–'} / {escape(part.lot) or '–'}",
            _("Serial / shift"): f"{escape(part.serial) or '–'} / {escape(part.shift) or '–'}",
            _("Source"): label_of(SOURCE_NAMES, part.source),
            _("Inspected"): f"{moment(record.created_at)} · {_(record.person_name) if record.person_name else '–'}",
        }
    )


def show_views(found: Trace) -> None:
    """Draw each view's picture, figures and hash, and the rule that combined them."""
    combined = found.record.combined
    if combined is None:
        return
    st.subheader(_("Views"))
    words = Words(language(), time_zone())
    show_facts(
        {
            _("Combined verdict"): escape(name_combined(combined, words)) or "–",
            _("Views combined by"): escape(describe_rule_of(combined, words)),
            **{escape(name): escape(told) for name, told in list_view_facts(combined, words)},
        }
    )


def show_models(found: Trace) -> None:
    """Draw the versions of all models that were used."""
    st.subheader(_("Model versions"))
    facts = {
        _(MODEL_USES[one.use]): _(
            "version {number} · {model} · built {when} · `{hash}`",
            number=one.number,
            model=escape(name_model(one.model_name)),
            when=moment(one.created_at),
            hash=one.manifest_sha256[:16],
        )
        for one in found.models
    }
    if found.guidance is not None:
        facts[_("Writer")] = escape(name_model(found.guidance.guidance.model_name))
    show_facts(facts)


def show_thresholds(found: Trace) -> None:
    """Draw the thresholds of that time: how, by whom, when and why."""
    st.subheader(_("Thresholds of that time"))
    of = found.thresholds
    show_facts(
        {
            _("Review from"): score(of.review_at),
            _("NG from"): score(of.reject_at),
            _("Method"): label_of(THRESHOLD_METHODS, of.method),
            _("Reason"): escape(of.reason) or "–",
            _("Set by"): f"{escape(_(of.person_name)) if of.person_name else '–'} · {moment(of.created_at)}",
        }
    )


def show_code(found: Trace) -> None:
    """Draw the QR code that leads to this page, and the page as a PDF."""
    address = page_address(found.record.id)
    code, actions = st.columns([1, 1.2], vertical_alignment="center")
    code.image(draw_qr_code(address), width=150, alt=_("QR code that leads to this page"))
    with actions:
        st.download_button(
            _("Print / PDF"),
            data=noted(
                partial(
                    make_traceability_report,
                    services(),
                    found.record.id,
                    language=language(),
                    zone=time_zone(),
                    address=address,
                ),
                "report",
                subject_type="inspection",
                subject_id=found.record.id,
                form="traceability",
            ),
            file_name=f"traceability_{found.record.id}_{language()}.pdf",
            mime="application/pdf",
            key="traceability_pdf",
            icon=":material/print:",
            on_click="ignore",
            width="stretch",
        )
        screens.link_to(
            screens.HISTORY,
            _("Open the result"),
            icon=":material/center_focus_strong:",
            query={"inspection": str(found.record.id)},
        )


def show_picture(found: Trace) -> None:
    """Draw the picture with its hash, and the check that it is still the one that was inspected."""
    record = found.record
    try:
        pictures = find_pictures(record)
    except AppError as error:
        show_error(error)
    else:
        st.image(full_address(pictures.path("part")), width="stretch", alt=_("The inspected part"))
    st.markdown(
        f":small[{escape(record.original_name) or '–'} · {number(record.width_px)} × {number(record.height_px)} px]"
    )
    st.code(found.image_sha256, language=None, wrap_lines=True)
    if found.learned is not None:
        st.caption(_("In the images: {name}", name=escape(found.learned.stored_name)))
    if st.button(_("Check the picture"), key="traceability_check", icon=":material/fingerprint:"):
        try:
            check = check_image(services(), record.id)
        except AppError as error:
            show_error(error)
            return
        if check.matches:
            st.success(_("The stored picture is the one that was inspected."), icon=":material/verified:")
        else:
            st.error(
                _("The stored picture is another one: its hash is {hash}.", hash=f"`{check.found}`"),
                icon=":material/gpp_bad:",
            )


def show_passages(found: Trace) -> None:
    """Draw the passages that the guidance stood on."""
    st.subheader(_("Passages of the guidance"))
    if found.guidance is None:
        st.caption(_("No steps were written for this inspection."))
        return
    for source in found.guidance.sources:
        place = source.name_place(_, title=escape(source.manual_title))
        about = f" · {escape(source.chapter)}" if source.chapter else ""
        st.markdown(f"**[{source.number}]** {place}{about}")
        if source.text:
            st.caption(escape(" ".join(source.text.split())[:400]))


def show_people(found: Trace) -> None:
    """Draw who did what, and when."""
    st.subheader(_("People"))
    show_facts(
        {_(DEED_NAMES[deed]): f"{escape(_(name)) if name else '–'} · {moment(at)}" for deed, name, at in found.people}
    )


def show_changes(found: Trace) -> None:
    """Draw the chain of changes."""
    st.subheader(_("Changes"))
    if not found.changes:
        st.caption(_("Nothing was changed."))
    for change in found.changes:
        name = escape(_(change.person_name)) if change.person_name else "–"
        st.markdown(f"{moment(change.at)} · {name}  \n{escape(describe_change(change, language()))}")


def show_preprocessing(found: Trace) -> None:
    """Draw the options that the picture was prepared with."""
    with st.expander(_("Preprocessing"), icon=":material/tune:"):
        options = describe_preprocessing(found)
        if options:
            show_facts({name: f"`{value}`" for name, value in options})
        else:
            st.caption(_("Nothing is stored of it."))


def show_facts(facts: dict[str, str]) -> None:
    """Draw names and values as a table."""
    st.table(facts, border="horizontal")


def page_address(inspection_id: int) -> str:
    """Return the whole address of this page, as this browser knows the server."""
    here = urlsplit(st.context.url or "http://localhost")
    return urlunsplit((here.scheme, here.netloc, here.path, urlencode({"inspection": inspection_id}), ""))


require(WORKER)
st.title(_("Traceability"))
asked = asked_inspection()
try:
    traced = trace(services(), asked, language=language())
except AppError as error:
    if error.code == "not_found":
        st.info(_("Choose an inspection in the history to see everything behind it."), icon=":material/fingerprint:")
        screens.link_to(screens.HISTORY, _("Inspection history"))
    else:
        show_error(error)
    st.stop()
st.markdown(_("Inspection no. {number}", number=traced.record.id))
show_trace(traced)
