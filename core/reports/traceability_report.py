"""Everything behind one inspection on paper: hash, models, thresholds, preprocessing, passages, people, changes."""

from __future__ import annotations

import json
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, Any

from core.guidance.writers.registry import is_quoted
from core.history.traceability import DEED_NAMES, MODEL_USES, Trace, trace
from core.inspections.colormap import color_heat, fit_within, overlay_heat
from core.inspections.follow_up.changes import describe_change
from core.inspections.images import load_images
from core.inspections.terms import SOURCE_NAMES, THRESHOLD_METHODS, VERDICT_NAMES
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
)
from core.reports.qr_code import draw_qr_code
from core.reports.view_evidence import describe_rule_of, list_view_facts, name_combined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.transactions import HasStores

_PICTURE_PX = 700
_QUOTED_CHARS = 300


def make_traceability_report(
    services: HasStores, inspection_id: int, *, language: str, zone: tzinfo | None = None, address: str = ""
) -> bytes:
    """Return a PDF (A4) in `language`, moments in `zone`, with the QR code of `address` where one is given.

    Raises NotFound, Unavailable without the stored objects, and NotReady without the font.
    """
    found = trace(services, inspection_id, language=language)
    images = load_images(services, found.record)
    register_fonts()
    words, style = Words(language, zone or UTC), make_styles()
    record = found.record
    part = fit_within(images.pixels, _PICTURE_PX)
    review_at, reject_at = record.map_limits
    heat = overlay_heat(part, color_heat(images.anomaly_map, review_at=review_at, reject_at=reject_at))
    title = words._("Traceability of inspection no. {number}", number=record.id)
    parts = [
        *_head(found, words, style, title, address),
        make_table(
            [[make_picture(part, TEXT_MM / 2 - 4, 58), make_picture(heat, TEXT_MM / 2 - 4, 58)]], [TEXT_MM / 2] * 2
        ),
        *_section(words._("Picture"), _picture_facts(found, words), style),
        *(_section(words._("Views"), _view_facts(found, words), style) if record.combined is not None else ()),
        *_section(words._("Model versions"), _model_facts(found, words), style),
        *_section(words._("Thresholds of that time"), _threshold_facts(found, words), style),
        *_section(words._("Preprocessing"), describe_preprocessing(found), style),
        *_section(words._("Passages of the guidance"), _passages(found, words), style),
        *_section(words._("People"), _people(found, words), style),
        *_section(words._("Changes"), _changes(found, words), style),
    ]
    return build_document(parts, title=title, words=words)


def describe_preprocessing(found: Trace) -> list[tuple[str, str]]:
    """Return the options that the picture was prepared with, as they are stored, by their names."""
    return [
        (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in sorted(found.preprocessing.items())
    ]


def _head(found: Trace, words: Words, style: Style, title: str, address: str) -> list[Any]:
    from reportlab.platypus import Spacer

    record, part = found.record, found.record.part
    verdict = words._(VERDICT_NAMES[record.decision.verdict])
    if record.decision.verdict != record.verdict:
        own = words._(VERDICT_NAMES[record.verdict])
        verdict = words._("{verdict} (the model said: {own})", verdict=verdict, own=own)
    lines = [
        f"{words.product(record.product)} ({record.product.code})",
        f"{verdict} · {words._('Score')} {record.score:.6g}",
        " / ".join(f"{words._(name)}: {text or '–'}" for name, text in (("Line", part.line), ("Lot", part.lot))),
        f"{words._('Serial number')}: {part.serial or '–'}",
        f"{words._('Source')}: {words._(SOURCE_NAMES[part.source])}",
    ]
    told = [make_paragraph(title, style.title), *(make_paragraph(line, style.body) for line in lines)]
    if not address:
        return [*told, Spacer(1, 6)]
    code = [make_picture(draw_qr_code(address), 34, 34), make_paragraph(address, style.small)]
    return [make_table([[told, code]], [TEXT_MM - 42, 42]), Spacer(1, 6)]


def _section(heading: str, facts: Sequence[tuple[str, str]], style: Style) -> list[Any]:
    from reportlab.lib.colors import HexColor

    if not facts:
        return []
    cells = [[make_paragraph(name, style.small), make_paragraph(value, style.body)] for name, value in facts]
    lines = ("LINEBELOW", (0, 0), (-1, -1), 0.3, HexColor("#cccccc"))
    return [make_paragraph(heading, style.heading), make_table(cells, [46, TEXT_MM - 46], lines)]


def _picture_facts(found: Trace, words: Words) -> list[tuple[str, str]]:
    record = found.record
    facts = [
        (words._("File"), record.original_name or "–"),
        (words._("Size"), f"{record.width_px} × {record.height_px} px"),
        ("SHA-256", found.image_sha256),
        (words._("Object"), found.image_key),
    ]
    if found.learned is not None:
        facts.append((words._("In the images as"), found.learned.stored_name))
    return facts


def _view_facts(found: Trace, words: Words) -> list[tuple[str, str]]:
    combined = found.record.combined
    if combined is None:
        return []
    return [
        (words._("Combined verdict"), name_combined(combined, words) or "–"),
        (words._("Views combined by"), describe_rule_of(combined, words)),
        *list_view_facts(combined, words),
    ]


def _model_facts(found: Trace, words: Words) -> list[tuple[str, str]]:
    return [
        (
            words._(MODEL_USES[one.use]),
            words._(
                "version {number} (no. {id}), {model}, built {when}",
                number=one.number,
                id=one.version_id,
                model=one.model_name,
                when=words.moment(one.created_at),
            )
            + f" · SHA-256 {one.manifest_sha256}",
        )
        for one in found.models
    ] + ([(words._("Writer"), _name_writer(found.guidance.guidance.model_name, words))] if found.guidance else [])


def _name_writer(name: str, words: Words) -> str:
    return words._("Quote the manual") if is_quoted(name) else name


def _threshold_facts(found: Trace, words: Words) -> list[tuple[str, str]]:
    of = found.thresholds
    method = words._(THRESHOLD_METHODS[of.method]) if of.method in THRESHOLD_METHODS else of.method
    return [
        (words._("Review from"), f"{of.review_at:.6g}"),
        (words._("NG from"), f"{of.reject_at:.6g}"),
        (words._("Method"), method),
        (words._("Reason"), of.reason or "–"),
        (words._("Set by"), f"{words._(of.person_name) if of.person_name else '–'} · {words.moment(of.created_at)}"),
    ]


def _passages(found: Trace, words: Words) -> list[tuple[str, str]]:
    if found.guidance is None:
        return []
    return [
        (
            source.name_place(words._),
            " ".join(source.text.split())[:_QUOTED_CHARS] or "–",
        )
        for source in found.guidance.sources
    ]


def _people(found: Trace, words: Words) -> list[tuple[str, str]]:
    return [
        (words._(DEED_NAMES[deed]), f"{words._(name) if name else '–'} · {words.moment(at)}")
        for deed, name, at in found.people
    ]


def _changes(found: Trace, words: Words) -> list[tuple[str, str]]:
    return [
        (
            f"{words.moment(change.at)} · {words._(change.person_name) if change.person_name else '–'}",
            describe_change(change, words.language),
        )
        for change in found.changes
    ]
