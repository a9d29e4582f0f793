"""How the views of a product are combined, by its code: in force, of before, and what it makes of labeled parts."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from fastapi import APIRouter, Response
from pydantic import Field

from core.api.context import LARGEST_ID, Asked, Context, OnceKey
from core.api.repeats import answer_once
from core.api.routes.models import UndoWanted
from core.api.routes.thresholds import Code
from core.api.shapes import Shape, Wanted
from core.catalog.products import find_product
from core.fusion.effect import measure_effect, read_labeled_parts
from core.fusion.in_force import read_fusion
from core.fusion.records import FusionEntry, combined_views
from core.fusion.rules import read_rule, rule_to_json
from core.fusion.saving import list_fusion, save_fusion, undo_fusion

router = APIRouter(prefix="/products/{code}/fusion", tags=["models and thresholds"])


class CalibrationShape(Shape):
    """What turns a view's scores into probabilities, fitted for version `model_version` of its memory bank."""

    model_version: int
    method: Literal["platt", "isotonic", "percentile"]
    origin: Literal["scores", "thresholds"]
    n_good: int
    n_defect: int
    log_loss: float | None


class RuleEntryShape(Shape):
    """A rule that is or was in force; `id` 0: the default that nobody has chosen and no inspection has used yet."""

    id: int
    rule: dict[str, Any] = Field(description="As it is put: method, its options, review_at, reject_at.")
    is_default: bool
    is_recalibrated: bool = Field(description="Only the calibration is new, because models had changed.")
    reason: str
    created_at: datetime
    saved_by: str
    n_fitted: int | None
    calibration: dict[str, CalibrationShape]


class CombinedViewShape(Shape):
    """A view: what a defect is called that it finds, and whether a part needs it."""

    code: str
    found_as: Literal["internal", "external"]
    is_required: bool


class LabeledPartsShape(Shape):
    """The parts that the effect is counted on: of the test, else those that the calibration was fitted to."""

    origin: Literal["test", "fitting"]
    n_good: int
    n_defect: int
    n_incomplete: int


class ProductFusionShape(Shape):
    """How the views are combined now; `effect` is null without labeled parts."""

    product: str
    views: list[CombinedViewShape]
    in_force: RuleEntryShape
    stale_views: list[str]
    unbuilt_views: list[str]
    outdated_rule: bool
    parts: LabeledPartsShape
    effect: dict[str, Any] | None
    history: list[RuleEntryShape]


class NewRule(Wanted):
    """The rule to put in force; `seen_id` is the id of the one that was in force when it was decided."""

    rule: dict[str, Any] = Field(
        examples=[
            {"method": "weighted_average", "weights": {"ct": 0.6, "rgb": 0.4}, "review_at": 0.5, "reject_at": 0.8}
        ]
    )
    reason: str = Field(max_length=4_000)
    seen_id: int = Field(ge=0, le=LARGEST_ID)


@router.get("", summary="How views are combined")
def get_fusion(code: Code, asked: Asked) -> ProductFusionShape:
    """Return the rule in force with its effect on labeled parts, and those of before."""
    return _shape(asked, code)


@router.put("", response_model=ProductFusionShape, summary="Combine views otherwise")
def put_fusion(code: Code, wanted: NewRule, asked: Asked, once: OnceKey = None) -> Response:
    """Put another rule in force, from the next inspection on; earlier inspections keep theirs."""

    def make() -> ProductFusionShape:
        product = find_product(asked.services, code)
        views = combined_views(read_fusion(asked.services, product.id).views)
        rule = read_rule(wanted.rule, views)
        save_fusion(asked.services, asked.person, product.id, rule, reason=wanted.reason, seen_id=wanted.seen_id)
        return _shape(asked, code)

    return answer_once(asked, once, wanted.model_dump(), make, status=200)


@router.post("/undo", response_model=ProductFusionShape, summary="Undo the last change")
def undo(code: Code, wanted: UndoWanted, asked: Asked, once: OnceKey = None) -> Response:
    """Put the rule before the one in force back in force."""

    def make() -> ProductFusionShape:
        product = find_product(asked.services, code)
        undo_fusion(asked.services, asked.person, product.id, reason=wanted.reason, seen_id=wanted.seen_id)
        return _shape(asked, code)

    return answer_once(asked, once, wanted.model_dump(), make, status=200)


def _shape(asked: Context, code: str) -> ProductFusionShape:
    product = find_product(asked.services, code)
    found = read_fusion(asked.services, product.id)
    labeled = read_labeled_parts(asked.services, product.id)
    return ProductFusionShape(
        product=product.code,
        views=[CombinedViewShape.model_validate(one) for one in combined_views(found.views)],
        in_force=_entry(found.entry),
        stale_views=list(found.stale_views) if found.entry.id else [],
        unbuilt_views=list(found.unbuilt_views),
        outdated_rule=found.outdated_rule,
        parts=LabeledPartsShape.model_validate(labeled),
        effect=measure_effect(found.entry.rule, labeled).to_json() if labeled.parts else None,
        history=[_entry(one) for one in list_fusion(asked.services, product.id) if one.id != found.entry.id],
    )


def _entry(entry: FusionEntry) -> RuleEntryShape:
    return RuleEntryShape(
        id=entry.id,
        rule=rule_to_json(entry.rule),
        is_default=entry.is_default,
        is_recalibrated=entry.is_recalibrated,
        reason=entry.reason,
        created_at=entry.created_at,
        saved_by=entry.saved_by,
        n_fitted=entry.n_fitted,
        calibration={
            view: CalibrationShape(
                model_version=found.number,
                method=found.calibration.method,
                origin="thresholds" if found.origin == "thresholds" else "scores",
                n_good=found.calibration.n_good,
                n_defect=found.calibration.n_defect,
                log_loss=found.calibration.log_loss,
            )
            for view, found in entry.calibrations.items()
        },
    )
