"""The toy product with inspections that version 1 made, and a version 2 that scores each place by a factor of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from sqlmodel import select

from core.access import Person
from core.accounts.people import open_person
from core.catalog.products import find_product
from core.inspections.inspection import inspect
from core.models.cache import ModelCache
from core.models.kinds import MEMORY_BANK
from core.registry.versions import scope_of
from core.services import Services, build_services
from core.transactions import reading, writing
from storage.tables import ModelVersion, Product, ThresholdSetting
from tests.plates import copy_data, encode, folder_settings, plate, seed_of
from tests.toy_models import REJECT_AT, REVIEW_AT, ToyDetection, ToyDetector, ToyModels, build_toy_folder


class ScaledDetector(ToyDetector):
    """Scores by a factor, and counts the images that it looked at."""

    def __init__(self, nearest_key: str, factor: float) -> None:
        super().__init__(nearest_key)
        self.factor = factor
        self.n_looks = 0

    def inspect(self, image: Any) -> ToyDetection:
        self.n_looks += 1
        found = super().inspect(image)
        return replace(found, score=found.score * self.factor, anomaly_map=found.anomaly_map * np.float32(self.factor))


class ScaledModels(ToyModels):
    """Opens a detector of its own for each version number; `factors` by number, 1 for the others."""

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self.factors = {2: 0.3}
        self.detectors: dict[int, ScaledDetector] = {}

    def memory_bank(self, version: ModelVersion) -> ToyDetector:
        if version.number not in self.detectors:
            self.detectors[version.number] = ScaledDetector("image:1", self.factors.get(version.number, 1.0))
        return self.detectors[version.number]

    def looks(self, number: int) -> int:
        """Return how many images the version of this number has looked at."""
        return self.detectors[number].n_looks if number in self.detectors else 0


@dataclass(frozen=True)
class Line:
    """The product, its versions 1 (in use) and 2 (a candidate), and three inspections: a good part and two defects."""

    services: Services
    models: ScaledModels
    product: Product
    engineer: Person
    active_id: int
    candidate_id: int
    good_id: int
    spot_id: int
    scratch_id: int


@pytest.fixture(scope="session")
def toy_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data_dir = tmp_path_factory.mktemp("replay") / "data"
    build_toy_folder(data_dir)
    return data_dir


@pytest.fixture
def line(toy_template: Path, tmp_path: Path) -> Iterator[Line]:
    services = build_services(folder_settings(copy_data(toy_template, tmp_path / "line")))
    models = ScaledModels(services)
    services = replace(services, models=cast(ModelCache, models))
    product = find_product(services, "plate")
    worker = open_person(services, "worker")
    ids = {}
    for kind in ("good", "spot", "scratch"):
        data = encode(plate(seed_of("test", kind, 50), kind))
        shown = inspect(services, worker, product_id=product.id, data=data, file_name=f"{kind}.png")
        ids[kind] = shown.record.id
    with reading(services) as session:
        active = session.exec(select(ModelVersion).where(ModelVersion.kind == MEMORY_BANK)).one()
    candidate_id = add_version(services, active, 2)
    for detector in models.detectors.values():
        detector.n_looks = 0
    yield Line(
        services,
        models,
        product,
        open_person(services, "engineer"),
        active.id,
        candidate_id,
        ids["good"],
        ids["spot"],
        ids["scratch"],
    )
    services.database.dispose()


def add_version(services: Services, like: ModelVersion, number: int, state: str = "candidate") -> int:
    """Add a memory bank with the thresholds of the toys; return its id."""
    with writing(services) as session:
        version = ModelVersion(
            kind=MEMORY_BANK,
            scope=scope_of(like.product_id or 0),
            product_id=like.product_id,
            number=number,
            state=state,
            model_name="toy",
            object_prefix=f"models/{number}/",
            manifest_sha256=str(number) * 64,
            fingerprint="1" * 64,
            preprocessing=dict(like.preprocessing),
        )
        session.add(version)
        session.flush()
        session.add(
            ThresholdSetting(model_version_id=version.id, review_at=REVIEW_AT, reject_at=REJECT_AT, method="percentile")
        )
        session.commit()
        return version.id
