"""The dashboard's figures: period, product, verdicts, types and open actions."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.access import Person
from core.analytics.dashboard import dashboard
from core.catalog import defect_types, products
from core.services import Services
from storage.tables import DefectType, Inspection, ModelVersion, Product, ThresholdSetting, utc_now


class Line:
    """Writes inspections of one product, as the inspection itself would."""

    def __init__(self, services: Services, product: Product) -> None:
        self._services = services
        self.product = product
        with services.database.unit_of_work() as session:
            version = ModelVersion(
                kind="memory_bank", scope=f"product:{product.id}", product_id=product.id, number=1, model_name="m",
                object_prefix="p", manifest_sha256="0", fingerprint="0",
            )  # fmt: skip
            session.add(version)
            session.flush()
            self.version_id = version.id
            threshold = ThresholdSetting(
                model_version_id=self.version_id, review_at=1.0, reject_at=2.0, method="percentile"
            )
            session.add(threshold)
            session.commit()
            self.threshold_id = threshold.id

    def inspect(
        self,
        verdict: str,
        *,
        suggested: DefectType | None = None,
        final: DefectType | None = None,
        action: str = "none",
        days_ago: float = 0,
    ) -> None:
        row = Inspection(
            product_id=self.product.id, created_at=utc_now() - timedelta(days=days_ago), source="upload",
            original_name="a.png", image_key="k", thumbnail_key="k", heat_map_key="k", image_sha256="0", width_px=1,
            height_px=1, score=1.0, review_at=1.0, reject_at=2.0, memory_bank_version_id=self.version_id,
            threshold_setting_id=self.threshold_id, verdict=verdict, final_verdict=verdict,
            suggested_defect_type_id=suggested.id if suggested else None,
            final_defect_type_id=final.id if final else None, action_status=action,
        )  # fmt: skip
        with self._services.database.unit_of_work() as session:
            session.add(row)
            session.commit()


@pytest.fixture
def casting(services: Services, engineer: Person) -> Line:
    return Line(services, products.create_product(services, engineer, name="Casting", code="casting"))


def test_an_empty_installation_has_an_empty_dashboard(services: Services) -> None:
    view = dashboard(services)
    assert (view.n_products, view.n_inspections, view.last_inspections, view.defects_by_type) == (0, 0, [], [])


def test_counts_by_verdict_and_period(services: Services, casting: Line) -> None:
    for verdict, days_ago in (("ok", 0), ("ok", 1), ("review", 1), ("reject", 2), ("reject", 40)):
        casting.inspect(verdict, days_ago=days_ago)
    view = dashboard(services, days=30)
    assert (view.n_inspections, view.n_defects, view.n_review) == (4, 1, 1)
    assert dashboard(services, days=60).n_defects == 2
    assert len(view.last_inspections) == 5  # the last ones, whenever they were
    (figures,) = view.per_product
    assert (figures.n_inspections, figures.n_defects) == (4, 1)
    assert figures.model_states["memory_bank"] == "none"


def test_defects_count_for_the_confirmed_type_else_the_suggested(
    services: Services, engineer: Person, casting: Line
) -> None:
    product_id = casting.product.id
    hole, burr = (
        defect_types.create_defect_type(services, engineer, product_id=product_id, code=code, name_ko=code)
        for code in ("hole", "burr")
    )
    casting.inspect("reject", suggested=hole)
    casting.inspect("reject", suggested=hole, final=burr)
    casting.inspect("reject", suggested=burr)
    casting.inspect("reject")
    casting.inspect("ok", suggested=hole)
    found = [
        (row.defect_type.code if row.defect_type else None, row.count) for row in dashboard(services).defects_by_type
    ]
    assert found[0] == ("burr", 2)
    assert sorted(found[1:], key=str) == [("hole", 1), (None, 1)]


def test_open_actions_stay_until_they_are_done(services: Services, casting: Line) -> None:
    for number in range(12):
        casting.inspect("reject", action="open", days_ago=100 + number)
    casting.inspect("reject", action="done")
    view = dashboard(services)
    assert (view.n_actions_open, view.n_actions_done, len(view.open_actions)) == (12, 1, 10)
    days = [line.inspection.created_at for line in view.open_actions]
    assert days == sorted(days, reverse=True)


def test_one_product_alone(services: Services, engineer: Person, casting: Line) -> None:
    other = Line(services, products.create_product(services, engineer, name="Other", code="other"))
    casting.inspect("ok")
    other.inspect("reject", action="open")
    view = dashboard(services, product_id=other.product.id)
    assert (view.n_products, view.n_inspections, view.n_actions_open) == (1, 1, 1)
    assert [line.product.code for line in view.last_inspections] == ["other"]
