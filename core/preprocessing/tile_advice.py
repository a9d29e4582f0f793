"""Whether a product's images are so large that they should be inspected in tiles, and how small a defect may be."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlmodel import col, select

from core.models.options import DETECTION
from core.registry.choices import chosen
from core.transactions import reading
from inference.vision.detection.registry import find_detector
from inference.vision.images.preprocessing import SMALLEST_TILE_PX
from storage.tables import Image

if TYPE_CHECKING:
    from core.services import Services

TILE_SIZES_PX = (256, 384, 512, 768, 1024, 1536, 2048)
# A defect of so many pixels of the model's input is found (`benchmarks/README.md`).
VISIBLE_PX = 6
# Images whose longer side is more than this many times the input lose small defects: then tiles are proposed.
MUCH_LARGER = 6
_MOST_TILES = 300


@dataclass(frozen=True)
class TileAdvice:
    """What the product's images and the chosen model say.

    `width_px` and `height_px` are the median of the normal images. `smallest_px` is about the smallest defect that is
    found when an image is inspected at once, `proposed_px` the side of the tiles that would be better: 0 where it
    would not, or where the model has none: `no_tiles` is the msgid of the reason then, else empty.
    """

    width_px: int
    height_px: int
    input_px: int
    smallest_px: int
    proposed_px: int
    no_tiles: str

    def smallest_in_tiles_px(self, tile_size_px: int) -> int:
        """Return about the smallest defect that is found in tiles of this size, in pixels of the image."""
        return max(VISIBLE_PX, round(VISIBLE_PX * tile_size_px / self.input_px))

    def count_tiles(self, tile_size_px: int) -> int:
        """Return how many tiles an image has: about as many times as long an inspection takes."""
        from inference.vision.detection.features.tiling import count_tiles

        return count_tiles((self.height_px, self.width_px), tile_size_px=max(tile_size_px, self.input_px))


def advise_on_tiles(services: Services, product_id: int) -> TileAdvice | None:
    """Return the advice for a product, by the sizes of its normal images and the chosen model; None without images."""
    with reading(services) as session:
        sizes = session.exec(
            select(Image.width_px, Image.height_px)
            .where(Image.product_id == product_id, Image.image_type == "normal")
            .order_by(col(Image.id).desc())
            .limit(200)
        ).all()
        choice = chosen(session, DETECTION)
    if not sizes:
        return None
    width_px = round(statistics.median(width for width, _ in sizes))
    height_px = round(statistics.median(height for _, height in sizes))
    input_px = int(choice.options.get("input_size_px") or choice.option.input_size_px)
    reduction = max(1.0, (width_px * height_px) ** 0.5 / input_px)
    no_tiles = find_detector(choice.option.method).no_tiles
    advice = TileAdvice(width_px, height_px, input_px, round(VISIBLE_PX * reduction), 0, no_tiles)
    if no_tiles or max(width_px, height_px) <= MUCH_LARGER * input_px:
        return advice
    fine = [size for size in TILE_SIZES_PX if size >= max(1.5 * input_px, SMALLEST_TILE_PX)]
    proposed = next((size for size in fine if advice.count_tiles(size) <= _MOST_TILES), TILE_SIZES_PX[-1])
    return replace(advice, proposed_px=proposed)
