"""A region of an image as a value: what is drawn, imported, exported and stored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from storage.tables import ImageBox

Shape = Literal["box", "polygon", "mask"]
BOX: Final = "box"
POLYGON: Final = "polygon"
MASK: Final = "mask"


@dataclass(frozen=True)
class Region:
    """One region, in pixels of the stored image (see `storage.tables.ImageBox`).

    `points` are the corners of a polygon, `counts` the run lengths of a mask over the whole image (COCO's column
    order); both are empty for a box. `type_name` names the defect type where it is not stored yet (an import).
    """

    shape: Shape
    x: float
    y: float
    width: float
    height: float
    points: tuple[tuple[float, float], ...] = ()
    counts: tuple[int, ...] = ()
    defect_type_id: int | None = None
    type_name: str = ""
    origin: str = "person"

    @classmethod
    def of_box(cls, x: float, y: float, width: float, height: float, **about: Any) -> Region:
        """Return a box."""
        return cls(BOX, x, y, width, height, **about)

    @classmethod
    def of_polygon(cls, points: Sequence[tuple[float, float]], **about: Any) -> Region:
        """Return a polygon of at least three corners. Raises ValueError for fewer."""
        if len(points) < 3:
            raise ValueError("a polygon has at least three corners")
        left, top = min(x for x, _ in points), min(y for _, y in points)
        right, bottom = max(x for x, _ in points), max(y for _, y in points)
        corners = tuple((float(x), float(y)) for x, y in points)
        return cls(POLYGON, left, top, right - left, bottom - top, points=corners, **about)

    @classmethod
    def of_mask(cls, marked: npt.NDArray[np.bool_], **about: Any) -> Region:
        """Return the region that a mask of height × width of the whole image marks. Raises ValueError for none."""
        import numpy as np

        from core.images.regions.run_lengths import encode_runs

        rows, columns = np.flatnonzero(marked.any(axis=1)), np.flatnonzero(marked.any(axis=0))
        if rows.size == 0:
            raise ValueError("the mask marks nothing")
        left, top = int(columns[0]), int(rows[0])
        width, height = int(columns[-1]) - left + 1, int(rows[-1]) - top + 1
        return cls(MASK, left, top, width, height, counts=tuple(encode_runs(marked)), **about)

    @classmethod
    def of_runs(cls, counts: Sequence[int], *, width_px: int, height_px: int, **about: Any) -> Region:
        """Return what run lengths over the whole image mark. Raises ValueError for nothing, and for wrong lengths."""
        from core.images.regions.run_lengths import bound_runs

        bounds = bound_runs(counts, width_px=width_px, height_px=height_px)
        if bounds is None:
            raise ValueError("the mask marks nothing")
        return cls(MASK, *bounds, counts=tuple(int(count) for count in counts), **about)

    @property
    def area(self) -> float:
        """Return how large the region is, in square pixels."""
        if self.shape == MASK:
            return float(sum(self.counts[1::2]))
        if self.shape == POLYGON:
            following = (*self.points[1:], self.points[0])
            pairs = zip(self.points, following, strict=True)
            return abs(sum(x * next_y - next_x * y for (x, y), (next_x, next_y) in pairs)) / 2
        return self.width * self.height

    @classmethod
    def from_row(cls, row: ImageBox) -> Region:
        """Return what a stored row says."""
        about: dict[str, Any] = {"defect_type_id": row.defect_type_id, "origin": row.origin}
        bounds = (row.x, row.y, row.width, row.height)
        if row.shape == POLYGON:
            return cls(POLYGON, *bounds, points=tuple((float(x), float(y)) for x, y in row.outline), **about)
        if row.shape == MASK:
            return cls(MASK, *bounds, counts=tuple(row.outline["counts"]), **about)
        return cls(BOX, *bounds, **about)

    def outline(self, *, width_px: int, height_px: int) -> Any:
        """Return the JSON that a stored row keeps of its form."""
        if self.shape == POLYGON:
            return [[x, y] for x, y in self.points]
        if self.shape == MASK:
            return {"size": [height_px, width_px], "counts": list(self.counts)}
        return []


def rasterize(regions: Iterable[Region], *, width_px: int, height_px: int) -> npt.NDArray[np.bool_]:
    """Return the union of regions as a mask, height × width, bool.

    A pixel belongs to a box where its center does; to a polygon as OpenCV fills it, its outline included. What lies
    outside the image is cut off. Raises ValueError for a mask of another size.
    """
    import cv2
    import numpy as np

    from core.images.regions.run_lengths import decode_columns

    marked = np.zeros((height_px, width_px), dtype=np.uint8)
    for region in regions:
        if region.shape == BOX:
            left, right = _inside(region.x, region.width, width_px)
            top, bottom = _inside(region.y, region.height, height_px)
            marked[top:bottom, left:right] = 1
        elif region.shape == POLYGON:
            # A corner at x lies on the left edge of pixel x: OpenCV counts from pixel centers, with eight bits of a px.
            corners = np.round((np.asarray(region.points, dtype=np.float64) - 0.5) * 256).astype(np.int32)
            cv2.fillPoly(marked, [corners], (1,), shift=8)
        else:
            left, right = int(region.x), int(region.x + region.width)
            drawn = decode_columns(region.counts, columns=(left, right), height_px=height_px, width_px=width_px)
            marked[:, left:right] |= drawn
    return marked.astype(bool)


def _inside(start: float, length: float, limit: int) -> tuple[int, int]:
    """Return the first and one after the last pixel whose centers lie in the stretch; at least one where it can."""
    first = min(max(0, int(-(-(start - 0.5) // 1))), limit)
    last = min(max(first, int(-(-(start + length - 0.5) // 1))), limit)
    if last == first and -1 < start < limit and length > 0:
        first = min(max(0, int(start)), limit - 1)
        last = first + 1
    return first, last
