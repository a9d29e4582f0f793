"""An inspection on paper: the part, where it differs, what it resembles, what is to be done, and who signs."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, Any

import numpy as np

from core.errors import describe
from core.guidance.checklist import Tick, list_ticks, make_step_key
from core.guidance.records import WrittenGuidance, latest_guidance
from core.guidance.writers.registry import is_quoted
from core.inspections.colormap import color_heat, fit_within, overlay_heat
from core.inspections.follow_up.changes import Change, describe_change, list_changes
from core.inspections.images import load_images
from core.inspections.records import load_record
from core.inspections.terms import ACTION_NAMES, STEP_TITLES, VERDICT_NAMES
from core.inspections.trained.wording import describe_trained
from core.messages import MESSAGES
from core.reports.font import register_fonts
from core.reports.layout import (
    TEXT_MM,
    Style,
    Words,
    build_document,
    make_paragraph,
    make_picture,
    make_styles,
    make_table,
    make_tick_box,
)
from core.reports.view_evidence import describe_rule_of, draw_views, name_combined
from core.similarity.closeness import LIKENESS_NAMES, name_likeness
from core.similarity.matches import fetch_thumbnails

if TYPE_CHECKING:
    from core.inspections.images import InspectionImages
    from core.inspections.records import InspectionRecord
    from core.transactions import HasStores

_COLORS = {"ok": "#1b7f4d", "review": "#9a5b00", "reject": "#b3261e"}
_PICTURE_PX, _SIMILAR_SHOWN, _QUOTED_CHARS = 900, 4, 420


def make_finding_report(services: HasStores, inspection_id: int, *, language: str, zone: tzinfo | None = None) -> bytes:
    """Return a PDF (A4) of the inspection in `language`, moments in `zone`; steps only where guidance was written.

    Raises NotFound, Unavailable without the stored objects, and NotReady without the font.
    """
    record = load_record(services, inspection_id)
    images = load_images(services, record)
    thumbnails = fetch_thumbnails(services.objects, [found.thumbnail_key for found in record.similar.defects])
    written = latest_guidance(services, inspection_id, language=language) or latest_guidance(services, inspection_id)
    register_fonts()
    words = Words(language, zone or UTC)
    style = make_styles()
    title = words._("Inspection report no. {number}", number=record.id)
    parts = [
        *_head(record, words, style, title),
        *_changes(list_changes(services, inspection_id), words, style),
        *(draw_views(services, record, words, style) or _pictures(record, images, words, style)),
        *_similar(record, thumbnails, words, style),
        *_steps(written, list_ticks(services, inspection_id), words, style),
        *_sources(written, words, style),
        *_signatures(record, words, style),
    ]
    return build_document(parts, title=title, words=words)


def _head(record: InspectionRecord, words: Words, style: Style, title: str) -> list[Any]:
    from reportlab.lib.colors import HexColor
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import Spacer

    decision = record.decision
    badge = ParagraphStyle("badge", parent=style.title, textColor="#ffffff", alignment=1)
    defect = next((found for found in record.defect_types if found.id == decision.defect_type_id), None)
    if decision.confirmed_at is None and record.suggestion is not None:
        defect = record.suggestion.defect_type
    state = words._("confirmed") if decision.confirmed_at is not None else words._("suggested")
    facts = [
        (words._("Product"), f"{words.product(record.product)} ({record.product.code})"),
        (words._("Defect type"), f"{words.defect(defect)} ({state})" if defect is not None else "–"),
        (
            words._("Score"),
            words._(
                "{score} (review from {review}, NG from {reject})",
                score=f"{record.score:.4g}",
                review=f"{record.review_at:.4g}",
                reject=f"{record.reject_at:.4g}",
            ),
        ),
        (
            words._("Inspected"),
            f"{words.moment(record.created_at)} · {words._(record.person_name) if record.person_name else '–'}",
        ),
        (words._("Line / lot"), f"{record.part.line or '–'} / {record.part.lot or '–'}"),
        (words._("Serial / shift"), f"{record.part.serial or '–'} / {record.part.shift or '–'}"),
        (words._("File"), record.original_name or "–"),
        (words._("Model"), words._("memory bank, version {number}", number=record.model.number)),
        (
            words._("Corrective action"),
            words._(ACTION_NAMES[decision.action_status])
            + (f": {decision.action_note}" if decision.action_note else ""),
        ),
    ]
    if record.combined is not None:
        told = words._(
            "{score} (review from {review}, NG from {reject})",
            score=f"{record.score:.1%}",
            review=f"{record.review_at:.1%}",
            reject=f"{record.reject_at:.1%}",
        )
        facts[2] = (words._("Combined probability"), told)
        named = name_combined(record.combined, words)
        facts.insert(2, (words._("Combined verdict"), named or "–"))
        facts.append((words._("Views combined by"), describe_rule_of(record.combined, words)))
    if decision.verdict != record.verdict:
        own = words._("Changed by a person; the model said: {verdict}", verdict=words._(VERDICT_NAMES[record.verdict]))
        facts.insert(2, (words._("Verdict"), f"{own}. {decision.override_reason}"))
    if record.raised_by > 0:
        raised = words._("{value} of {score}", value=f"{record.raised_by:.4g}", score=f"{record.score:.4g}")
        facts.append((words._("Raised by known defects"), raised))
    if record.trained is not None:
        facts.append((words._("Trained model"), describe_trained(record.trained, record.trained_type, words.language)))
    banner = make_table(
        [[make_paragraph(title, style.title), make_paragraph(words._(VERDICT_NAMES[decision.verdict]), badge)]],
        [TEXT_MM - 44, 44],
        ("BACKGROUND", (1, 0), (1, 0), HexColor(_COLORS[decision.verdict])),
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 6),
    )
    cells = [[make_paragraph(label, style.small), make_paragraph(value, style.body)] for label, value in facts]
    lines = ("LINEBELOW", (0, 0), (-1, -1), 0.3, HexColor("#cccccc"))
    return [banner, Spacer(1, 6), make_table(cells, [34, TEXT_MM - 34], lines)]


def _pictures(record: InspectionRecord, images: InspectionImages, words: Words, style: Style) -> list[Any]:
    from reportlab.platypus import Spacer

    part = fit_within(images.pixels, _PICTURE_PX)
    review_at, reject_at = record.map_limits
    heat = overlay_heat(part, color_heat(images.anomaly_map, review_at=review_at, reject_at=reject_at))
    width = (TEXT_MM - 6) / 2
    pictures = [[make_picture(part, width, 84), make_picture(heat, width, 84)]]
    captions = [
        make_paragraph(words._("The part"), style.small),
        make_paragraph(words._("Where it differs"), style.small),
    ]
    return [Spacer(1, 8), make_table([*pictures, captions], [TEXT_MM / 2, TEXT_MM / 2])]


def _similar(record: InspectionRecord, thumbnails: Mapping[str, bytes], words: Words, style: Style) -> list[Any]:
    from PIL import Image as PillowImage
    from reportlab.platypus import KeepTogether

    shown = [found for found in record.similar.defects if found.thumbnail_key in thumbnails][:_SIMILAR_SHOWN]
    if not shown:
        return []
    width = TEXT_MM / _SIMILAR_SHOWN
    pictures: list[Any] = []
    captions: list[Any] = []
    for found in shown:
        with PillowImage.open(io.BytesIO(thumbnails[found.thumbnail_key])) as thumbnail:
            pictures.append(make_picture(np.asarray(thumbnail.convert("RGB")), width - 6, 34))
        alike = f"{found.similarity:.1%}"
        if found.closeness is not None:
            alike = f"{words._(LIKENESS_NAMES[name_likeness(found.closeness)])} ({found.closeness:.0f})"
        told = f"{words.defect(found.defect_type)} · {alike}"
        if found.last_action:
            told += " · " + words._("Done then: {note}", note=found.last_action)
        captions.append(make_paragraph(told, style.small))
    blank = [""] * (_SIMILAR_SHOWN - len(shown))
    table = make_table([[*pictures, *blank], [*captions, *blank]], [width] * _SIMILAR_SHOWN)
    return [KeepTogether([make_paragraph(words._("Similar defects"), style.heading), table])]


def _changes(changes: Sequence[Change], words: Words, style: Style) -> list[Any]:
    """Return the chain of what people changed, the oldest first: who, when, what and why."""
    if not changes:
        return []
    rows = [
        [
            make_paragraph(words.moment(change.at), style.small),
            make_paragraph(words._(change.person_name) if change.person_name else "–", style.small),
            make_paragraph(describe_change(change, words.language), style.small),
        ]
        for change in changes
    ]
    return [
        make_paragraph(words._("Changes"), style.heading),
        make_table(rows, [28, 34, TEXT_MM - 62]),
    ]


def _steps(written: WrittenGuidance | None, ticks: Mapping[str, Tick], words: Words, style: Style) -> list[Any]:
    from reportlab.platypus import Spacer

    heading = make_paragraph(words._("Corrective steps"), style.heading)
    if written is None:
        return [heading, make_paragraph(words._("No steps were written for this inspection."), style.body)]
    parts: list[Any] = [heading]
    if not written.guidance.sections:
        parts.append(make_paragraph(_say_why_no_steps(written, words), style.body))
    shown: set[str] = set()
    for section in written.guidance.sections:
        rows = []
        for step in section.steps:
            numbers = " ".join(f"[{number}]" for number in step.citations)
            note = numbers if step.from_manual else words._("not from the manual")
            tick = ticks.get(make_step_key(step.text))
            shown.add(make_step_key(step.text))
            rows.append(_step_row(step.text, note, tick, words, style))
        parts.append(make_paragraph(words._(STEP_TITLES[section.name]), style.section))
        parts.append(make_table(rows, [6, TEXT_MM - 36, 30]))
    earlier = [tick for key, tick in ticks.items() if key not in shown]
    if earlier:
        parts.append(make_paragraph(words._("Done before the steps were written again"), style.section))
        rows = [_step_row(tick.text, "", tick, words, style) for tick in earlier]
        parts.append(make_table(rows, [6, TEXT_MM - 36, 30]))
    code = written.guidance.fallback_code
    why = describe(code, {}, words.language) + " " if code in MESSAGES and "{" not in MESSAGES[code or ""] else ""
    by = written.guidance.model_name
    when = words.moment(written.created_at)
    told = (
        words._("Quoted from the manuals, {when}", when=when)
        if is_quoted(by)
        else words._("Written by {model} from the manuals, {when}. Check it before you act.", model=by, when=when)
    )
    return [*parts, Spacer(1, 3), make_paragraph(why + told, style.small)]


def _step_row(text: str, note: str, tick: Tick | None, words: Words, style: Style) -> list[Any]:
    told: list[Any] = [make_paragraph(text, style.body)]
    if tick is not None:
        who = words._(tick.person_name) if tick.person_name else "–"
        told.append(make_paragraph(words._("done by {who}, {when}", who=who, when=words.moment(tick.at)), style.small))
    return [make_tick_box(is_ticked=tick is not None), told, make_paragraph(note, style.small)]


def _say_why_no_steps(written: WrittenGuidance, words: Words) -> str:
    pages = [source for source in written.sources if source.is_page_only and not source.is_held_back]
    if not pages:
        return words._("The manuals say nothing about this defect. No steps were made up: ask a quality engineer.")
    said = words._(
        "The manuals do not set apart what to do about this defect. No step of another one is shown for it: "
        "read the pages themselves:"
    )
    places = (one.name_place(words._) for one in pages)
    return f"{said} {' · '.join(dict.fromkeys(places))}"


def _sources(written: WrittenGuidance | None, words: Words, style: Style) -> list[Any]:
    if written is None:
        return []
    cited = {number for section in written.guidance.sections for step in section.steps for number in step.citations}
    rows = []
    for source in written.sources:
        if source.number in cited:
            place = source.name_place(words._)
            text = " ".join(source.text.split())
            quoted = text[:_QUOTED_CHARS] + ("…" if len(text) > _QUOTED_CHARS else "")
            about = " · ".join(part for part in (place, source.chapter) if part)
            rows.append(
                [
                    make_paragraph(f"[{source.number}]", style.small),
                    [make_paragraph(about, style.body), make_paragraph(quoted, style.small)],
                ]
            )
    return [make_paragraph(words._("Sources"), style.heading), make_table(rows, [10, TEXT_MM - 10])] if rows else []


def _signatures(record: InspectionRecord, words: Words, style: Style) -> list[Any]:
    from reportlab.lib.colors import HexColor
    from reportlab.platypus import KeepTogether, Spacer

    names = [words._("Inspected by"), words._("Action carried out by"), words._("Checked by")]
    cells = [
        [make_paragraph(name, style.small) for name in names],
        ["", "", ""],
        [make_paragraph(words._("Date"), style.small)] * 3,
    ]
    rules = (
        ("BOX", (0, 0), (-1, -1), 0.5, HexColor("#888888")),
        ("INNERGRID", (0, 0), (-1, -1), 0.3, HexColor("#bbbbbb")),
        ("BOTTOMPADDING", (0, 1), (-1, 1), 30),
    )
    notice = [Spacer(1, 4), make_paragraph(record.product_notice, style.small)] if record.product_notice else []
    return [Spacer(1, 10), KeepTogether([make_table(cells, [TEXT_MM / 3] * 3, *rules), *notice])]
