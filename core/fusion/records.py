"""How a product's views are combined, as it was stored: rule, calibration of each view, who, when and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from core.fusion.rules import read_rule
from inference.errors import ModelError
from inference.vision.comparison.fusion import CombinedView, FusionRule
from inference.vision.comparison.probabilities import ScoreCalibration
from storage.json_fields import read_int, read_object, read_text

if TYPE_CHECKING:
    from core.catalog.views import View
    from storage.tables import FusionSetting

# How a view's probabilities came about where its model keeps no scores: by its thresholds alone.
SCORES, THRESHOLDS = "scores", "thresholds"


@dataclass(frozen=True)
class ViewCalibration:
    """What turns the scores of a view's memory bank into probabilities, and the version that it was fitted for.

    `origin` is SCORES for scores of pictures that the bank has not learned from, THRESHOLDS where it keeps none.
    """

    version_id: int
    number: int
    calibration: ScoreCalibration
    origin: str = SCORES

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `from_json` reads."""
        return {
            "version_id": self.version_id,
            "number": self.number,
            "origin": self.origin,
            **self.calibration.to_json(),
        }

    @classmethod
    def from_json(cls, value: object) -> ViewCalibration | None:
        """Return the calibration of a view in a row; None where it cannot be read."""
        data = read_object(value)
        version_id = read_int(data.get("version_id"))
        try:
            calibration = ScoreCalibration.from_json(data)
        except ModelError:
            return None
        if version_id is None:
            return None
        return cls(version_id, read_int(data.get("number")) or 0, calibration, read_text(data.get("origin")) or SCORES)


@dataclass(frozen=True)
class FusionEntry:
    """A rule that is or was in force. `saved_by` is "" where the program itself wrote it.

    `views` are those that the product had then, `calibrations` by the code of the view. `is_default` says that nobody
    had chosen the rule; `is_recalibrated` that only the calibration is new, because models had changed. `fitted` says
    that the weights were fitted, to `n_fitted` parts.
    """

    id: int
    product_id: int
    rule: FusionRule
    views: tuple[CombinedView, ...]
    calibrations: Mapping[str, ViewCalibration]
    reason: str
    created_at: datetime
    created_by: int | None
    saved_by: str = ""
    is_default: bool = False
    is_recalibrated: bool = False
    n_fitted: int | None = None

    @property
    def review_at(self) -> float:
        """Return the combined probability from which on a part is Review."""
        return self.rule.review_at

    @property
    def reject_at(self) -> float:
        """Return the combined probability from which on a part is NG."""
        return self.rule.reject_at

    def probability(self, view: str, score: float) -> float | None:
        """Return the probability of a defect at a view's score; None without a calibration of the view."""
        found = self.calibrations.get(view)
        return None if found is None else found.calibration.probability(score)


@dataclass(frozen=True)
class FusionFigures:
    """The `figures` column: what is told of a rule beside itself."""

    views: tuple[CombinedView, ...] = ()
    is_default: bool = False
    is_recalibrated: bool = False
    n_fitted: int | None = None
    measured: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `from_json` reads."""
        return {
            "views": [
                {"code": one.code, "found_as": one.found_as, "is_required": one.is_required} for one in self.views
            ],
            "is_default": self.is_default,
            "is_recalibrated": self.is_recalibrated,
            "n_fitted": self.n_fitted,
            "measured": dict(self.measured),
        }

    @classmethod
    def from_json(cls, value: object) -> FusionFigures:
        """Return the figures of a row."""
        data = read_object(value)
        views = data.get("views")
        found = [read_object(one) for one in views] if isinstance(views, list) else []
        return cls(
            views=tuple(
                CombinedView(
                    str(one.get("code", "")),
                    "internal" if one.get("found_as") == "internal" else "external",
                    one.get("is_required") is not False,
                )
                for one in found
            ),
            is_default=data.get("is_default") is True,
            is_recalibrated=data.get("is_recalibrated") is True,
            n_fitted=read_int(data.get("n_fitted")),
            measured=read_object(data.get("measured")),
        )


def combined_views(views: Sequence[View]) -> tuple[CombinedView, ...]:
    """Return the views of a product as far as combining them goes."""
    return tuple(
        CombinedView(one.code, "internal" if one.found_as == "internal" else "external", one.is_required)
        for one in views
    )


def entry_of(row: FusionSetting, *, saved_by: str = "") -> FusionEntry:
    """Return the rule of a row. Raises BadInput for one that cannot be read."""
    figures = FusionFigures.from_json(row.figures)
    wanted = read_rule(
        {**read_object(row.rule), "method": row.method, "review_at": row.review_at, "reject_at": row.reject_at},
        figures.views,
    )
    calibrations = {
        code: found
        for code, value in read_object(row.calibration).items()
        if (found := ViewCalibration.from_json(value)) is not None
    }
    return FusionEntry(
        id=row.id,
        product_id=row.product_id,
        rule=wanted.rule,
        views=figures.views,
        calibrations=calibrations,
        reason=row.reason,
        created_at=row.created_at,
        created_by=row.created_by,
        saved_by=saved_by,
        is_default=figures.is_default,
        is_recalibrated=figures.is_recalibrated,
        n_fitted=figures.n_fitted,
    )
