"""Guidance as it is kept: put into a row with its sources, read again, rated."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from sqlmodel import col, select

from core.access import WORKER, require_role
from core.audit import record
from core.errors import BadInput, NotFound
from core.transactions import reading, writing
from inference.language.guidance import SECTION_NAMES, Guidance, Section, SectionName, Step
from inference.language.untrusted import plain, without_markup
from storage.tables import ResponseHistory, User

if TYPE_CHECKING:
    from core.access import Person
    from core.services import Services
    from inference.language.passages import Passage
    from storage.tables import Inspection

_MAX_HEADING_CHARS = 300
MAX_REASON_CHARS = 500


@dataclass(frozen=True)
class Source:
    """A passage as it was shown: its number, its manual (with the title of that time), page, words and places.

    `is_held_back`: its words speak to a language model, so no writer was given it, and only its place is kept.
    """

    number: int
    manual_id: int
    manual_title: str
    page: int
    heading: str
    text: str
    kind: str
    boxes: tuple[tuple[float, float, float, float], ...]
    is_held_back: bool = False

    @property
    def chapter(self) -> str:
        """Return the headings below the manual's title, which stands beside them wherever they are shown."""
        return self.heading.removeprefix(self.manual_title).removeprefix(" › ")

    def as_json(self) -> dict[str, Any]:
        """Return plain values for a row."""
        return asdict(self)


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


def describe_source(number: int, passage: Passage, *, title: str, is_held_back: bool) -> Source:
    """Return the passage as plain words; the words of one that is held back are not kept."""
    lines = [plain(without_markup(line)) for line in passage.text.splitlines()]
    heading = plain(without_markup(" › ".join(passage.heading)))[:_MAX_HEADING_CHARS]
    return Source(
        number=number,
        manual_id=passage.source_id,
        manual_title=plain(without_markup(title)),
        page=passage.page,
        heading="" if is_held_back else heading,
        text="" if is_held_back else "\n".join(line for line in lines if line),
        kind=passage.kind,
        boxes=tuple((box.x0, box.y0, box.x1, box.y1) for box in passage.boxes),
        is_held_back=is_held_back,
    )


def keep_guidance(
    services: Services,
    person: Person,
    row: Inspection,
    guidance: Guidance,
    *,
    sources: Sequence[Source],
    model_version_id: int | None,
    language: str,
    asked_model: str,
) -> WrittenGuidance:
    """Keep what was written for the inspection `row`."""
    with writing(services) as session:
        kept = ResponseHistory(
            inspection_id=row.id,
            product_id=row.product_id,
            language=language,
            # The model that was asked: its tokens were spent even where another writer had to step in.
            model_name=asked_model,
            model_version_id=model_version_id,
            passages=[source.as_json() for source in sources],
            answer=_to_json(guidance),
            input_tokens=guidance.input_tokens,
            output_tokens=guidance.output_tokens,
            latency_ms=guidance.latency_ms,
            fallback_code=guidance.fallback_code,
            created_by=person.id,
        )
        session.add(kept)
        session.commit()
        return _written(kept, person.display_name)


def latest_guidance(services: Services, inspection_id: int, *, language: str | None = None) -> WrittenGuidance | None:
    """Return the newest guidance that was written to its end for the inspection (in `language`, if given), or None."""
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
    require_role(services, person, WORKER)
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


def _to_json(guidance: Guidance) -> str:
    """Return the guidance's sections as JSON text."""
    sections = [
        {
            "name": section.name,
            "steps": [
                {"text": step.text, "citations": list(step.citations), "from_manual": step.from_manual}
                for step in section.steps
            ],
        }
        for section in guidance.sections
    ]
    kept = {"written_by": guidance.model_name, "left_out": guidance.left_out, "sections": sections}
    return json.dumps(kept, ensure_ascii=False)


def _read_record(row: ResponseHistory) -> tuple[Guidance, tuple[Source, ...]]:
    """Return the guidance and its sources, as `_to_json` and `Source.as_json` kept them."""
    kept = json.loads(row.answer)
    sections = tuple(
        Section(
            cast(SectionName, section["name"]),
            tuple(Step(step["text"], tuple(step["citations"]), step["from_manual"]) for step in section["steps"]),
        )
        for section in kept["sections"]
        if section["name"] in SECTION_NAMES
    )
    guidance = Guidance(
        sections,
        kept["written_by"],
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        latency_ms=row.latency_ms,
        fallback_code=row.fallback_code,
        left_out=kept["left_out"],
    )
    sources = tuple(
        Source(**(found | {"boxes": tuple(tuple(box) for box in found["boxes"])})) for found in row.passages
    )
    return guidance, sources


def _written(row: ResponseHistory, person_name: str) -> WrittenGuidance:
    guidance, sources = _read_record(row)
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
