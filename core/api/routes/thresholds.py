"""The thresholds of a product, by its code: in force, of before, by a method; and what mistakes cost it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field, model_validator

from core.api.context import LARGEST_ID, Asked, Context, OnceKey
from core.api.repeats import answer_once
from core.api.routes.models import UndoWanted
from core.api.shapes import Shape, Wanted
from core.catalog.products import find_product
from core.model_report import costs
from core.model_report.in_force import (
    ProductThresholds,
    Suggestion,
    read_product_thresholds,
    suggest_thresholds,
)
from core.model_report.records import CheapestPair, Confusion, Costs
from core.registry import thresholds

router = APIRouter(prefix="/products/{code}", tags=["models and thresholds"])

Code = Annotated[str, Path(min_length=1, max_length=64, description="The product's code.")]
ViewCode = Annotated[
    str | None, Query(max_length=64, description="The view, by its code: needed where the product has several.")
]
Method = Literal["percentile", "mean_std", "f1_max", "cheapest"]
Percent = Annotated[float | None, Field(description="Of percentile: so many percent of good parts stay below Review.")]
Deviations = Annotated[
    float | None, Field(description="Of mean_std: NG begins so many standard deviations above the mean.")
]
DefectRate = Annotated[
    float | None,
    Field(
        description="Of cheapest: the line's share of defective parts (0 to 1). Without it, the one that is set for "
        "the product, else that of recent inspections."
    ),
]


class RateShape(Shape):
    """So many of so many test images, the share, and its 95 % bounds (0 to 1); null without any image."""

    count: int
    total: int
    rate: float | None
    low: float | None
    high: float | None


class VerdictsShape(Shape):
    """How many images of a label get which verdict."""

    ok: int
    review: int
    reject: int


class CountsShape(Shape):
    """Verdicts on the test images by true label. Overkill: good ones judged NG; escape: defective ones judged OK."""

    good: VerdictsShape
    defect: VerdictsShape
    by_type: dict[str, VerdictsShape]
    overkill: RateShape
    escape: RateShape
    good_reviewed: RateShape
    defect_reviewed: RateShape


class EntryShape(Shape):
    """Two thresholds, float32 distances of the scores' unit: below `review_at` OK, from `reject_at` on NG."""

    id: int
    review_at: float
    reject_at: float
    method: str
    reason: str
    created_at: datetime
    saved_by: str


class ProductThresholdsShape(Shape):
    """What a product is inspected with now; `test` is null where its model was not measured on test images."""

    product: str
    view: str = Field(description="Empty for a product without views.")
    version_id: int
    version_number: int
    in_force: EntryShape
    test: CountsShape | None
    history: list[EntryShape] = Field(description="Those of before, the latest first.")


class NewThresholds(Wanted):
    """Both thresholds, or a method that computes them; `seen_id` is the id of those in force when it was decided."""

    review_at: float | None = None
    reject_at: float | None = None
    method: Method | None = None
    percent: Percent = None
    k: Deviations = None
    defect_rate: DefectRate = None
    reason: str = Field(max_length=4_000)
    seen_id: int = Field(ge=1, le=LARGEST_ID)

    @model_validator(mode="after")
    def _say_what_is_wanted(self) -> NewThresholds:
        by_hand = self.review_at is not None and self.reject_at is not None
        if by_hand == (self.method is not None) or (self.review_at is None) != (self.reject_at is None):
            raise ValueError("give review_at and reject_at, or a method")
        return self


class SuggestionShape(Shape):
    """What a method gives; nothing is stored. `figures` is what it stands on, `warnings` are codes."""

    review_at: float
    reject_at: float
    method: Method
    figures: dict[str, Any]
    warnings: list[str]
    review_range: tuple[float, float] | None = Field(description="Of cheapest: nine in ten resampled optima.")
    reject_range: tuple[float, float] | None
    test: CountsShape | None


class CostsShape(Shape):
    """What an escape, an overkill and a look by a person cost. `row_version` 0: nobody has said so yet."""

    escape: float
    overkill: float
    review: float
    currency: str
    defect_rate: float | None = Field(description="As a person has set it; null: that of recent inspections.")
    row_version: int


class CostsWanted(Wanted):
    """What mistakes cost from now on; `row_version` is that of the costs that were seen."""

    escape: float
    overkill: float
    review: float
    currency: str = Field(default="", max_length=100)
    defect_rate: float | None = None
    row_version: int = Field(ge=0, le=LARGEST_ID)


@router.get("/thresholds", summary="The thresholds in force, and those of before")
def get_product_thresholds(code: Code, asked: Asked, view: ViewCode = None) -> ProductThresholdsShape:
    """Return what the product is inspected with now, and what that makes of the test images."""
    return _shape(_read(asked, code, view))


