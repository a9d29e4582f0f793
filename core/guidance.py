"""Guidance for one inspection: the manual's passages, the written steps, what is kept of them, how they are rated."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from sqlmodel import Session, col, select

from core.audit import record
from core.errors import AppError, BadInput, NotFound, from_lower
from core.guidance_keeping import Source, describe_source, read_kept, write_answer
from core.job_terms import MANUAL_INDEX
from core.manual_library import find_manuals, get_manual, read_manual
from core.text_models import current_text_choice, open_writer
from core.transactions import reading, writing
from core.versions import active_version
from inference.errors import InferenceError
from inference.language.extractive import EXTRACTIVE
from inference.language.guidance import DefectPlace, Finding, Guidance, PastCase, Section, SectionName, Step
from inference.language.writers import MAX_WRITTEN_FROM, hold_back, write
from storage.objects import ObjectStoreError
from storage.tables import DefectType, Inspection, Product, ResponseHistory, User

if TYPE_CHECKING:
    from core.accounts import Person
    from core.services import Services
    from inference.language.passages import Passage

MAX_REASON_CHARS = 500
_PICTURE_PX = 1024
_QUESTIONS = {"ko": "{name} 불량의 원인과 조치 방법", "en": "cause and corrective action for {name}"}
_log = logging.getLogger("geomsa.guidance")


@dataclass(frozen=True)
class FoundPassages:
    """What the manuals say about an inspection. `state`: found, nothing (the manuals are silent) or no_index.

    `passages` are numbered from 1 by their place; `sources` are the same, as people see them.
    """

    state: Literal["found", "nothing", "no_index"]
    passages: tuple[Passage, ...] = ()
    sources: tuple[Source, ...] = ()
    model_version_id: int | None = None
    latency_ms: float = 0.0


@dataclass(frozen=True)
class WrittenGuidance:
    """Guidance as it is kept."""

    id: int
    inspection_id: int
    language: str
    guidance: Guidance
    sources: tuple[Source, ...]
    asked_model: str
    created_at: datetime
    person_name: str
    rating: int | None = None
    rating_reason: str = ""


@dataclass(frozen=True)
class GuidanceEvent:
    """A finished `step` of a `section`, or a `fallback_code` (what came before is void), or what was `written`."""

    section: SectionName | None = None
    step: Step | None = None
    fallback_code: str | None = None
    written: WrittenGuidance | None = None


def find_passages(services: Services, inspection_id: int, *, language: str) -> FoundPassages:
    """The passages of the product's manuals for the inspection's defect type (the confirmed one before the suggested).

    Raises NotFound, and Unavailable or NotReady where the index cannot be opened.
    """
    from inference.language.retrieval import Query

    started = time.perf_counter()
    with reading(services) as session:
        row, product, defect = _subject(session, inspection_id)
        version = active_version(session, MANUAL_INDEX, row.product_id)
    if version is None:
        return FoundPassages("no_index")
    finding = _finding(row, product, defect, language)
    name = (finding.defect_name_ko if language == "ko" else finding.defect_name_en) or finding.defect_code
    question = _QUESTIONS.get(language, _QUESTIONS["en"]).format(name=name or product.name)
    query = Query(question, finding.defect_terms, finding.language)
    try:
        answer = services.models.manual_index(version).search(query, k=MAX_WRITTEN_FROM)
    except (InferenceError, ObjectStoreError) as error:
        raise from_lower(error) from error
    passages = tuple(hit.passage for hit in answer.hits) if answer.found else ()
    # The index in use may still hold a manual that was deleted since.
    here = find_manuals(services, {passage.source_id for passage in passages})
    passages = tuple(passage for passage in passages if passage.source_id in here)
    sources = _describe_sources(services, passages)
    latency_ms = (time.perf_counter() - started) * 1000.0
    return FoundPassages("found" if passages else "nothing", passages, sources, version.id, latency_ms)


def _describe_sources(services: Services, passages: tuple[Passage, ...]) -> tuple[Source, ...]:
    titles = {key: row.title for key, row in find_manuals(services, {p.source_id for p in passages}).items()}
    _kept, barred = hold_back(passages)
    return tuple(
        describe_source(number, passage, title=titles.get(passage.source_id, ""), is_held_back=passage in barred)
        for number, passage in enumerate(passages, start=1)
    )


def write_guidance(
    services: Services, person: Person, inspection_id: int, *, language: str, found: FoundPassages | None = None
) -> Iterator[GuidanceEvent]:
    """Write the guidance and keep it; each step is handed out when it is finished, and last what was kept.

    `found` spares a second search. Where the chosen model fails, the manual is quoted instead. Raises as
    `find_passages`; a caller that stops listening leaves behind what was written so far.
    """
    found = find_passages(services, inspection_id, language=language) if found is None else found
    started = time.perf_counter()
    choice = current_text_choice(services)
    with reading(services) as session:
        row, product, defect = _subject(session, inspection_id)
    finding = _finding(row, product, defect, language)
    unusable: AppError | None = None
    try:
        writer = open_writer(services.settings, choice)
    except AppError as error:  # the key, or the address, was taken away since it was chosen
        unusable = error
        writer = open_writer(services.settings, replace(choice, writer=EXTRACTIVE))
    if found.passages and writer.name != EXTRACTIVE:
        finding = _with_history(services, finding, inspection_id, with_pictures=choice.sees_pictures)
    asked_model = (choice.model or writer.name) if found.passages else ""
    finished: list[tuple[SectionName, Step]] = []
    fallback_code: str | None = None
    try:
        if unusable is not None:
            yield GuidanceEvent(fallback_code=unusable.code)
        for piece in write(writer, finding, found.passages):
            if piece.guidance is not None:
                made = piece.guidance
                made = replace(made, fallback_code=unusable.code) if unusable is not None else made
                kept = _keep(services, person, row, found, made, language=language, asked_model=asked_model)
                yield GuidanceEvent(written=kept)
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
            partial = Guidance(
                _sections(finished), writer.name, latency_ms=latency_ms, fallback_code="writer_interrupted"
            )
            _keep(services, person, row, found, partial, language=language, asked_model=asked_model)
        raise


def _sections(finished: list[tuple[SectionName, Step]]) -> tuple[Section, ...]:
    names = dict.fromkeys(name for name, _step in finished)
    return tuple(Section(name, tuple(step for found, step in finished if found == name)) for name in names)


def _subject(session: Session, inspection_id: int) -> tuple[Inspection, Product, DefectType | None]:
    row = session.get(Inspection, inspection_id)
    product = session.get(Product, row.product_id) if row is not None else None
    if row is None or product is None:
        raise NotFound("not_found")
    # A person who said "none of these" has taken the suggestion back.
    type_id = row.final_defect_type_id if row.confirmed_at is not None else row.suggested_defect_type_id
    return row, product, session.get(DefectType, type_id) if type_id is not None else None


def _finding(row: Inspection, product: Product, defect: DefectType | None, language: str) -> Finding:
    width, height = max(1, row.width_px), max(1, row.height_px)
    places = tuple(
        DefectPlace(
            region["x"] / width,
            region["y"] / height,
            region["w"] / width,
            region["h"] / height,
            region["area"] / (width * height),
        )
        for region in row.regions
    )
    finding = Finding(
        product=product.name,
        verdict=row.final_verdict,
        score=row.score,
        review_at=row.review_at,
        reject_at=row.reject_at,
        language="ko" if language == "ko" else "en",
        places=places,
    )
    if defect is None:
        return finding
    return replace(
        finding,
        defect_code=defect.code,
        defect_name_ko=defect.name_ko,
        defect_name_en=defect.name_en,
        defect_description=defect.description,
        severity=defect.severity,
    )


def _with_history(services: Services, finding: Finding, inspection_id: int, *, with_pictures: bool) -> Finding:
    """The finding with what a model is told besides: similar cases, and the pictures for one that sees."""
    from core.heat_colours import colour_heat, encode_png, fit_within, lay_heat_over
    from core.kept_inspections import load

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


def _keep(
    services: Services,
    person: Person,
    row: Inspection,
    found: FoundPassages,
    guidance: Guidance,
    *,
    language: str,
    asked_model: str,
) -> WrittenGuidance:
    with writing(services) as session:
        kept = ResponseHistory(
            inspection_id=row.id,
            product_id=row.product_id,
            language=language,
            # The model that was asked: its tokens were spent even where another writer had to step in.
            model_name=asked_model,
            model_version_id=found.model_version_id,
            passages=[source.as_json() for source in found.sources],
            answer=write_answer(guidance),
            input_tokens=guidance.input_tokens,
            output_tokens=guidance.output_tokens,
            latency_ms=guidance.latency_ms,
            fallback_code=guidance.fallback_code,
            created_by=person.id,
        )
        session.add(kept)
        session.commit()
        return _written(kept, person.display_name)


def _written(row: ResponseHistory, person_name: str) -> WrittenGuidance:
    assert row.id is not None
    guidance, sources = read_kept(row)
    return WrittenGuidance(
        id=row.id,
        inspection_id=row.inspection_id or 0,
        language=row.language,
        guidance=guidance,
        sources=sources,
        asked_model=row.model_name,
        created_at=row.created_at,
        person_name=person_name,
        rating=row.rating,
        rating_reason=row.rating_reason,
    )


def latest_guidance(services: Services, inspection_id: int, *, language: str | None = None) -> WrittenGuidance | None:
    """The newest guidance that was written to its end for the inspection (in `language`, where given), or None."""
    query = (
        select(ResponseHistory, User.display_name)
        .join(User, isouter=True, onclause=col(User.id) == col(ResponseHistory.created_by))
        .where(ResponseHistory.inspection_id == inspection_id)
        .where(col(ResponseHistory.fallback_code).is_distinct_from("writer_interrupted"))
        .order_by(col(ResponseHistory.id).desc())
        .limit(1)
    )
    if language is not None:
        query = query.where(ResponseHistory.language == language)
    with reading(services) as session:
        found = session.exec(query).first()
        return _written(found[0], found[1] or "") if found is not None else None


def rate_guidance(
    services: Services, person: Person, guidance_id: int, *, rating: int, reason: str = ""
) -> WrittenGuidance:
    """Keep a thumb up (1) or down (-1), with the reason. A later rating takes the place of an earlier one.

    Raises NotFound(`guidance_unknown`) and BadInput(`guidance_rating_invalid`).
    """
    if rating not in {1, -1}:
        raise BadInput("guidance_rating_invalid")
    with writing(services) as session:
        row = session.get(ResponseHistory, guidance_id)
        if row is None:
            raise NotFound("guidance_unknown")
        row.rating, row.rating_reason = rating, reason.strip()[:MAX_REASON_CHARS]
        session.add(row)
        record(session, person, "guidance.rate", "guidance", guidance_id, rating=rating, reason=row.rating_reason)
        session.commit()
        return _written(row, "")


def draw_source(services: Services, source: Source, *, width_px: int = 1000) -> bytes:
    """The manual's page as a PNG file with the passage marked. Raises NotFound, Unavailable or BadInput."""
    from inference.language.page_image import render_page
    from inference.language.pdf_text import Box

    manual = get_manual(services, source.manual_id)
    content = read_manual(services, manual)
    marks = [Box(*box) for box in source.boxes]
    try:
        return render_page(content, source.page, width_px=width_px, marks=marks)
    except InferenceError as error:
        raise from_lower(error, name=manual.original_name) from error
