"""A part of 6,000 px with a hole of 12 px: lost when the image is made small, found in tiles."""

import pytest

from benchmarks.bench_tiles import HOLE_PX, draw_part
from inference.vision.detection.detection import Detection
from inference.vision.detection.detector import ImageSource
from inference.vision.detection.patchcore.config import PatchCoreConfig
from inference.vision.detection.patchcore.patchcore import PatchCore
from inference.vision.detection.regions import LEAST_AREA_SHARE, find_regions
from inference.vision.images.preprocessing import Preprocessing

SIZE_PX = (6000, 4000)
HOLE = (3660, 1880)


def inspect_both(tile_size_px: int) -> tuple[Detection, Detection]:
    """Return what a bank of one part says of another good one, and of one with the hole."""
    config = PatchCoreConfig(preprocessing=Preprocessing(tile_size_px=tile_size_px), even_light=False)
    source = ImageSource("part", lambda: draw_part(1, size_px=SIZE_PX))
    model = PatchCore.fit([source], config, device="cpu")
    good, bad = draw_part(2, size_px=SIZE_PX), draw_part(2, size_px=SIZE_PX, hole=HOLE)
    return model.inspect(good), model.inspect(bad)


def test_a_hole_of_12_px_in_6000_px_is_lost_at_once() -> None:
    good, bad = inspect_both(0)
    assert bad.score == pytest.approx(good.score, rel=0.03)


def test_a_hole_of_12_px_in_6000_px_is_found_in_tiles_at_its_place() -> None:
    good, bad = inspect_both(1024)
    assert bad.score > 1.1 * good.score
    worst = find_regions(
        bad.anomaly_map,
        threshold=0.8 * bad.score,
        image_size_px=SIZE_PX,
        min_area_share=LEAST_AREA_SHARE * bad.view_share,
    )[0]
    margin = HOLE_PX * 4
    assert worst.x - margin <= HOLE[0] <= worst.x + worst.w + margin
    assert worst.y - margin <= HOLE[1] <= worst.y + worst.h + margin
    assert max(worst.w, worst.h) < SIZE_PX[0] / 20
