"""Whether a product's images are so large or long that they should be inspected in tiles, and how small a defect may
be."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlmodel import col, select

from core.images.training import of_view
from core.models.options import DETECTION
from core.registry.choices import chosen_for
from core.transactions import reading
from inference.vision.detection.registry import find_detector
from inference.vision.images.preprocessing import (
    LARGEST_TILE_PX,
    LONGEST_TILE,
    SMALLEST_TILE_PX,
    SMALLEST_TILE_SIDE_PX,
    Preprocessing,
)
from storage.tables import Image

if TYPE_CHECKING:
    from core.services import Services

__all__ = [
    "LARGEST_TILE_PX",
    "SMALLEST_TILE_SIDE_PX",
    "TILE_SIZES_PX",
    "TileAdvice",
    "advise_on_tiles",
]

TILE_SIZES_PX = (256, 384, 512, 768, 1024, 1536, 2048)
# A defect of so many pixels of the model's input is found (`benchmarks/README.md`).
VISIBLE_PX = 6
# Images whose longer side is more than this many times the input lose small defects: then tiles are proposed.
MUCH_LARGER = 6
_MOST_TILES = 300
# Strips that are wider than this part of the input are seen as well in squares.
_WIDEST_STRIP = 1 / math.sqrt(2)
_TILE_STEP_PX = 32


@dataclass(frozen=True)
class TileAdvice:
    """What the product's images and the chosen model say.

    `width_px` and `height_px` are the median of the normal images. `smallest_px` is about the smallest defect that is
    found when an image is inspected at once, measured along the side that is made smaller most. `proposed_px` is the
    side of the tiles that would be better: 0 where it would not, or where the model has none: `no_tiles` is the msgid
    of the reason then, else empty. Where `proposed_height_px` is not 0, rectangles of that height and of the width
    `proposed_px` are better: they cover a strip's whole shorter side.
    """

    width_px: int
    height_px: int
    input_px: int
    smallest_px: int
    proposed_px: int
    no_tiles: str
    proposed_height_px: int = 0

    @property
    def proposed_size(self) -> str:
        """The proposed tiles as width × height."""
        return f"{self.proposed_px} × {self.proposed_height_px or self.proposed_px}"

    def smallest_in_tiles_px(self, tile_size_px: int, tile_height_px: int = 0) -> int:
        """Return about the smallest defect that is found in tiles of this size, in pixels of the image."""
        side_px = math.sqrt(tile_size_px * (tile_height_px or tile_size_px))
        return max(VISIBLE_PX, round(VISIBLE_PX * side_px / self.input_px))

    def count_tiles(self, tile_size_px: int, tile_height_px: int = 0) -> int:
        """Return how many tiles an image has: about as many times as long an inspection takes."""
        from inference.vision.detection.features.tiling import count_tiles

        tile_px = (tile_height_px, tile_size_px)
        if not tile_height_px:
            tile_px = (max(tile_size_px, self.input_px),) * 2
        return count_tiles((self.height_px, self.width_px), tile_px=tile_px)

    def loses_defects(self, options: Preprocessing) -> bool:
        """Return whether tiles are proposed and these options have none."""
        return bool(self.proposed_px) and not options.tile_size_px


def advise_on_tiles(services: Services, product_id: int, view: str = "") -> TileAdvice | None:
    """Return the advice by the sizes of a product's, or a view's, normal images and the model; None without images."""
    with reading(services) as session:
        sizes = session.exec(
            select(Image.width_px, Image.height_px)
            .where(Image.product_id == product_id, Image.image_type == "normal", *of_view(view))
            .order_by(col(Image.id).desc())
            .limit(200)
        ).all()
        choice = chosen_for(session, DETECTION, product_id, view)
    if not sizes:
        return None
    width_px = round(statistics.median(width for width, _ in sizes))
    height_px = round(statistics.median(height for _, height in sizes))
    input_px = int(choice.options.get("input_size_px") or choice.option.input_size_px)
    reduction = _reduction(width_px, height_px, input_px)
    no_tiles = find_detector(choice.option.method).no_tiles
    advice = TileAdvice(width_px, height_px, input_px, round(VISIBLE_PX * reduction), 0, no_tiles)
    if no_tiles or (max(width_px, height_px) <= MUCH_LARGER * input_px and reduction <= MUCH_LARGER):
        return advice
    strip = _strip_tile(width_px, height_px, input_px)
    if strip is not None:
        return replace(advice, proposed_px=strip[0], proposed_height_px=strip[1])
    fine = [size for size in TILE_SIZES_PX if size >= max(1.5 * input_px, SMALLEST_TILE_PX)]
    proposed = next((size for size in fine if advice.count_tiles(size) <= _MOST_TILES), TILE_SIZES_PX[-1])
    return replace(advice, proposed_px=proposed)


def _reduction(width_px: int, height_px: int, input_px: int) -> float:
    """Return how many times smaller the model sees the side that suffers most; at least 1."""
    from inference.vision.detection.features.input_preparation import MAX_ASPECT

    # The input follows the shape of the images, but no further than this: the long side of a strip pays for it.
    aspect = min(max(width_px / height_px, 1 / MAX_ASPECT), MAX_ASPECT)
    across, down = input_px * math.sqrt(aspect), input_px / math.sqrt(aspect)
    return max(1.0, width_px / across, height_px / down)


def _strip_tile(width_px: int, height_px: int, input_px: int) -> tuple[int, int] | None:
    """Return (width, height) of tiles over the whole shorter side of a strip, at its own scale; None for no strip."""
    from inference.vision.detection.features.input_preparation import MAX_ASPECT

    short_px, long_px = sorted((width_px, height_px))
    if long_px <= MAX_ASPECT * short_px or short_px > _WIDEST_STRIP * input_px:
        return None
    side_px = max(short_px, SMALLEST_TILE_SIDE_PX)
    length_px = min(input_px**2 // side_px, LONGEST_TILE * side_px, LARGEST_TILE_PX)
    length_px = max(SMALLEST_TILE_PX, length_px // _TILE_STEP_PX * _TILE_STEP_PX)
    return (length_px, side_px) if width_px > height_px else (side_px, length_px)
