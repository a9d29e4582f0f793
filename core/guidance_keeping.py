"""How guidance and its sources are kept in a row, and read from it again."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, cast

from inference.language.guidance import SECTION_NAMES, Guidance, Section, SectionName, Step
from inference.language.untrusted import plain, without_markup

if TYPE_CHECKING:
    from inference.language.passages import Passage
    from storage.tables import ResponseHistory

_MAX_HEADING_CHARS = 300


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
        """The headings below the manual's title, which stands beside them wherever they are shown."""
        return self.heading.removeprefix(self.manual_title).removeprefix(" › ")

    def as_json(self) -> dict[str, Any]:
        """Plain values for a row."""
        return asdict(self)


def describe_source(number: int, passage: Passage, *, title: str, is_held_back: bool) -> Source:
    """The passage as plain words; the words of one that is held back are not kept."""
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


def write_answer(guidance: Guidance) -> str:
    """The guidance's sections as JSON text."""
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


def read_kept(row: ResponseHistory) -> tuple[Guidance, tuple[Source, ...]]:
    """The guidance and its sources, as `write_answer` and `Source.as_json` kept them."""
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
