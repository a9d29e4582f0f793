"""The picture as it is sent to a model, and the way back from the model's boxes to the pixels of the image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from inference.errors import WriterError
from inference.language.visual_questions.question import BoxConvention
from inference.vision.comparison.predictions import PredictedBox
from inference.vision.images.encoding import encode_png

MAX_SIDE_PX = 1024
# Qwen2.5-VL rounds both sides to multiples of this before it looks, and counts pixels of what it then sees
# (arXiv:2502.13923): a picture of such a size is not changed on the way. Harmless to other models.
_STEP_PX = 28
_LEAST_PX = 2 * _STEP_PX
# Beyond the edge by this share of the side is rounding; more is a place outside the picture.
_SLACK = 0.02


@dataclass(frozen=True)
class SentPicture:
    """A PNG with its size, and the size of the image that it was made of: (width, height) in pixels."""

    png: bytes = field(repr=False)
    size_px: tuple[int, int]
    image_size_px: tuple[int, int]

    def locate(
        self, corners: Sequence[float], *, convention: BoxConvention, score: float, label: str = ""
    ) -> PredictedBox:
        """Return the box with these corners (x1, y1, x2, y2 by the convention) in the pixels of the image.

        Raises WriterError(`visual_answer_box_outside`) for one that is empty, turned around or not in the picture.
        """
        sides = {"pixels": self.size_px, "thousandths": (1000, 1000), "fractions": (1, 1)}[convention]
        x1, x2 = corners[0] / sides[0], corners[2] / sides[0]
        y1, y2 = corners[1] / sides[1], corners[3] / sides[1]
        inside = all(math.isfinite(value) and -_SLACK <= value <= 1 + _SLACK for value in (x1, y1, x2, y2))
        x1, y1, x2, y2 = (min(max(value, 0.0), 1.0) for value in (x1, y1, x2, y2)) if inside else (0.0,) * 4
        if not (x1 < x2 and y1 < y2):
            raise WriterError("visual_answer_box_outside")
        width, height = self.image_size_px
        return PredictedBox(
            x=x1 * width, y=y1 * height, width=(x2 - x1) * width, height=(y2 - y1) * height, score=score, label=label
        )


def prepare_picture(pixels: np.ndarray, *, max_side_px: int = MAX_SIDE_PX) -> SentPicture:
    """Return RGB uint8 (H, W, 3) as the PNG that is sent, at most `max_side_px` on the longer side."""
    height, width = pixels.shape[:2]
    scale = min(1.0, max_side_px / max(height, width))
    size = (_round(width * scale, max_side_px), _round(height * scale, max_side_px))
    drawn = pixels if size == (width, height) else cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return SentPicture(encode_png(np.asarray(drawn, np.uint8)), size, (width, height))


def _round(side_px: float, most_px: int) -> int:
    return max(_LEAST_PX, min(round(side_px / _STEP_PX), most_px // _STEP_PX) * _STEP_PX)
