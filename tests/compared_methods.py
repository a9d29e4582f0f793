"""A small product with views whose defects are bright spots, and methods that need no network to be compared on it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from sqlmodel import select

from core.access import Person
from core.catalog.defect_types import create_defect_type
from core.catalog.products import create_product
from core.comparisons.working import work_off
from core.errors import AppError, NotReady
from core.images.records import IncomingFile
from core.images.uploads import add_images
from core.jobs import claims
from core.methods.records import AskedSpec, MethodConfig, TrainingSet
from core.methods.registry import register, unregister
from core.services import Services
from inference.errors import ModelError
from inference.vision.comparison.predictions import Method, PredictedBox, Prediction
from storage.tables import Image, ProductView

SIZE_PX = (48, 40)
SPLITS = ("train", "train", "val", "test")


def _file(name: str, pixels: np.ndarray) -> IncomingFile:
    data = cv2.imencode(".png", pixels)[1].tobytes()
    return IncomingFile(name, lambda: data)


def draw(number: int, kind: str, view: str) -> tuple[np.ndarray, np.ndarray]:
    """Return a gray picture (H, W, 3) with noise, and where its spot is: spots show in CT, scratches in RGB alone."""
    generator = np.random.default_rng([number, len(view)])
    pixels = generator.integers(90, 110, (*SIZE_PX[::-1], 1)).repeat(3, axis=2).astype(np.uint8)
    mask = np.zeros(SIZE_PX[::-1], np.bool_)
    shown = (kind == "spot" and view in {"ct", ""}) or (kind == "scratch" and view in {"rgb", ""})
    if shown:
        y, x = 4 + number % 20, 6 + number % 25
        mask[y : y + 10, x : x + 12] = True
        pixels[mask] = 200 if kind == "spot" else 20
    return pixels, mask


def build_product(services: Services, person: Person, *, views: tuple[str, ...] = (), code: str = "spots") -> int:
    """Add a product of 16 good and 16 defective parts, each pictured in every view; return its id."""
    product = create_product(services, person, name="얼룩 판", name_en="Spotted plate", code=code)
    types = {
        name: create_defect_type(services, person, product_id=product.id, code=name, name_ko=korean, name_en=name).id
        for name, korean in (("spot", "반점"), ("scratch", "긁힘"))
    }
    with services.database.unit_of_work() as session:
        for place, view in enumerate(views):
            found_as = "internal" if view == "ct" else "external"
            session.add(
                ProductView(product_id=product.id, code=view, name=view.upper(), found_as=found_as, place=place)
            )
        session.commit()
    files: dict[tuple[str, str], list[IncomingFile]] = {}
    parts: dict[str, tuple[str, str]] = {}
    for number in range(32):
        kind = "good" if number < 16 else ("spot", "scratch")[number // 4 % 2]
        for view in views or ("",):
            pixels, mask = draw(number, kind, view)
            name = f"{number}{view}"
            own = files.setdefault((kind if mask.any() else "good", SPLITS[number % 4]), [])
            own.append(_file(f"{name}.png", pixels))
            if mask.any():
                own.append(_file(f"{name}_mask.png", mask.astype(np.uint8) * 255))
            parts[f"{name}.png"] = (f"part {number}", view)
    for (kind, split), own in files.items():
        for outcome in add_images(
            services, person, product_id=product.id, image_type="normal" if kind == "good" else "defect",
            defect_type_id=types.get(kind), split=split, files=own,
        ):  # fmt: skip
            assert outcome.outcome == "added", outcome
    with services.database.unit_of_work() as session:
        for row in session.exec(select(Image).where(Image.product_id == product.id)):
            row.part, row.view = parts[row.original_name]
            session.add(row)
        session.commit()
    return product.id


@dataclass(frozen=True)
class ToyConfig:
    """What a toy is asked with."""

    level: float = 100.0
    seed: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"level": self.level, "seed": self.seed}


class ToyMethod:
    """Measures how far the farthest pixel is from a gray level."""

    def __init__(self, name: str, level: float, asked: Callable[[], None]) -> None:
        self.name = name
        self._level = level
        self._asked = asked

    def predict(self, images: Sequence[np.ndarray]) -> list[Prediction]:
        """Return what it says of RGB images."""
        found = []
        for image in images:
            self._asked()
            away = np.abs(image.mean(axis=2).astype(np.float32) - self._level)
            score = float(cv2.blur(away, (5, 5)).max())
            bright = float(image.max()) > 150
            share = min(score / 60.0, 0.95)
            types = {"good": 1 - share, "spot" if bright else "scratch": share}
            y, x = np.unravel_index(int(away.argmax()), away.shape)
            boxes = (PredictedBox(float(x), float(y), 12.0, 10.0, score, max(types, key=lambda one: types[one])),)
            found.append(Prediction(score, types, boxes, away, "far from gray", ms=2.0))
        return found


class ToySpec(AskedSpec):
    """A toy that is asked without training; `calls` counts how often, and `fail` may raise at each."""

    names_types = True

    def __init__(self, name: str, *, obstacle: AppError | None = None) -> None:
        self.name = name
        self.title = "Toy"
        self.description = "A toy."
        self.calls = 0
        self.fail: Callable[[int], None] | None = None
        self._obstacle = obstacle

    def read_config(self, values: Mapping[str, Any]) -> MethodConfig:
        """Return the configuration. Raises as any does."""
        return ToyConfig(**values)

    def find_obstacle(self, services: Services) -> AppError | None:
        """Return what was given."""
        return self._obstacle

    def open(self, services: Services, training: TrainingSet, config: MethodConfig) -> Method:
        """Return the toy."""

        def asked() -> None:
            self.calls += 1
            if self.fail is not None:
                self.fail(self.calls)

        return ToyMethod(self.name, config.to_json()["level"], asked)


@contextmanager
def toy_methods() -> Iterator[dict[str, ToySpec]]:
    """Offer three toys for a while: one that works, one that fails at every image, one that lacks something."""

    def fail(_calls: int) -> None:
        raise ModelError("config_invalid", field="level", value=1)

    token = uuid.uuid4().hex[:6]
    specs = {
        "gray": ToySpec(f"gray-{token}"),
        "broken": ToySpec(f"broken-{token}"),
        "absent": ToySpec(f"absent-{token}", obstacle=NotReady("no_active_memory_bank", product="-")),
    }
    specs["broken"].fail = fail
    for spec in specs.values():
        register(spec)
    try:
        yield specs
    finally:
        for spec in specs.values():
            unregister(spec.name)


def work_next(services: Services) -> AppError | None:
    """Work the next job off in this process, as the child of a worker does."""
    claim = claims.claim_next(services, "tests", lease_s=600.0)
    assert claim is not None
    error = work_off(services, claim)
    claims.finish(services, claim, state="failed" if error else "succeeded", error=error)
    return error
