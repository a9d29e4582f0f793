"""Scored test images: as values alone, and as the stored measurement of a memory bank, without any model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlmodel import col, func, select

from core.model_report.records import ScoredImage
from core.models.detection_figures import DetectionFigures
from core.models.kinds import MEMORY_BANK
from core.registry.test_scores import ImageScore, read_test_fingerprint, save_measurement
from core.registry.versions import scope_of
from core.services import Services
from core.transactions import writing
from storage.tables import ModelVersion, Product, ThresholdSetting


def image(score: float, code: str | None = None, *, part: str = "", number: int = 0, **values: Any) -> ScoredImage:
    """Return a scored image; without a part it is one of its own."""
    name = f"{code or 'good'}_{number}_{score:g}"
    return ScoredImage(number, f"{name}.png", f"{name:0>64}"[-64:], part or name, code, score, **values)


def images(good: Sequence[float], defect: Sequence[float], code: str = "scratch") -> list[ScoredImage]:
    """Return images of these scores, each a part of its own, in order of score."""
    found = [image(score, number=number) for number, score in enumerate(good)]
    found += [image(score, code, number=1000 + number) for number, score in enumerate(defect)]
    return sorted(found, key=lambda one: one.score)


def add_version(services: Services, product: Product, *, review_at: float = 20.0, reject_at: float = 25.0) -> int:
    """Add a further memory bank of the product, a candidate whose files are said to be there; return its id."""
    with writing(services) as session:
        last = session.exec(
            select(func.max(ModelVersion.number)).where(col(ModelVersion.product_id) == product.id)
        ).one()
        version = ModelVersion(
            kind=MEMORY_BANK,
            scope=scope_of(product.id),
            product_id=product.id,
            number=int(last or 0) + 1,
            model_name="test",
            object_prefix="models/none",
            manifest_sha256="5" * 64,
            fingerprint="0" * 64,
        )
        session.add(version)
        session.flush()
        session.add(
            ThresholdSetting(model_version_id=version.id, review_at=review_at, reject_at=reject_at, method="percentile")
        )
        session.commit()
        return version.id


def measure_as(
    services: Services, version_id: int, scored: Sequence[ScoredImage], figures: DetectionFigures | None = None
) -> None:
    """Store these scores as the measurement of the version, on the test images that its product has now."""
    with writing(services) as session:
        version = session.get(ModelVersion, version_id)
        assert version is not None
        assert version.product_id is not None
        fingerprint, _count = read_test_fingerprint(session, version.product_id)
        rows = [
            ImageScore(
                one.image_id or 0,
                one.name,
                one.content_sha256,
                one.part,
                one.defect_type,
                one.score,
                one.has_mask,
                one.pixel_auroc,
            )
            for one in scored
        ]
        found = figures or DetectionFigures(n_normal=1, n_defect=1)
        save_measurement(session, version_id, replace(found, test_fingerprint=fingerprint), rows)
        session.commit()
