"""Second opinions on inspections: asked for, and read again. They decide nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from core.api.context import Asked, Context, Id
from core.comparisons.opinion_records import SecondOpinionRecord
from core.comparisons.second_opinion import ask_second_opinion, list_second_opinions
from core.inspections.records import load_record

router = APIRouter(prefix="/inspections", tags=["inspections"])


class BoxShape(BaseModel):
    """A place in the image, in its pixels, with the code of the type that the method names."""

    x: float
    y: float
    width: float
    height: float
    score: float
    label: str


class UsageShape(BaseModel):
    """What a question to a model cost; `cost_usd` is null where its price is not known."""

    requests: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None


class SecondOpinionShape(BaseModel):
    """What a method said: `score` is null where it said nothing, and then `error` says why."""

    id: int
    inspection: int
    method: str
    method_model: int | None
    view: str
    model: str = Field(description="The id of a model at its server, empty for other methods.")
    score: float | None
    verdict: str = Field(description="ok, review or reject by the method's own thresholds; empty without.")
    class_probabilities: dict[str, float]
    boxes: list[BoxShape]
    words: str
    ms: float
    usage: UsageShape | None
    error: dict[str, Any] | None
    created_at: datetime


@router.post("/{inspection_id}/second-opinion", summary="Ask the product's chosen method for a second opinion")
def ask(inspection_id: Id, asked: Asked) -> SecondOpinionShape:
    """Ask the chosen method about the part; the inspection itself stays as it is."""
    return _shape(asked, ask_second_opinion(asked.services, asked.person, inspection_id, language=asked.language))


@router.get("/{inspection_id}/second-opinions", summary="The second opinions on an inspection")
def list_opinions(inspection_id: Id, asked: Asked) -> list[SecondOpinionShape]:
    """Return what methods have said of the part, the newest first."""
    load_record(asked.services, inspection_id)
    return [_shape(asked, found) for found in list_second_opinions(asked.services, inspection_id)]


def _shape(asked: Context, found: SecondOpinionRecord) -> SecondOpinionShape:
    said, problem = found.prediction, found.problem
    return SecondOpinionShape(
        id=found.id,
        inspection=found.inspection_id,
        method=found.method,
        method_model=found.model_id,
        view=found.view,
        model=said.model,
        score=said.score,
        verdict=said.verdict,
        class_probabilities=dict(said.class_probabilities),
        boxes=[BoxShape(**box.to_json()) for box in said.boxes],
        words=said.words,
        ms=found.latency_ms,
        usage=None if said.bill is None else UsageShape(**said.bill.to_json()),
        error=None if problem is None else {"code": problem.code, "message": problem.sentence(asked.language)},
        created_at=found.created_at,
    )
