"""The pills that are photographed: so many pieces of each kind, both faces of each, in the studio or by a phone."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np

from core.demo.images.pills.designs import PillDesign
from core.demo.images.pills.kinds import DESIGNS
from core.demo.images.pills.photographs import Domain, Photograph, take
from core.demo.images.records import DemoImage, Split

# How many pieces of each kind are pictured, by domain and split; each gives two pictures.
AMOUNTS: tuple[tuple[Domain, Split, int], ...] = (
    ("studio", "train", 4), ("studio", "val", 1), ("studio", "test", 1),
    ("field", "train", 3), ("field", "val", 1), ("field", "test", 1),
)  # fmt: skip
_SEED = 2404
_DOMAINS: tuple[Domain, ...] = ("studio", "field")
_LETTERS: dict[Domain, str] = {"studio": "S", "field": "F"}
_THREADS = 2
_BATCH = 16


@dataclass(frozen=True)
class Pill:
    """One piece: its kind, where it is pictured, and its number among those of its kind there."""

    design: PillDesign
    domain: Domain
    split: Split
    number: int
    seed: int = _SEED

    @property
    def name(self) -> str:
        """Return the number of the piece."""
        return f"{self.design.code.upper()}-{_LETTERS[self.domain]}{self.number:02d}"


def list_pills(amounts: tuple[tuple[Domain, Split, int], ...] = AMOUNTS, *, seed: int = _SEED) -> tuple[Pill, ...]:
    """Return the pieces, kind by kind; another `seed` makes pieces and pictures never seen."""
    pills: list[Pill] = []
    for design in DESIGNS:
        numbers = dict.fromkeys(_DOMAINS, 0)
        for domain, split, count in amounts:
            for _ in range(count):
                numbers[domain] += 1
                pills.append(Pill(design, domain, split, numbers[domain], seed))
    return tuple(pills)


def picture(pill: Pill, *, is_front: bool) -> Photograph:
    """Photograph one face of a piece."""
    key = [pill.seed, DESIGNS.index(pill.design), _DOMAINS.index(pill.domain), pill.number]
    piece, shot = np.random.default_rng([*key, 0]), np.random.default_rng([*key, 1 if is_front else 2])
    return take(pill.design, is_front, pill.domain, piece, shot)


def draw_images() -> Iterator[DemoImage]:
    """Yield both faces of every piece, the same bytes in the same order at each call."""
    wanted = [(pill, is_front) for pill in list_pills() for is_front in (True, False)]
    # Each picture has seeds of its own, so that drawing several at once changes none of them.
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="demo-images") as pool:
        for start in range(0, len(wanted), _BATCH):
            yield from pool.map(_develop, wanted[start : start + _BATCH])


def _develop(wanted: tuple[Pill, bool]) -> DemoImage:
    pill, is_front = wanted
    return DemoImage(
        name=f"{pill.name}_{'front' if is_front else 'back'}.jpg",
        split=pill.split,
        defect_code=None,
        content=_encode(picture(pill, is_front=is_front)),
        mask_png=None,
        part=pill.name,
        kind=pill.design.code,
        domain=pill.domain,
    )


def _encode(photograph: Photograph) -> bytes:
    ordered = np.ascontiguousarray(photograph.pixels[..., ::-1])
    done, buffer = cv2.imencode(".jpg", ordered, [cv2.IMWRITE_JPEG_QUALITY, photograph.quality])
    if not done:
        raise RuntimeError("OpenCV cannot write JPEG files")
    return bytes(buffer)
