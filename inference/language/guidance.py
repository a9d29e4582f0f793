"""What guidance is written about, and what it is: steps by section, each with the passages it stands on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

SectionName = Literal["cause", "action", "check", "prevention"]
SECTION_NAMES: tuple[SectionName, ...] = ("cause", "action", "check", "prevention")
MAX_STEPS_PER_SECTION = 6


@dataclass(frozen=True)
class DefectPlace:
    """A region that differs: its box in fractions of the image (origin top left), and its share of the image's area."""

    x: float
    y: float
    width: float
    height: float
    share: float


@dataclass(frozen=True)
class PastCase:
    """A similar image of before: its defect type, its similarity (cosine) and what was done then ("" when unknown)."""

    defect_type: str
    similarity: float
    done: str = ""


@dataclass(frozen=True)
class Finding:
    """One inspected part as a writer is told of it. Scores are distances; the two pictures are PNG files.

    `other_defects` are the names of the product's other defect types, each with all of its own: what belongs to them
    is not this one's.
    """

    product: str
    verdict: str
    score: float
    review_at: float
    reject_at: float
    language: Literal["ko", "en"]
    defect_code: str = ""
    defect_name_ko: str = ""
    defect_name_en: str = ""
    defect_description: str = ""
    severity: str = ""
    other_defects: tuple[tuple[str, ...], ...] = ()
    places: tuple[DefectPlace, ...] = ()
    past_cases: tuple[PastCase, ...] = ()
    image_png: bytes | None = field(default=None, repr=False)
    heat_map_png: bytes | None = field(default=None, repr=False)

    @property
    def defect_terms(self) -> tuple[str, ...]:
        """Return the names that a manual may call the defect by."""
        names = (self.defect_name_ko, self.defect_name_en, self.defect_code.replace("_", " ").replace("-", " "))
        return tuple(dict.fromkeys(name for name in names if name.strip()))


@dataclass(frozen=True)
class Step:
    """One step in plain text. `citations` count the passages from 1; `from_manual` is False where none bears it out."""

    text: str
    citations: tuple[int, ...]
    from_manual: bool


@dataclass(frozen=True)
class Section:
    """The steps of one section, in their order."""

    name: SectionName
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Guidance:
    """The whole guidance. Without sections the manuals say nothing about it.

    `fallback_code` tells why another writer than the chosen one wrote it; `left_out` counts the steps that were
    dropped because they held links, markup, secrets or instructions to a language model.
    """

    sections: tuple[Section, ...]
    model_name: str
    input_tokens: int = 0
    output_tokens: int = 0
    latency_ms: float = 0.0
    fallback_code: str | None = None
    left_out: int = 0


@dataclass(frozen=True)
class Piece:
    """What a writer hands out: a finished `step` of a `section`, or a `fallback_code` (what came before is void),

    or, last of all, the whole `guidance`.
    """

    section: SectionName | None = None
    step: Step | None = None
    fallback_code: str | None = None
    guidance: Guidance | None = None
