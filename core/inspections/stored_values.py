"""The JSON columns of an inspection's row as values: regions, preprocessing, notes on the image.

Rows of earlier versions of the program are read as well: what they lack has its default, and what is not known here is
left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from inference.errors import InferenceError
from storage.json_fields import read_float, read_int, read_object, read_objects

if TYPE_CHECKING:
    from inference.vision.detection.regions import Region
    from inference.vision.images.preprocessing import Preprocessing


@dataclass(frozen=True)
class DefectRegion:
    """A place that differs: its box in pixels of the inspected image, and its own area in square pixels.

    `score` is the highest anomaly score in it, a float32 distance. `defect_type_id` is the type that a defect head
    takes it for, of the probability `type_share` among the known types; None without a head that names types.
    """

    x: int
    y: int
    w: int
    h: int
    area: int
    score: float
    defect_type_id: int | None = None
    type_share: float | None = None

    @classmethod
    def from_detected(cls, region: Region, *, named: tuple[str, float] | None = None) -> DefectRegion:
        """Return a region as it was found in an anomaly map; `named` is its type and how likely it is."""
        found = cls(region.x, region.y, region.w, region.h, region.area, float(region.score))
        if named is None or not named[0].isdecimal():
            return found
        return replace(found, defect_type_id=int(named[0]), type_share=round(named[1], 4))

    @classmethod
    def from_json(cls, value: object) -> DefectRegion | None:
        """Return the region of a JSON object; None where its box is not told."""
        data = read_object(value)
        x, y, w, h = (read_int(data.get(name)) for name in ("x", "y", "w", "h"))
        if x is None or y is None or w is None or h is None:
            return None
        return cls(
            x,
            y,
            w,
            h,
            read_int(data.get("area")) or 0,
            read_float(data.get("score")) or 0.0,
            read_int(data.get("defect_type_id")),
            read_float(data.get("type_share")),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        values: dict[str, Any] = {
            "x": self.x,
            "y": self.y,
            "w": self.w,
            "h": self.h,
            "area": self.area,
            "score": self.score,
        }
        if self.defect_type_id is not None:
            values |= {"defect_type_id": self.defect_type_id, "type_share": self.type_share}
        return values


def read_regions(value: object) -> tuple[DefectRegion, ...]:
    """Return the regions in a JSON list, in their order, without what is none."""
    return tuple(region for one in read_objects(value) if (region := DefectRegion.from_json(one)) is not None)


def read_preprocessing(value: object) -> Preprocessing | None:
    """Return the options that an image was prepared with; None where another version wrote what is not known here."""
    from inference.vision.images.preprocessing import Preprocessing

    try:
        return Preprocessing.from_dict(read_object(value))
    except InferenceError:
        return None