@router.put("/thresholds", response_model=ProductThresholdsShape, summary="Set the thresholds")
def put_product_thresholds(
    code: Code, wanted: NewThresholds, asked: Asked, view: ViewCode = None, once: OnceKey = None
) -> Response:
    """Put other thresholds in force, from the next inspection on; earlier inspections stay as they were judged."""

    def make() -> ProductThresholdsShape:
        now = _read(asked, code, view)
        if wanted.method is None:
            pair, method, figures = (wanted.review_at or 0.0, wanted.reject_at or 0.0), thresholds.MANUAL, None
        else:
            found = _suggest(asked, now, wanted.method, wanted.percent, wanted.k, wanted.defect_rate)
            pair, method, figures = (found.review_at, found.reject_at), found.method, found.figures
        thresholds.save_thresholds(
            asked.services,
            asked.person,
            now.head.version_id,
            *pair,
            reason=wanted.reason,
            seen_id=wanted.seen_id,
            method=method,
            figures=figures,
        )
        return _shape(_read(asked, code, view))

    return answer_once(asked, once, {**wanted.model_dump(), "view": view}, make, status=200)


@router.post("/thresholds/undo", response_model=ProductThresholdsShape, summary="Undo the last change")
def undo_product_thresholds(
    code: Code, wanted: UndoWanted, asked: Asked, view: ViewCode = None, once: OnceKey = None
) -> Response:
    """Put the thresholds before those in force back in force."""

    def make() -> ProductThresholdsShape:
        now = _read(asked, code, view)
        thresholds.undo_thresholds(
            asked.services, asked.person, now.head.version_id, reason=wanted.reason, seen_id=wanted.seen_id
        )
        return _shape(_read(asked, code, view))

    return answer_once(asked, once, {**wanted.model_dump(), "view": view}, make, status=200)


@router.get("/thresholds/methods/{method}", summary="What a method would give")
def get_suggestion(
    code: Code,
    method: Method,
    asked: Asked,
    percent: Annotated[float | None, Query(description="Of percentile.")] = None,
    k: Annotated[float | None, Query(description="Of mean_std.")] = None,
    defect_rate: Annotated[float | None, Query(description="Of cheapest: a share from 0 to 1.")] = None,
    view: ViewCode = None,
) -> SuggestionShape:
    """Return the thresholds that a method gives, and what they make of the test images; nothing is stored."""
    now = _read(asked, code, view)
    found = _suggest(asked, now, method, percent, k, defect_rate)
    pair = found.found if isinstance(found.found, CheapestPair) else None
    return SuggestionShape(
        review_at=found.review_at,
        reject_at=found.reject_at,
        method=method,
        figures=dict(found.figures),
        warnings=list(found.warnings),
        review_range=None if pair is None else pair.review_range,
        reject_range=None if pair is None else pair.reject_range,
        test=counts_shape(now.count_at(found.review_at, found.reject_at)),
    )


@router.get("/costs", summary="What mistakes cost")
def get_costs(code: Code, asked: Asked) -> CostsShape:
    """Return what mistakes cost the product."""
    return CostsShape.model_validate(costs.read_costs(asked.services, find_product(asked.services, code).id))


@router.put("/costs", summary="Set what mistakes cost")
def put_costs(code: Code, wanted: CostsWanted, asked: Asked) -> CostsShape:
    """Store what mistakes cost the product."""
    product = find_product(asked.services, code)
    saved = costs.save_costs(asked.services, asked.person, product.id, Costs(**wanted.model_dump()))
    return CostsShape.model_validate(saved)


def counts_shape(found: Confusion | None) -> CountsShape | None:
    """Return a table of verdicts; None without one."""
    return None if found is None else CountsShape.model_validate(found)


def _read(asked: Context, code: str, view: str | None) -> ProductThresholds:
    return read_product_thresholds(asked.services, find_product(asked.services, code).id, view)


def _suggest(
    asked: Context,
    now: ProductThresholds,
    method: str,
    percent: float | None,
    k: float | None,
    defect_rate: float | None,
) -> Suggestion:
    return suggest_thresholds(
        asked.services, asked.person, now.head.version_id, method, percent=percent, k=k, defect_rate=defect_rate
    )


def _shape(now: ProductThresholds) -> ProductThresholdsShape:
    entries = [EntryShape.model_validate(entry) for entry in now.entries]
    return ProductThresholdsShape(
        product=now.head.product_code,
        view=now.head.view,
        version_id=now.head.version_id,
        version_number=now.head.number,
        in_force=entries[0],
        test=counts_shape(now.count_at(now.in_force.review_at, now.in_force.reject_at)),
        history=entries[1:],
    )
