"""A day's production of one generated product: how many parts of each kind, drawn and photographed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from core.demo.images.camera import Camera, Pixels, is_visible, outline_change
from core.demo.images.canvas import Field
from core.demo.images.records import DemoImage, Split

TRAIN_NORMALS, TEST_NORMALS = 60, 30
TRAIN_DEFECTS, TEST_DEFECTS = 8, 10

_JPEG_QUALITY = 94
_ATTEMPTS = 40
_THREADS = 2
_BATCH = 12


class Part(Protocol):
    """One piece of a product, with all of its natural variation fixed."""

    def render(self, flaw: str | None, rng: np.random.Generator, strength: float) -> Field:
        """Draw the part, in gray levels (H × W, or H × W × 3 as RGB).

        `flaw` is the code of the defect to add or None; `strength` runs from 0 (barely there) to 1 (obvious).
        """


class Maker(Protocol):
    """Makes a part from a random generator."""

    def __call__(self, rng: np.random.Generator) -> Part: ...


@dataclass(frozen=True)
class Production:
    """The recipe of a product's images. The same seed gives the same images, in the same order."""

    code: str
    defect_codes: tuple[str, ...]
    make: Maker
    seed: int
    file_format: Literal["png", "jpg"]
    exposure: float = 0.12

    def images(self, *, test_normals: int = TEST_NORMALS, test_defects: int = TEST_DEFECTS) -> Iterator[DemoImage]:
        """Yield normal and defective images of both splits; of a larger test split, the first are the same.

        `test_defects` counts those of each kind.
        """
        amounts: tuple[tuple[Split, int, int], ...] = (
            ("train", TRAIN_NORMALS, TRAIN_DEFECTS),
            ("test", test_normals, test_defects),
        )
        shots: list[tuple[Split, str | None, int]] = []
        for split, normals, defects in amounts:
            shots += [(split, None, index) for index in range(normals)]
            shots += [(split, code, index) for code in self.defect_codes for index in range(defects)]
        # Each image has seeds of its own, so that drawing several at once changes none of them.
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="demo-images") as pool:
            for start in range(0, len(shots), _BATCH):
                yield from pool.map(self._develop, shots[start : start + _BATCH])

    def photograph(
        self, split: Split, flaw: str | None, index: int, *, repaired: bool = False
    ) -> tuple[Pixels, Pixels | None]:
        """Draw part number `index` of a kind and photograph it: its pixels and its mask (None if normal).

        With `repaired` the pixels show the very same shot of the same part without its defect.
        """
        kind = 0 if flaw is None else 1 + self.defect_codes.index(flaw)
        key = [self.seed, 0 if split == "train" else 1, kind, index]
        rng = np.random.default_rng(key)
        part = self.make(rng)
        clean = part.render(None, rng, 0.0)
        camera = Camera.draw(rng, clean.shape, exposure=self.exposure)
        exposed = camera.expose(clean)
        if flaw is None:
            return camera.read_out(exposed), None
        strength = float(rng.uniform(0, 1))
        for attempt in range(_ATTEMPTS):
            marks = np.random.default_rng([*key, attempt])
            # A mark that fell where nobody could see it is tried elsewhere, and a little stronger.
            scene = part.render(flaw, marks, min(strength + attempt * 0.04, 1.0))
            damaged = camera.expose(scene)
            mask = outline_change(exposed, damaged)
            if is_visible(exposed, damaged, mask):
                return camera.read_out(exposed if repaired else damaged), mask
        raise RuntimeError(f"no visible {flaw} on {self.code} {split} {index}")

    def _develop(self, shot: tuple[Split, str | None, int]) -> DemoImage:
        split, flaw, index = shot
        pixels, mask = self.photograph(split, flaw, index)
        return DemoImage(
            name=f"{self.code}_{flaw or 'normal'}_{split}_{index + 1:03d}.{self.file_format}",
            split=split,
            defect_code=flaw,
            content=encode(pixels, self.file_format),
            mask_png=None if mask is None else encode(mask, "png"),
        )


def encode(pixels: NDArray[np.uint8], file_format: Literal["png", "jpg"]) -> bytes:
    """Encode gray (H × W) or RGB (H × W × 3) pixels as PNG, or as JPEG of quality 94 without subsampling."""
    ordered = pixels if pixels.ndim == 2 else np.ascontiguousarray(pixels[..., ::-1])
    options = [cv2.IMWRITE_PNG_COMPRESSION, 4]
    if file_format == "jpg":
        full_color = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444
        options = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, full_color]
    done, buffer = cv2.imencode(f".{file_format}", ordered, options)
    if not done:
        raise RuntimeError(f"OpenCV cannot write {file_format}")
    return bytes(buffer)
