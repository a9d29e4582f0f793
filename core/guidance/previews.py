"""What a worker would be shown for a defect type or a question: asked of a manual index, and stored nowhere."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlmodel import Session, col, select

from core.access import WORKER, require_role
from core.accounts.bindings import require_bound
from core.catalog.names import DefectTypeName, ProductName, name_product
from core.catalog.outcomes import DEFECT
from core.catalog.products import get_product_row
from core.errors import BadInput, NotFound, NotReady
from core.guidance.passages import Subject, describe_defect, search_passages
from core.models.kinds import MANUAL_INDEX
from core.registry.retention import is_kept
from core.registry.versions import active_version, scope_of
from core.transactions import reading
from inference.language.extractive import ExtractiveWriter
from inference.language.guidance import Finding, Guidance
from inference.language.quoting.names import DefectNames
from inference.language.writers import write
from storage.tables import DefectType, ModelVersion

if TYPE_CHECKING:
    from core.access import Person
    from core.guidance.records import Source
    from core.services import Services

LONGEST_QUESTION = 500
# More words than these are a question, and no name of a defect.
_NAME_WORDS = 3


@dataclass(frozen=True)
class Preview:
    """The manual's own steps, with their sources and how well each passage fits; nothing `found`, no sections.

    `defect_type` is the type that was meant: chosen, or named by the question. `scores` go with `sources`.
    """

    product: ProductName
    defect_type: DefectTypeName | None
    guidance: Guidance
    sources: tuple[Source, ...]
    scores: tuple[float, ...]
    version_id: int
    version_number: int
    latency_ms: float

    @property
    def found(self) -> bool:
        """Return whether the manuals say anything about it."""
        return bool(self.guidance.sections)


@dataclass(frozen=True)
class IndexVersion:
    """A manual index that can be asked: the one in use, or the newest candidate."""

    id: int
    number: int
    is_active: bool


def list_preview_versions(services: Services, product_id: int) -> list[IndexVersion]:
    """Return the product's manual index in use, and the newest candidate where one is newer; the one in use first."""
    with reading(services) as session:
        active = active_version(session, MANUAL_INDEX, product_id)
        newest = session.exec(
            select(ModelVersion)
            .where(ModelVersion.scope == scope_of(product_id), ModelVersion.kind == MANUAL_INDEX)
            .where(ModelVersion.state == "candidate", ModelVersion.number > (active.number if active else 0))
            .order_by(col(ModelVersion.number).desc())
        ).first()
    found = [] if active is None else [IndexVersion(active.id, active.number, is_active=True)]
    if newest is not None and is_kept(newest):
        found.append(IndexVersion(newest.id, newest.number, is_active=False))
    return found


def find_meant_type(services: Services, product_id: int, said: str) -> DefectType:
    """Return the product's defect type of this code or name, those out of use last. Raises NotFound type_unknown."""
    with reading(services) as session:
        row = _find_type(session, product_id, said)
    if row is None:
        raise NotFound("type_unknown", name=" ".join(said.split())[:80])
    return row


def preview_guidance(
    services: Services,
    person: Person,
    *,
    product_id: int,
    language: str,
    question: str = "",
    defect_type_id: int | None = None,
    version_id: int | None = None,
) -> Preview:
    """Return what *Inspect a part* would show for the type, or for free words, quoted from the manual.

    A question that is just the name of a type, or names one type among other words, stands for the type; a few words
    that name none stand for a type that is called so. `version_id` asks another index than the one in
    use. Raises NotFound; BadInput question_missing, question_too_long, good_kind_is_no_defect; NotReady
    no_manual_index; Unavailable where the index cannot be opened.
    """
    require_role(services, person, WORKER)
    require_bound(services, person, product_id=product_id)
    words = " ".join(question.split())
    if not words and defect_type_id is None:
        raise BadInput("question_missing")
    if len(words) > LONGEST_QUESTION:
        raise BadInput("question_too_long", highest=LONGEST_QUESTION)
    started = time.perf_counter()
    with reading(services) as session:
        product = get_product_row(session, product_id)
        row = _get_type(session, product_id, defect_type_id) if defect_type_id is not None else None
        if row is None and (named := _find_type(session, product_id, words)) is not None:
            row, words = named, ""
        finding = Finding(
            product=name_product(product, language),
            verdict="reject",
            score=0.0,
            review_at=0.0,
            reject_at=0.0,
            language="ko" if language == "ko" else "en",
        )
        row = row or _find_named(session, product_id, words)
        if row is not None:
            finding = describe_defect(session, finding, row)
        elif words and "?" not in words and len(words.split()) <= _NAME_WORDS:
            # As for a type that is called so: its own section or row, and no other's.
            named_so = DefectType(product_id=product_id, code="", name_ko=words, name_en=words)
            finding = describe_defect(session, finding, named_so)
        version = _get_version(session, product_id, version_id)
        named_product = ProductName.from_row(product)
    found = search_passages(services, Subject(None, product_id, finding), version, language=language, question=words)
    guidance = Guidance((), "")
    for piece in write(ExtractiveWriter(), finding, found.passages):
        guidance = piece.guidance or guidance
    return Preview(
        product=named_product,
        defect_type=None if row is None else DefectTypeName.from_row(row),
        guidance=guidance,
        sources=found.sources,
        scores=found.scores,
        version_id=version.id,
        version_number=version.number,
        latency_ms=(time.perf_counter() - started) * 1000.0,
    )


def _get_type(session: Session, product_id: int, defect_type_id: int) -> DefectType:
    row = session.get(DefectType, defect_type_id)
    if row is None or row.product_id != product_id:
        raise NotFound("not_found")
    if row.outcome != DEFECT:
        raise BadInput("good_kind_is_no_defect", defect_code=row.code)
    return row


def _find_type(session: Session, product_id: int, said: str) -> DefectType | None:
    wanted = " ".join(said.split()).casefold()
    in_order = (col(DefectType.is_active).desc(), col(DefectType.code))
    rows = session.exec(
        select(DefectType).where(DefectType.product_id == product_id, DefectType.outcome == DEFECT).order_by(*in_order)
    ).all()
    by_code = next((row for row in rows if row.code.casefold() == wanted), None)
    return by_code or next((row for row in rows if wanted in {row.name_ko.casefold(), row.name_en.casefold()}), None)


def _find_named(session: Session, product_id: int, words: str) -> DefectType | None:
    """Return the type that a question names among other words; None where it names none, or several."""
    rows = session.exec(
        select(DefectType).where(DefectType.product_id == product_id, DefectType.outcome == DEFECT)
    ).all()
    names = {row.id: (row.name_ko, row.name_en, row.code) for row in rows}
    named = [
        row
        for row in rows
        if DefectNames(names[row.id], [own for number, own in names.items() if number != row.id]).find(words).own
    ]
    return named[0] if len(named) == 1 else None


def _get_version(session: Session, product_id: int, version_id: int | None) -> ModelVersion:
    if version_id is None:
        version = active_version(session, MANUAL_INDEX, product_id)
        if version is None:
            raise NotReady("no_manual_index")
        return version
    asked = session.get(ModelVersion, version_id)
    if asked is None or asked.kind != MANUAL_INDEX or asked.product_id != product_id or not is_kept(asked):
        raise NotFound("not_found")
    return asked
