"""What two thresholds stand on, as their row holds it. Rows of earlier versions of the program lack some figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from storage.json_fields import read_float, read_int, read_object, read_texts

# Rows of before were written without them, and stay as they were.
_ONLY_WHERE_MEASURED = frozenset({"n_made_up", "made_up_escape"})


@dataclass(frozen=True)
class RateFigures:
    """A share of images, from 0 to 1, with its 95 % bounds; None where there were no images."""

    rate: float | None = None
    low: float | None = None
    high: float | None = None

    @classmethod
    def from_json(cls, data: Mapping[str, Any], name: str) -> RateFigures:
        """Return the rate that goes by `name` in the figures of a calibration."""
        return cls(*(read_float(data.get(f"{name}{ending}")) for ending in ("", "_low", "_high")))

    def to_json(self, name: str) -> dict[str, float | None]:
        """Return the fields that `from_json` reads."""
        return {name: self.rate, f"{name}_low": self.low, f"{name}_high": self.high}


@dataclass(frozen=True)
class CalibrationFigures:
    """What two thresholds stand on: the scores of normal and defect images, and the errors to expect.

    See `inference.vision.detection.calibration.Calibration` for the meaning of each. Without labeled defects,
    `made_up_escape` is the share of `n_made_up` made-up defects that would pass: an estimate.
    """

    n_normal: int | None = None
    n_defect: int | None = None
    normal_mean: float | None = None
    normal_std: float | None = None
    normal_max: float | None = None
    defect_min: float | None = None
    image_auroc: float | None = None
    f1: float | None = None
    overkill_at_review: RateFigures = RateFigures()
    escape_at_review: RateFigures = RateFigures()
    overkill_at_reject: RateFigures = RateFigures()
    escape_at_reject: RateFigures = RateFigures()
    percentile: float | None = None
    k: float | None = None
    n_made_up: int | None = None
    made_up_escape: float | None = None

    @classmethod
    def from_json(cls, value: object) -> CalibrationFigures:
        """Return the figures of a calibration, of a threshold's row or of a job's outcome."""
        data = read_object(value)
        return cls(
            n_normal=read_int(data.get("n_normal")),
            n_defect=read_int(data.get("n_defect")),
            normal_mean=read_float(data.get("normal_mean")),
            normal_std=read_float(data.get("normal_std")),
            normal_max=read_float(data.get("normal_max")),
            defect_min=read_float(data.get("defect_min")),
            image_auroc=read_float(data.get("image_auroc")),
            f1=read_float(data.get("f1")),
            overkill_at_review=RateFigures.from_json(data, "overkill_at_review"),
            escape_at_review=RateFigures.from_json(data, "escape_at_review"),
            overkill_at_reject=RateFigures.from_json(data, "overkill_at_reject"),
            escape_at_reject=RateFigures.from_json(data, "escape_at_reject"),
            percentile=read_float(data.get("percentile")),
            k=read_float(data.get("k")),
            n_made_up=read_int(data.get("n_made_up")),
            made_up_escape=read_float(data.get("made_up_escape")),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        values: dict[str, Any] = {}
        for one in fields(self):
            found = getattr(self, one.name)
            if found is None and one.name in _ONLY_WHERE_MEASURED:
                continue
            values |= found.to_json(one.name) if isinstance(found, RateFigures) else {one.name: found}
        return values


@dataclass(frozen=True)
class ThresholdFigures:
    """The figures of a threshold's row: those of its calibration, and what the calibration warned of."""

    calibration: CalibrationFigures = CalibrationFigures()
    warnings: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, value: object) -> ThresholdFigures:
        """Return the figures of a threshold's row."""
        return cls(CalibrationFigures.from_json(value), read_texts(read_object(value).get("warnings")))

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        return {**self.calibration.to_json(), "warnings": list(self.warnings)}
