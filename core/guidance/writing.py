"""Writing the guidance for one inspection: the steps as they come, from the manual's passages or quoted from them."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from core.access import WORKER, require_role
from core.accounts.bindings import require_bound
from core.errors import AppError
from core.guidance.passages import FoundPassages, find_passages
from core.guidance.records import WrittenGuidance, keep_guidance
from core.guidance.writer_choice import TextChoice, current_text_choice, get_writer, open_writer
from core.guidance.writers.registry import FALLBACK
from inference.language.guidance import Finding, Guidance, PastCase, Section, SectionName, Step
from inference.language.writers import write

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services
    from core.transactions import HasStores

_PICTURE_PX = 1024
_log = logging.getLogger("geomsa.guidance")


@dataclass(frozen=True)
class GuidanceEvent:
    """A finished `step` of a `section`, or a `fallback_code` (what came before is void), or what was `written`."""

    section: SectionName | None = None
    step: Step | None = None
    fallback_code: str | None = None
    written: WrittenGuidance | None = None


def write_guidance(
    services: Services, person: Person, inspection_id: int, *, language: str, found: FoundPassages | None = None
) -> Iterator[GuidanceEvent]:
    """Write the guidance and store it; yield each step when it is finished, and last the record of it all.

    `found` spares a second search. Where the chosen model fails, the manual is quoted instead. Raises as
    `find_passages`; a caller that stops listening leaves behind what was written so far.
    """
    require_role(services, person, WORKER)
    found = find_passages(services, inspection_id, language=language) if found is None else found
    require_bound(services, person, product_id=found.subject.product_id)
    started = time.perf_counter()
    choice = current_text_choice(services)
    finding = found.subject.finding
    unusable: AppError | None = None
    specification = get_writer(choice)
    try:
        writer = open_writer(services.settings, choice)
    except AppError as error:  # the key, or the address, was taken away since it was chosen
        unusable = error
        specification = FALLBACK
        writer = open_writer(services.settings, TextChoice(FALLBACK.name))
    if found.passages and specification.reads_history:
        finding = _with_history(services, finding, inspection_id, with_pictures=choice.sees_pictures)
    asked_model = (choice.model or writer.name) if found.passages else ""
    keep = partial(
        keep_guidance,
        services,
        person,
        inspection_id=inspection_id,
        product_id=found.subject.product_id,
        sources=found.sources,
        model_version_id=found.model_version_id,
        language=language,
        asked_model=asked_model,
    )
    finished: list[tuple[SectionName, Step]] = []
    fallback_code: str | None = None
    try:
        if unusable is not None:
            yield GuidanceEvent(fallback_code=unusable.code)
        for piece in write(writer, finding, found.passages):
            if piece.guidance is not None:
                made = piece.guidance
                made = replace(made, fallback_code=unusable.code) if unusable is not None else made
                yield GuidanceEvent(written=keep(made))
            elif piece.fallback_code is not None:
                _log.warning("guidance of inspection %s falls back: %s", inspection_id, piece.fallback_code)
                fallback_code = piece.fallback_code
                finished.clear()
                yield GuidanceEvent(fallback_code=fallback_code)
            elif piece.section is not None and piece.step is not None:
                finished.append((piece.section, piece.step))
                yield GuidanceEvent(section=piece.section, step=piece.step)
    except GeneratorExit:
        if finished:
            latency_ms = (time.perf_counter() - started) * 1000.0
            code = "writer_interrupted"
            keep(Guidance(_sections(finished), writer.name, latency_ms=latency_ms, fallback_code=code))
        raise


def _sections(finished: list[tuple[SectionName, Step]]) -> tuple[Section, ...]:
    names = dict.fromkeys(name for name, _step in finished)
    return tuple(Section(name, tuple(step for found, step in finished if found == name)) for name in names)


def _with_history(services: HasStores, finding: Finding, inspection_id: int, *, with_pictures: bool) -> Finding:
    """Return the finding with what a model is told besides: similar cases, and the pictures for one that sees."""
    from core.inspections.colormap import color_heat, fit_within, overlay_heat
    from core.inspections.images import load_images
    from core.inspections.records import load_record
    from inference.vision.images.encoding import encode_png

    record = load_record(services, inspection_id)
    past = tuple(
        PastCase(similar.defect_type.name_en or similar.defect_type.code, similar.similarity, similar.last_action or "")
        for similar in record.similar.defects
        if similar.defect_type is not None
    )
    finding = replace(finding, past_cases=past)
    if not with_pictures:
        return finding
    images = load_images(services, record)
    part = fit_within(images.pixels, _PICTURE_PX)
    review_at, reject_at = record.map_limits
    heat = color_heat(images.anomaly_map, review_at=review_at, reject_at=reject_at)
    return replace(finding, image_png=encode_png(part), heat_map_png=encode_png(overlay_heat(part, heat)))
