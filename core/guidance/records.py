"""Guidance records: put into a row with their sources, read again, rated."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlmodel import col, select

from core.access import WORKER, require_role
from core.accounts.bindings import require_bound_in
from core.audit import record
from core.errors import BadInput, NotFound
from core.i18n import N_
from core.transactions import HasDatabase, reading, writing
from inference.language.guidance import SECTION_NAMES, Guidance, Section, Step
from inference.language.untrusted import plain, without_markup
from storage.json_fields import read_float, read_int, read_ints, read_object, read_objects, read_text
from storage.tables import ResponseHistory, User

if TYPE_CHECKING:
    from core.access import Person
    from inference.language.passages import Passage

Box = tuple[float, float, float, float]

_MAX_HEADING_CHARS = 300
_PLACE, _PLACE_OCR = N_("{title}, page {page}"), N_("{title}, page {page} (OCR)")
MAX_REASON_CHARS = 500


@dataclass(frozen=True)
class Source:
    """A passage as it was shown: its number, its manual (with the title of that time), page, words and places.

    `is_held_back`: its words speak to a language model, so no writer was given it, and only its place is stored.
    `is_page_only`: several defects stand there, or rows that are not certain, so no step was taken from it.
    `is_ocr`: its words were recognized on a picture of the page.
    """

    number: int
    manual_id: int
    manual_title: str
    page: int
    heading: str
    text: str
    kind: str
    boxes: tuple[Box, ...]
    is_held_back: bool = False
    is_page_only: bool = False
    is_ocr: bool = False

    @property
    def chapter(self) -> str:
        """Return the headings below the manual's title, which stands beside them wherever they are shown."""
        return self.heading.removeprefix(self.manual_title).removeprefix(" › ")

    def name_place(self, translate: Callable[..., str], *, title: str | None = None) -> str:
        """Return its manual and page, and that a picture of the page was read where it was; `title` as it is drawn."""
        place = _PLACE_OCR if self.is_ocr else _PLACE
        return translate(place, title=self.manual_title if title is None else title, page=self.page)

    @classmethod
    def from_json(cls, value: object) -> Source:
        """Return the source of a JSON object in a row; what it does not tell is empty."""
        data = read_object(value)
        return cls(
            number=read_int(data.get("number")) or 0,
            manual_id=read_int(data.get("manual_id")) or 0,
            manual_title=read_text(data.get("manual_title")) or "",
            page=read_int(data.get("page")) or 0,
            heading=read_text(data.get("heading")) or "",
            text=read_text(data.get("text")) or "",
            kind=read_text(data.get("kind")) or "",
            boxes=_read_boxes(data.get("boxes")),
            is_held_back=data.get("is_held_back") is True,
            is_page_only=data.get("is_page_only") is True,
            is_ocr=data.get("is_ocr") is True,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        return asdict(self)


def _read_boxes(value: object) -> tuple[Box, ...]:
    boxes = value if isinstance(value, list | tuple) else ()
    return tuple(box for one in boxes if (box := _read_box(one)) is not None)


def _read_box(value: object) -> Box | None:
    numbers = [read_float(number) for number in value] if isinstance(value, list | tuple) else []
    match numbers:
        case [float() as x0, float() as y0, float() as x1, float() as y1]:
            return x0, y0, x1, y1
    return None


@dataclass(frozen=True)
class WrittenText:
    """The text of a guidance, which its row keeps as one JSON text: who wrote it, how much was left out, its sections.

    Sections of names that are not known here are left out when it is read.
    """

    written_by: str
    left_out: int
    sections: tuple[Section, ...]

    @classmethod
    def from_json(cls, text: str) -> WrittenText:
        """Return the text in a row. Raises ValueError for what is no JSON."""
        data = read_object(json.loads(text))
        return cls(
            written_by=read_text(data.get("written_by")) or "",
            left_out=read_int(data.get("left_out")) or 0,
            sections=tuple(
                Section(name, tuple(_read_step(step) for step in read_objects(section.get("steps"))))
                for section in read_objects(data.get("sections"))
                for name in SECTION_NAMES
                if name == section.get("name")
            ),
        )

    def to_json(self) -> str:
        """Return the JSON text that `from_json` reads."""
        return json.dumps(asdict(self), ensure_ascii=False)


def _read_step(data: dict[str, Any]) -> Step:
    # What is not said to be of the manual is shown as not being of it.
    return Step(read_text(data.get("text")) or "", read_ints(data.get("citations")), data.get("from_manual") is True)


@dataclass(frozen=True)
class WrittenGuidance:
    """Guidance that was written for an inspection, with its sources, who asked for it and when (UTC)."""

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


def describe_source(
    number: int, passage: Passage, *, title: str, is_held_back: bool, is_page_only: bool = False
) -> Source:
    """Return the passage as plain words; the words of one that is held back are left out."""
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
        is_page_only=is_page_only,
        is_ocr=passage.is_ocr,
    )


