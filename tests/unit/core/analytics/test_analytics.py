"""The dashboard's figures: period, product, verdicts, types, images and open actions."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from core.access import Person
from core.analytics.dashboard import DashboardView, current_calendar, dashboard, today_of
from core.analytics.periods import Period, PeriodName
from core.catalog import defect_types, products
from core.rollups.counting import count_new
from core.rollups.rebuilding import ensure_counts
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
        person_id: int | None = None,
    ) -> None:
        row = Inspection(
            product_id=self.product.id, created_at=utc_now() - timedelta(days=days_ago), source="upload",
            created_by=person_id,
            original_name="a.png", image_key="k", thumbnail_key="k", heat_map_key="k", image_sha256="0", width_px=1,
            height_px=1, score=1.0, review_at=1.0, reject_at=2.0, memory_bank_version_id=self.version_id,
            threshold_setting_id=self.threshold_id, verdict=verdict, final_verdict=verdict,
            suggested_defect_type_id=suggested.id if suggested else None,
            final_defect_type_id=final.id if final else None, action_status=action,
        )  # fmt: skip
        with self._services.database.unit_of_work() as session:
            session.add(row)
            count_new(session, [row])
            session.commit()


def look(
    services: Services, period: PeriodName = "30d", *, product_id: int | None = None, first_of: int | None = None
) -> DashboardView:
    """Return the dashboard of a period that moves with today."""
    scope = Period(period).to_scope(today_of(current_calendar(services)), product_id=product_id)
    return dashboard(services, scope, first_of=first_of)


@pytest.fixture
def casting(services: Services, engineer: Person) -> Line:
    return Line(services, products.create_product(services, engineer, name="Casting", code="casting"))


def test_an_empty_installation_has_an_empty_dashboard(services: Services) -> None:
    view = look(services)
    assert (view.n_products, view.n_inspections, view.last_inspections, view.defects_by_type) == (0, 0, [], [])
    assert (view.first_at, view.oldest_open_at, view.counts.defect_rate) == (None, None, None)


def test_counts_by_verdict_and_period(services: Services, casting: Line) -> None:
    for verdict, days_ago in (("ok", 0), ("ok", 1), ("review", 1), ("reject", 2), ("reject", 40)):
        casting.inspect(verdict, days_ago=days_ago)
    view = look(services)
    assert (view.n_inspections, view.n_defects, view.n_review) == (4, 1, 1)
    assert look(services, "90d").n_defects == 2
    assert len(view.last_inspections) == 5  # the last ones, whenever they were
    (figures,) = view.per_product
    assert (figures.n_inspections, figures.n_defects) == (4, 1)
    assert figures.model_states["memory_bank"] == "none"
    assert view.all_time.n == 5


def test_the_period_before_is_as_long_and_ends_at_the_same_time_of_day(services: Services, casting: Line) -> None:
    for days_ago in (0, 30.0, 31, 60.01, 70):
        casting.inspect("reject", days_ago=days_ago)
    # A little later on the last day of the period before, which has not come yet in this one.
    casting.inspect("reject", days_ago=30 - 0.0005)
    view = look(services)
    assert view.before is not None
    assert (view.n_inspections, view.before.n, view.before.reject) == (1, 2, 2)


def test_all_time_has_no_period_before_and_is_drawn_from_the_first_inspection_on(
    services: Services, casting: Line
) -> None:
    for days_ago in (0, 5, 700):
        casting.inspect("ok", days_ago=days_ago)
    view = look(services, "all")
    assert (view.before, view.since, view.counts.n, view.all_time.n, view.step) == (None, None, 3, 3, "month")
    assert 23 <= len(view.steps) <= 25
    assert view.steps[0].counts.n == 1
    assert sum(group.counts.n for group in view.steps) == 3


@pytest.mark.parametrize(("period", "step", "steps"), [("today", "hour", 24), ("7d", "day", 7), ("90d", "day", 90)])
def test_steps_follow_the_length_of_the_period_and_empty_ones_are_there(
    services: Services, casting: Line, period: PeriodName, step: str, steps: int
) -> None:
    casting.inspect("ok")
    view = look(services, period)
    assert view.step == step
    assert steps - 1 <= len(view.steps) <= steps + 2  # of a day when clocks change, and where hours begin within


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
    other = Line(services, products.create_product(services, engineer, name="Other", code="other"))
    other.inspect("reject")
    found = [
        (row.product.code, row.defect_type.code if row.defect_type else None, row.count)
        for row in look(services).defects_by_type
    ]
    assert found[0] == ("casting", "burr", 2)
    # Those without a type are told by product, as those with one are.
    assert sorted(found[1:], key=str) == [("casting", "hole", 1), ("casting", None, 1), ("other", None, 1)]


def test_open_actions_stay_until_they_are_done_the_oldest_first(services: Services, casting: Line) -> None:
    for number in range(12):
        casting.inspect("reject", action="open", days_ago=100 + number)
    casting.inspect("reject", action="done")
    casting.inspect("reject", action="open")
    view = look(services)
    assert (view.n_actions_open, view.n_actions_done, view.n_actions_left) == (13, 1, 1)
    assert len(view.open_actions) == 10
    days = [line.inspection.created_at for line in view.open_actions]
    assert days == sorted(days)
    assert view.oldest_open_at == days[0]


def test_open_actions_are_counted_by_age(services: Services, casting: Line) -> None:
    for days_ago in (0.1, 0.9, 1.1, 3.1, 6.9, 7.1, 400):
        casting.inspect("reject", action="open", days_ago=days_ago)
    ages = look(services).open_by_age
    assert [(age.over_days, age.up_to_days, age.count) for age in ages] == [
        (7, None, 2),
        (3, 7, 2),
        (1, 3, 1),
        (0, 1, 2),
    ]
    assert ages[0].since is None
    assert ages[-1].before is None
    assert [later.since for later in ages[1:]] == [earlier.before for earlier in ages[:-1]]


def test_a_persons_own_open_actions_come_first(services: Services, engineer: Person, casting: Line) -> None:
    for days_ago in range(12):
        casting.inspect("reject", action="open", days_ago=10 + days_ago)
    casting.inspect("reject", action="open", person_id=engineer.id)
    mine = look(services, first_of=engineer.id).open_actions
    assert [line.inspection.created_by for line in mine[:2]] == [engineer.id, None]
    assert len(mine) == 10
    assert look(services).open_actions[0].inspection.created_by is None


def test_one_product_alone(services: Services, engineer: Person, casting: Line) -> None:
    other = Line(services, products.create_product(services, engineer, name="Other", code="other"))
    casting.inspect("ok")
    other.inspect("reject", action="open")
    view = look(services, product_id=other.product.id)
    assert (view.n_products, view.n_inspections, view.n_actions_open, view.all_time.n) == (1, 1, 1, 1)
    assert [line.product.code for line in view.last_inspections] == ["other"]
    assert {one.product.code for one in view.images_by_type} == {"other"}


def test_types_without_images_are_told(services: Services, engineer: Person, casting: Line) -> None:
    defect_types.create_defect_type(services, engineer, product_id=casting.product.id, code="hole", name_ko="기공")
    found = [
        (one.defect_type.code if one.defect_type else None, one.n_train, one.n_test)
        for one in look(services).images_by_type
    ]
    assert found == [(None, 0, 0), ("hole", 0, 0)]


def test_the_dashboard_asks_the_same_of_the_database_whatever_there_is(services: Services, engineer: Person) -> None:
    ensure_counts(services)
    statements: list[str] = []
    event.listen(Engine, "before_cursor_execute", note := lambda *call: statements.append(call[2]))

    def count(n_products: int) -> int:
        for number in range(n_products):
            code = f"p{n_products}-{number}"
            line = Line(services, products.create_product(services, engineer, name=code, code=code))
            for verdict in ("ok", "reject"):
                line.inspect(verdict, action="open" if verdict == "reject" else "none", days_ago=number)
        statements.clear()
        look(services, first_of=engineer.id)
        return sum(text.startswith("SELECT") for text in statements)

    try:
        assert count(1) == count(12)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
