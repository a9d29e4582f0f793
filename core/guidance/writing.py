"""Writing the guidance for one inspection: the steps as they come, from the manual's passages or quoted from them."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from core.access import WORKER, require_role
from core.errors import AppError
from core.guidance.passages import FoundPassages, describe_finding, find_passages, read_subject
from core.guidance.records import WrittenGuidance, keep_guidance
from core.guidance.writer_choice import current_text_choice, open_writer
from core.transactions import reading
from inference.language.extractive import EXTRACTIVE
from inference.language.guidance import Finding, Guidance, PastCase, Section, SectionName, Step
from inference.language.writers import write

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services

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
    """Write the guidance and keep it; each step is handed out when it is finished, and last what was kept.

    `found` spares a second search. Where the chosen model fails, the manual is quoted instead. Raises as
    `find_passages`; a caller that stops listening leaves behind what was written so far.
    """
    require_role(services, person, WORKER)
    found = find_passages(services, inspection_id, language=language) if found is None else found
    started = time.perf_counter()
    choice = current_text_choice(services)
    with reading(services) as session:
        row, product, defect = read_subject(session, inspection_id)
    finding = describe_finding(row, product, defect, language)
    unusable: AppError | None = None
    try:
        writer = open_writer(services.settings, choice)
    except AppError as error:  # the key, or the address, was taken away since it was chosen
        unusable = error
        writer = open_writer(services.settings, replace(choice, writer=EXTRACTIVE))
    if found.passages and writer.name != EXTRACTIVE:
        finding = _with_history(services, finding, inspection_id, with_pictures=choice.sees_pictures)
    asked_model = (choice.model or writer.name) if found.passages else ""
    keep = partial(
        keep_guidance,
        services,
        person,
        row,
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


def _with_history(services: Services, finding: Finding, inspection_id: int, *, with_pictures: bool) -> Finding:
    """Return the finding with what a model is told besides: similar cases, and the pictures for one that sees."""
    from core.inspections.colormap import colour_heat, fit_within, lay_heat_over
    from core.inspections.records import load
    from inference.vision.images.encoding import encode_png

    view = load(services, inspection_id)
    past = tuple(
        PastCase(similar.defect_type.name_en or similar.defect_type.code, similar.similarity, similar.last_action or "")
        for similar in view.similar_defects
        if similar.defect_type is not None
    )
    finding = replace(finding, past_cases=past)
    if not with_pictures:
        return finding
    part = fit_within(view.pixels, _PICTURE_PX)
    heat = colour_heat(view.anomaly_map, review_at=finding.review_at, reject_at=finding.reject_at)
    return replace(finding, image_png=encode_png(part), heat_map_png=encode_png(lay_heat_over(part, heat)))
