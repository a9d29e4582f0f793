"""What the manuals say about an inspection: the passages that are found for it, and the pages they stand on."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from sqlmodel import Session, select

from core.catalog.names import name_product
from core.errors import NotFound, from_lower
from core.guidance.records import Source, describe_source
from core.inspections.stored_values import read_regions
from core.manuals.library import find_manuals, get_manual, read_manual
from core.models.kinds import MANUAL_INDEX
from core.registry.versions import active_version
from core.transactions import reading
from inference.errors import InferenceError
from inference.language.guidance import DefectPlace, Finding
from inference.language.quoting.scope import choose_passages, scope_passages
from inference.language.writers import MAX_WRITTEN_FROM, hold_back
from storage.objects import ObjectStoreError
from storage.tables import DefectType, Inspection, ModelVersion, Product

if TYPE_CHECKING:
    from core.services import Services
    from inference.language.passages import Passage

# More than is shown: a defect has its section in each language, and rows elsewhere.
_SEARCHED = 40
_QUESTIONS = {"ko": "{name} 불량의 원인과 조치 방법", "en": "cause and corrective action for {name}"}


@dataclass(frozen=True)
class Subject:
    """What guidance is written about: an inspection of a product, and its finding as a writer is told of it.

    `inspection_id` is None where somebody only asks.
    """

    inspection_id: int | None
    product_id: int
    finding: Finding


@dataclass(frozen=True)
class FoundPassages:
    """What the manuals say about a subject. `state`: found, nothing (the manuals are silent) or no_index.

    `passages` are numbered from 1 by their place; `sources` are the same, as people see them, and `scores` say how well
    each fits (comparable within one search).
    """

    subject: Subject
    state: Literal["found", "nothing", "no_index"]
    passages: tuple[Passage, ...] = ()
    sources: tuple[Source, ...] = ()
    model_version_id: int | None = None
    latency_ms: float = 0.0
    scores: tuple[float, ...] = ()


def find_passages(services: Services, inspection_id: int, *, language: str) -> FoundPassages:
    """Return the passages in the product's manuals on the inspection's defect type (the confirmed one first).

    Raises NotFound, and Unavailable or NotReady where the index cannot be opened.
    """
    with reading(services) as session:
        subject = _read_subject(session, inspection_id, language)
        version = active_version(session, MANUAL_INDEX, subject.product_id)
    if version is None:
        return FoundPassages(subject, "no_index")
    return search_passages(services, subject, version, language=language)


def search_passages(
    services: Services, subject: Subject, version: ModelVersion, *, language: str, question: str = ""
) -> FoundPassages:
    """Return the passages of one manual index on the subject's defect type; `question` takes the usual one's place.

    Raises Unavailable or NotReady where the index cannot be opened.
    """
    from inference.language.retrieval import Query

    started = time.perf_counter()
    finding = subject.finding
    name = (finding.defect_name_ko if language == "ko" else finding.defect_name_en) or finding.defect_code
    question = question or _QUESTIONS.get(language, _QUESTIONS["en"]).format(name=name or finding.product)
    same_names = () if finding.defect_terms else _list_type_names(services, subject.product_id)
    query = Query(question, finding.defect_terms, finding.language, same_names)
    try:
        result = services.models.manual_index(version).search(query, k=_SEARCHED)
    except (InferenceError, ObjectStoreError) as error:
        raise from_lower(error) from error
    hits = tuple(hit.passage for hit in result.hits) if result.found else ()
    # The index in use may still hold a manual that was deleted since.
    here = find_manuals(services, {passage.source_id for passage in hits})
    hits = tuple(passage for passage in hits if passage.source_id in here)
    passages = tuple(choose_passages(finding, hits, at_most=MAX_WRITTEN_FROM))
    sources = _describe_sources(services, finding, passages)
    fits = {hit.passage: hit.score for hit in result.hits}
    latency_ms = (time.perf_counter() - started) * 1000.0
    state: Literal["found", "nothing"] = "found" if passages else "nothing"
    scores = tuple(fits[passage] for passage in passages)
    return FoundPassages(subject, state, passages, sources, version.id, latency_ms, scores)


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
    finding = _describe_finding(row, product, language)
    return Subject(row.id, product.id, finding if defect is None else describe_defect(session, finding, defect))


def _list_type_names(services: Services, product_id: int) -> tuple[tuple[str, ...], ...]:
    """Return what each of the product's defect types is called: a question may say another name than the manual."""
    with reading(services) as session:
        types = session.exec(select(DefectType).where(DefectType.product_id == product_id)).all()
        return tuple(_names(one) for one in types)


def _names(defect: DefectType) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in (defect.name_ko, defect.name_en, defect.code) if name.strip()))


def _describe_finding(row: Inspection, product: Product, language: str) -> Finding:
    """Return what passages are looked for by, and what a writer is told, of an inspection."""
    width, height = max(1, row.width_px), max(1, row.height_px)
    places = tuple(
        DefectPlace(
            region.x / width, region.y / height, region.w / width, region.h / height, region.area / (width * height)
        )
        for region in read_regions(row.regions)
    )
    return Finding(
        product=name_product(product, language),
        verdict=row.final_verdict,
        score=row.score,
        review_at=row.review_at,
        reject_at=row.reject_at,
        language="ko" if language == "ko" else "en",
        places=places,
    )


def describe_defect(session: Session, finding: Finding, defect: DefectType) -> Finding:
    """Return the finding with what a writer is told of the defect type, and of what the product's others are called."""
    types = session.exec(select(DefectType).where(DefectType.product_id == defect.product_id)).all()
    return replace(
        finding,
        defect_code=defect.code,
        defect_name_ko=defect.name_ko,
        defect_name_en=defect.name_en,
        defect_description=defect.description,
        severity=defect.severity,
        other_defects=tuple(_names(other) for other in types if other.id != defect.id),
    )


def _describe_sources(services: Services, finding: Finding, passages: tuple[Passage, ...]) -> tuple[Source, ...]:
    titles = {key: row.title for key, row in find_manuals(services, {p.source_id for p in passages}).items()}
    _kept, barred = hold_back(passages)
    quotable = {one.number for one in scope_passages(finding, passages)}
    return tuple(
        describe_source(
            number,
            passage,
            title=titles.get(passage.source_id, ""),
            is_held_back=passage in barred,
            is_page_only=number not in quotable,
        )
        for number, passage in enumerate(passages, start=1)
    )
