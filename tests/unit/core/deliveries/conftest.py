"""A database with a product, and inspections without models: rows go through the outbox as an inspection's do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from core.access import Person
from core.catalog.products import create_product
from core.deliveries.outbox import Announcement, enqueue
from core.services import Services
from core.transactions import writing
from storage.tables import Inspection, ModelVersion, Product, ThresholdSetting

Announce = Callable[..., list[int]]


@pytest.fixture
def product(services: Services, engineer: Person) -> Product:
    return create_product(services, engineer, code="A-100", name="Part", description="")


@pytest.fixture
def announce(services: Services, product: Product) -> Announce:
    """Return a function that commits inspections of these verdicts with what is to be sent of them."""
    with writing(services) as session:
        bank = ModelVersion(
            kind="memory_bank",
            scope=f"product:{product.id}",
            product_id=product.id,
            number=3,
            model_name="patchcore",
            object_prefix="models/3/",
            manifest_sha256="0" * 64,
            fingerprint="0" * 64,
        )
        session.add(bank)
        session.flush()
        threshold = ThresholdSetting(
            model_version_id=bank.id, review_at=1.0, reject_at=2.0, method="percentile", reason=""
        )
        session.add(threshold)
        session.commit()

    def announce_all(*verdicts: str, commit: bool = True, **fields: Any) -> list[int]:
        rows = [
            Inspection(
                product_id=product.id,
                source="watch",
                original_name="part.png",
                image_key="i",
                thumbnail_key="t",
                heat_map_key="h",
                image_sha256="0" * 64,
                width_px=8,
                height_px=8,
                score=1.5,
                review_at=1.0,
                reject_at=2.0,
                memory_bank_version_id=bank.id,
                threshold_setting_id=threshold.id,
                verdict=verdict,
                final_verdict=verdict,
                **fields,
            )
            for verdict in verdicts
        ]
        with writing(services) as session:
            session.add_all(rows)
            session.flush()
            enqueue(session, [Announcement(row, product.code, bank.number, {}) for row in rows])
            if not commit:
                return []
            session.commit()
        return [row.id for row in rows]

    return announce_all