def keep_guidance(
    services: HasDatabase,
    person: Person,
    guidance: Guidance,
    *,
    inspection_id: int,
    product_id: int,
    sources: Sequence[Source],
    model_version_id: int | None,
    language: str,
    asked_model: str,
) -> WrittenGuidance:
    """Commit what was written for an inspection of the product; return it as its record."""
    with writing(services) as session:
        row = ResponseHistory(
            inspection_id=inspection_id,
            product_id=product_id,
            language=language,
            # The model that was asked: its tokens were spent even where another writer had to step in.
            model_name=asked_model,
            model_version_id=model_version_id,
            passages=[source.to_json() for source in sources],
            answer=WrittenText(guidance.model_name, guidance.left_out, guidance.sections).to_json(),
            input_tokens=guidance.input_tokens,
            output_tokens=guidance.output_tokens,
            latency_ms=guidance.latency_ms,
            fallback_code=guidance.fallback_code,
            created_by=person.id,
        )
        session.add(row)
        session.commit()
        return _written(row, person.display_name)


def latest_guidance(
    services: HasDatabase, inspection_id: int, *, language: str | None = None
) -> WrittenGuidance | None:
    """Return the newest guidance of the inspection that was written to its end, in `language` where given, or None."""
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
    services: HasDatabase, person: Person, guidance_id: int, *, rating: int, reason: str = ""
) -> WrittenGuidance:
    """Record a thumb up (1) or down (-1), with the reason. A later rating takes the place of an earlier one.

    Raises NotFound(`guidance_unknown`) and BadInput(`guidance_rating_invalid`).
    """
    require_role(services, person, WORKER)
    if rating not in {1, -1}:
        raise BadInput("guidance_rating_invalid")
    with writing(services) as session:
        row = session.get(ResponseHistory, guidance_id)
        if row is None:
            raise NotFound("guidance_unknown")
        require_bound_in(session, person, product_id=row.product_id)
        row.rating, row.rating_reason = rating, reason.strip()[:MAX_REASON_CHARS]
        session.add(row)
        record(session, person, "guidance.rate", "guidance", guidance_id, rating=rating, reason=row.rating_reason)
        session.commit()
        return _written(row, "")


def _written(row: ResponseHistory, person_name: str) -> WrittenGuidance:
    text = WrittenText.from_json(row.answer)
    return WrittenGuidance(
        id=row.id,
        inspection_id=row.inspection_id or 0,
        language=row.language,
        guidance=Guidance(
            text.sections,
            text.written_by,
            input_tokens=row.input_tokens,
            output_tokens=row.output_tokens,
            latency_ms=row.latency_ms,
            fallback_code=row.fallback_code,
            left_out=text.left_out,
        ),
        sources=tuple(Source.from_json(source) for source in read_objects(row.passages)),
        asked_model=row.model_name,
        created_at=row.created_at,
        person_name=person_name,
        rating=row.rating,
        rating_reason=row.rating_reason,
    )
