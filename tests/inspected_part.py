"""A part that was inspected, with a manual index in use, as rows alone: for tests that need no model."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image as PillowImage

from core.access import Person
from core.catalog.defect_types import create_defect_type
from core.catalog.products import create_product
from core.inspections.stored_values import DefectRegion
from core.models.cache import ModelCache
from core.models.kinds import MANUAL_INDEX, MEMORY_BANK
from core.registry.versions import scope_of
from core.rollups.counting import count_new
from core.services import Services
from core.transactions import writing
from inference.language.passages import Passage
from inference.language.retrieval import Hit, Query, SearchResult
from inference.vision.images.decode import encode_map
from storage.tables import Inspection, Manual, ModelVersion, ThresholdSetting


class IndexOfPassages:
    """Finds the passages that it was given, whatever is asked, and keeps the questions."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self.passages = tuple(passages)
        self.asked: list[Query] = []

    def search(self, query: Query, *, k: int = 8) -> SearchResult:
        self.asked.append(query)
        hits = tuple(Hit(passage, 1.0, 1, 1) for passage in self.passages[:k])
        return SearchResult(hits, bool(hits))


def use_passages(monkeypatch: pytest.MonkeyPatch, passages: Sequence[Passage]) -> IndexOfPassages:
    """Let every manual index find `passages`."""
    index = IndexOfPassages(passages)
    monkeypatch.setattr(ModelCache, "manual_index", lambda _cache, _version: index)
    return index


def add_inspected_part(services: Services, person: Person, *, with_index: bool = True) -> int:
    """Add a bracket with a scratch, found as NG, and two manuals (1, 2) without files; return the inspection's id."""
    product = create_product(services, person, name="브래킷 *A*", code="bracket")
    defect = create_defect_type(
        services, person, product_id=product.id, code="scratch", name_ko="스크래치", name_en="Scratch"
    )
    picture = np.full((60, 80, 3), 120, np.uint8)
    out = io.BytesIO()
    PillowImage.fromarray(picture).save(out, "PNG")
    services.objects.put("inspections/part.png", out.getvalue())
    services.objects.put("inspections/part.heat", encode_map(np.full((15, 20), 30.0, np.float32)))
    with writing(services) as session:
        versions = [
            ModelVersion(
                kind=kind,
                scope=scope_of(product.id),
                product_id=product.id,
                number=1,
                state="active",
                active_key=f"{kind}:{scope_of(product.id)}",
                model_name="test",
                object_prefix="models/none",
                manifest_sha256="0" * 64,
                fingerprint="0" * 64,
            )
            for kind in ((MEMORY_BANK, MANUAL_INDEX) if with_index else (MEMORY_BANK,))
        ]
        session.add_all(versions)
        session.add_all(
            Manual(
                product_id=product.id,
                title=title,
                original_name=f"{title}.pdf",
                object_key=f"manuals/{title}.pdf",
                byte_size=1,
                content_sha256=str(number) * 64,
            )
            for number, title in enumerate(("브래킷 조치서", "Guide manual"), start=1)
        )
        session.flush()
        threshold = ThresholdSetting(model_version_id=versions[0].id, review_at=20.0, reject_at=25.0, method="manual")
        session.add(threshold)
        session.flush()
        row = Inspection(
            product_id=product.id,
            created_by=person.id,
            source="upload",
            original_name="part <1>.png",
            image_key="inspections/part.png",
            thumbnail_key="inspections/part.png",
            heat_map_key="inspections/part.heat",
            image_sha256="0" * 64,
            width_px=80,
            height_px=60,
            score=31.5,
            review_at=20.0,
            reject_at=25.0,
            memory_bank_version_id=versions[0].id,
            threshold_setting_id=threshold.id,
            regions=[DefectRegion(x=10, y=10, w=20, h=10, area=150, score=31.5).to_json()],
            verdict="reject",
            final_verdict="reject",
            suggested_defect_type_id=defect.id,
            suggestion_confidence=0.8,
            action_status="open",
            line="L2",
            serial="S-17",
        )
        session.add(row)
        count_new(session, [row])
        session.commit()
        return row.id
