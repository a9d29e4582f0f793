"""Inspections as rows alone, for tests of what is looked up, counted and decided."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import select

from core.access import Person
from core.catalog.defect_types import create_defect_type
from core.catalog.products import create_product
from core.models.kinds import MEMORY_BANK
from core.registry.versions import scope_of
from core.rollups.counting import count_new
from core.services import Services
from storage.tables import DefectType, Inspection, ModelVersion, Product, ThresholdSetting, utc_now


def add_product(services: Services, person: Person, *, code: str = "bracket") -> Product:
    """Add a product with two defect types, `scratch` and `hole`, and a memory bank without files."""
    product = create_product(services, person, name=code.title(), code=code)
    for defect, name in (("scratch", "스크래치"), ("hole", "기공")):
        create_defect_type(services, person, product_id=product.id, code=defect, name_ko=name, name_en=defect.title())
    with services.database.unit_of_work() as session:
        version = ModelVersion(
            kind=MEMORY_BANK,
            scope=scope_of(product.id),
            product_id=product.id,
            number=1,
            state="active",
            active_key=f"{MEMORY_BANK}:{scope_of(product.id)}",
            model_name="test",
            object_prefix="models/none",
            manifest_sha256="5" * 64,
            fingerprint="0" * 64,
        )
        session.add(version)
        session.flush()
        session.add(ThresholdSetting(model_version_id=version.id, review_at=20.0, reject_at=25.0, method="manual"))
        session.commit()
    return product


def type_id(services: Services, product: Product, code: str) -> int:
    """Return the id of a product's defect type."""
    with services.database.reading() as session:
        return next(
            row.id for row in session.exec(select(DefectType)).all() if (row.product_id, row.code) == (product.id, code)
        )


def add_rows(services: Services, person: Person, product: Product, count: int = 1, **values: Any) -> list[int]:
    """Add so many inspections of the product, a minute apart and the last one now; return their ids, oldest first.

    `values` are the columns that differ from a plain OK part.
    """
    now: datetime = values.pop("created_at", utc_now())
    with services.database.unit_of_work() as session:
        version = next(row for row in session.exec(select(ModelVersion)).all() if row.product_id == product.id)
        threshold = next(
            row for row in session.exec(select(ThresholdSetting)).all() if row.model_version_id == version.id
        )
        rows = []
        for number in range(count):
            row = Inspection(
                product_id=product.id,
                created_at=now - timedelta(minutes=count - 1 - number),
                created_by=person.id,
                source="upload",
                original_name=f"part_{number}.png",
                image_key="inspections/part.png",
                thumbnail_key="inspections/part.png",
                heat_map_key="inspections/part.heat",
                image_sha256="0" * 64,
                width_px=80,
                height_px=60,
                score=10.0,
                review_at=20.0,
                reject_at=25.0,
                memory_bank_version_id=version.id,
                threshold_setting_id=threshold.id,
                verdict="ok",
                final_verdict="ok",
            )
            for name, value in values.items():
                setattr(row, name, value)
            rows.append(row)
        session.add_all(rows)
        count_new(session, rows)
        session.commit()
        return [row.id for row in rows]
