"""The views of an inspected part on paper: each picture with its heat, score, probability and verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.errors import AppError
from core.fusion.rules import FOUND_AS_WORDS, METHOD_NAMES
from core.inspections.colormap import color_heat, fit_within, overlay_heat
from core.inspections.images import load_images, load_pixels
from core.inspections.terms import VERDICT_NAMES
from core.reports.layout import TEXT_MM, Style, Words, make_paragraph, make_picture, make_table

if TYPE_CHECKING:
    from core.inspections.by_view.records import CombinedRecord, ViewRecord
    from core.inspections.records import InspectionRecord
    from core.transactions import HasStores

_PICTURE_PX = 700


def name_combined(combined: CombinedRecord, words: Words) -> str:
    """Return what the views make of the part in words, and which are missing; "" where there is nothing to say."""
    said = [words._(FOUND_AS_WORDS[combined.found_as])] if combined.found_as else []
    if combined.missing:
        names = ", ".join(combined.name_of(code, words.language) for code in combined.missing)
        said.append(words._("Missing: {views}", views=names))
    return " · ".join(said)


def describe_rule_of(combined: CombinedRecord, words: Words) -> str:
    """Return which rule combined the views, by its number and method."""
    if combined.entry is None:
        return "–"
    return f"{words._(METHOD_NAMES[combined.entry.rule.method])} (no. {combined.entry.id})"


def list_view_facts(combined: CombinedRecord, words: Words) -> list[tuple[str, str]]:
    """Return each picture's name with its verdict, probability, score, thresholds, model, file and hash."""
    return [(_name(combined, one, words), _describe(one, words, with_hash=True)) for one in combined.pictures]


def draw_views(services: HasStores, record: InspectionRecord, words: Words, style: Style) -> list[Any]:
    """Return a row for each picture: the part, where it differs, and what was found; none of a single picture."""
    from reportlab.platypus import KeepTogether, Spacer

    combined = record.combined
    if combined is None:
        return []
    parts: list[Any] = [Spacer(1, 8), make_paragraph(words._("Views"), style.heading)]
    width = (TEXT_MM - 60) / 2
    for one in combined.pictures:
        told = [make_paragraph(_name(combined, one, words), style.section)]
        told.append(make_paragraph(_describe(one, words), style.small))
        cells = [*_draw(services, record, one, width), told]
        row = make_table([cells], [TEXT_MM / 2 - 30, TEXT_MM / 2 - 30, 60], ("VALIGN", (0, 0), (-1, -1), "TOP"))
        parts.append(KeepTogether([row, Spacer(1, 4)]))
    return parts


def _draw(services: HasStores, record: InspectionRecord, one: ViewRecord, width: float) -> list[Any]:
    of_view = record.of_view(one)
    try:
        if not one.heat_map_key:
            pixels = load_pixels(services, of_view) if one.image_key else None
            return [make_picture(fit_within(pixels, _PICTURE_PX), width, 56) if pixels is not None else "", ""]
        images = load_images(services, of_view)
    except AppError:
        # Without its picture the figures of a view still tell what was found.
        return ["", ""]
    part = fit_within(images.pixels, _PICTURE_PX)
    heat = color_heat(images.anomaly_map, review_at=of_view.review_at, reject_at=of_view.reject_at)
    return [make_picture(part, width, 56), make_picture(overlay_heat(part, heat), width, 56)]


def _name(combined: CombinedRecord, one: ViewRecord, words: Words) -> str:
    name = combined.name_of(one.code, words.language)
    several = sum(other.code == one.code for other in combined.pictures) > 1
    return f"{name} {one.exposure + 1}" if several else name


def _describe(one: ViewRecord, words: Words, *, with_hash: bool = False) -> str:
    said = [words._(VERDICT_NAMES[one.verdict])]
    if one.error_code is not None:
        said.append(one.problem(words.language))
    if one.probability is not None:
        said.append(words._("Probability of a defect {share}", share=f"{one.probability:.1%}"))
    if one.score is not None and one.review_at is not None and one.reject_at is not None:
        said.append(
            words._("Score")
            + " "
            + words._(
                "{score} (review from {review}, NG from {reject})",
                score=f"{one.score:.4g}",
                review=f"{one.review_at:.4g}",
                reject=f"{one.reject_at:.4g}",
            )
        )
    if one.version_number is not None:
        said.append(words._("memory bank, version {number}", number=one.version_number))
    said.append(one.original_name)
    if with_hash:
        said.append(f"SHA-256 {one.image_sha256}")
    return " · ".join(said)
