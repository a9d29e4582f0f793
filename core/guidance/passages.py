"""What the manuals say about an inspection: the passages that are found for it, and the pages they stand on."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from sqlmodel import Session

from core.errors import NotFound, from_lower
from core.guidance.records import Source, describe_source
from core.inspections.stored_values import read_regions
from core.manuals.library import find_manuals, get_manual, read_manual
from core.models.kinds import MANUAL_INDEX
from core.registry.versions import active_version
from core.transactions import reading
from inference.errors import InferenceError
from inference.language.guidance import DefectPlace, Finding
from inference.language.writers import MAX_WRITTEN_FROM, hold_back
from storage.objects import ObjectStoreError
from storage.tables import DefectType, Inspection, Product

if TYPE_CHECKING:
    from core.services import Services
    from inference.language.passages import Passage

_QUESTIONS = {"ko": "{name} 불량의 원인과 조치 방법", "en": "cause and corrective action for {name}"}


@dataclass(frozen=True)
class Subject:
    """What guidance is written about: an inspection of a product, and its finding as a writer is told of it."""

    inspection_id: int
    product_id: int
    finding: Finding


@dataclass(frozen=True)
class FoundPassages:
    """What the manuals say about a subject. `state`: found, nothing (the manuals are silent) or no_index.

    `passages` are numbered from 1 by their place; `sources` are the same, as people see them.
    """

    subject: Subject
    state: Literal["found", "nothing", "no_index"]
    passages: tuple[Passage, ...] = ()
    sources: tuple[Source, ...] = ()
    model_version_id: int | None = None
    latency_ms: float = 0.0


def find_passages(services: Services, inspection_id: int, *, language: str) -> FoundPassages:
    """Return the passages in the product's manuals on the inspection's defect type (the confirmed one first).

    Raises NotFound, and Unavailable or NotReady where the index cannot be opened.
    """
    from inference.language.retrieval import Query

    started = time.perf_counter()
    with reading(services) as session:
        subject = _read_subject(session, inspection_id, language)
        version = active_version(session, MANUAL_INDEX, subject.product_id)
    if version is None:
        return FoundPassages(subject, "no_index")
    finding = subject.finding
    name = (finding.defect_name_ko if language == "ko" else finding.defect_name_en) or finding.defect_code
    question = _QUESTIONS.get(language, _QUESTIONS["en"]).format(name=name or finding.product)
    query = Query(question, finding.defect_terms, finding.language)
    try:
        result = services.models.manual_index(version).search(query, k=MAX_WRITTEN_FROM)
    except (InferenceError, ObjectStoreError) as error:
        raise from_lower(error) from error
    passages = tuple(hit.passage for hit in result.hits) if result.found else ()
    # The index in use may still hold a manual that was deleted since.
    here = find_manuals(services, {passage.source_id for passage in passages})
    passages = tuple(passage for passage in passages if passage.source_id in here)
    sources = _describe_sources(services, passages)
    latency_ms = (time.perf_counter() - started) * 1000.0
    return FoundPassages(subject, "found" if passages else "nothing", passages, sources, version.id, latency_ms)


def draw_source(services: Services, source: Source, *, width_px: int = 1000) -> bytes:
    """Return the manual's page as a PNG file with the passage marked. Raises NotFound, Unavailable or BadInput."""
    from inference.language.page_image import render_page
    from inference.language.pdf_text import Box

    manual = get_manual(services, source.manual_id)
    content = read_manual(services, manual)
    marks = [Box(*box) for box in source.boxes]
    try:
        return render_page(content, source.page, width_px=width_px, marks=marks)
    except InferenceError as error:
        raise from_lower(error, name=manual.original_name) from error


def _read_subject(session: Session, inspection_id: int, language: str) -> Subject:
    """Return the inspection as a subject of guidance. Raises NotFound."""
    row = session.get(Inspection, inspection_id)
    product = session.get(Product, row.product_id) if row is not None else None
    if row is None or product is None:
        raise NotFound("not_found")
    # A person who said "none of these" has taken the suggestion back.
    type_id = row.final_defect_type_id if row.confirmed_at is not None else row.suggested_defect_type_id
    defect = session.get(DefectType, type_id) if type_id is not None else None
    return Subject(row.id, product.id, _describe_finding(row, product, defect, language))


def _describe_finding(row: Inspection, product: Product, defect: DefectType | None, language: str) -> Finding:
    """Return what passages are looked for by, and what a writer is told, of an inspection."""
    width, height = max(1, row.width_px), max(1, row.height_px)
    places = tuple(
        DefectPlace(
            region.x / width, region.y / height, region.w / width, region.h / height, region.area / (width * height)
        )
        for region in read_regions(row.regions)
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


def _describe_sources(services: Services, passages: tuple[Passage, ...]) -> tuple[Source, ...]:
    titles = {key: row.title for key, row in find_manuals(services, {p.source_id for p in passages}).items()}
    _kept, barred = hold_back(passages)
    return tuple(
        describe_source(number, passage, title=titles.get(passage.source_id, ""), is_held_back=passage in barred)
        for number, passage in enumerate(passages, start=1)
    )
