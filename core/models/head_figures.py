"""What a defect head was taught with and what cross-validation says of it, as the row of a memory bank holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from storage.json_fields import read_float, read_int, read_object, read_text

if TYPE_CHECKING:
    from inference.vision.detection.defect_head import figures as engine


@dataclass(frozen=True)
class LeftOutType:
    """A type that the head was not taught for once: the AUROC of its `n` images without the head and with it."""

    n: int
    plain: float
    raised: float


@dataclass(frozen=True)
class HeadFigures:
    """See `inference.vision.detection.defect_head.figures.HeadFigures`; types are ids of defect types."""

    n_normal: int = 0
    n_defect: int = 0
    n_marked: int = 0
    counts: Mapping[int, int] = field(default_factory=dict)
    auroc_plain: float | None = None
    auroc_raised: float | None = None
    strength: float = 0.0
    restraint: str | None = None
    type_top1: float | None = None
    patch_top1: float | None = None
    region_top1: float | None = None
    left_out: Mapping[int, LeftOutType] = field(default_factory=dict)

    @property
    def raises(self) -> bool:
        """Return whether the head may raise scores; otherwise it only names types."""
        return self.strength > 0.0

    @classmethod
    def from_engine(cls, found: engine.HeadFigures) -> HeadFigures:
        """Return the figures of a head that was taught just now."""
        values = {name: getattr(found, name) for name in cls.__dataclass_fields__}
        values["counts"] = {int(name): count for name, count in found.counts.items()}
        values["left_out"] = {
            int(name): LeftOutType(one.n, one.plain, one.raised) for name, one in found.left_out.items()
        }
        return cls(**values)

    @classmethod
    def from_json(cls, value: object) -> HeadFigures | None:
        """Return the figures in a version's metrics; None where there are none."""
        data = read_object(value)
        if not data:
            return None
        counts, left_out = read_object(data.get("counts")), read_object(data.get("left_out"))
        return cls(
            n_normal=read_int(data.get("n_normal")) or 0,
            n_defect=read_int(data.get("n_defect")) or 0,
            n_marked=read_int(data.get("n_marked")) or 0,
            counts={int(key): read_int(count) or 0 for key, count in counts.items() if key.isdecimal()},
            auroc_plain=read_float(data.get("auroc_plain")),
            auroc_raised=read_float(data.get("auroc_raised")),
            strength=read_float(data.get("strength")) or 0.0,
            restraint=read_text(data.get("restraint")),
            type_top1=read_float(data.get("type_top1")),
            patch_top1=read_float(data.get("patch_top1")),
            region_top1=read_float(data.get("region_top1")),
            left_out={int(key): _read_left_out(found) for key, found in left_out.items() if key.isdecimal()},
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        return {
            **asdict(self),
            "counts": {str(key): count for key, count in self.counts.items()},
            "left_out": {str(key): asdict(found) for key, found in self.left_out.items()},
        }


def _read_left_out(value: object) -> LeftOutType:
    data = read_object(value)
    return LeftOutType(
        read_int(data.get("n")) or 0, read_float(data.get("plain")) or 0.0, read_float(data.get("raised")) or 0.0
    )
