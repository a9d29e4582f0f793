"""Trends over rows: groups, baselines, phases, scores, causes, yields, agreement and drift."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import event
from sqlmodel import select

from core.access import Person
from core.analytics.agreement import cohen_kappa, read_agreement
from core.analytics.causes import count_steps
from core.analytics.changes import list_changes
from core.analytics.drift import find_drift, measure_drift
from core.analytics.groups import count_groups
from core.analytics.scope import Scope
from core.analytics.score_trend import read_score_trend
from core.analytics.trend_filter import TrendFilter
from core.analytics.trends import read_trend
from core.analytics.yields import read_action_times, read_yields
from core.guidance.checklist import tick_step
from core.models.kinds import MEMORY_BANK
from core.registry.thresholds import save_thresholds
from core.registry.versions import scope_of
from core.reports.group_labels import read_group_names
from core.reports.layout import Words
from core.reports.trend_tables import drift_sheet, score_sheet
from core.services import Services
from storage.tables import Inspection, InspectionView, ModelVersion, Product, SystemConfig, ThresholdSetting
from tests.history_rows import add_product, add_rows, type_id
from tests.viewed_plates import add_view

TODAY = date(2026, 3, 31)
SCOPE = Scope(date(2026, 3, 1), TODAY)
NG: dict[str, Any] = {"verdict": "reject", "final_verdict": "reject"}


@pytest.fixture
def product(services: Services, engineer: Person) -> Product:
    with services.database.unit_of_work() as session:
        session.add(
            SystemConfig(
                key="plant_calendar",
                value={
                    "time_zone": "UTC",
                    "shifts": [{"name": "day", "starts_at": "06:00"}, {"name": "night", "starts_at": "18:00"}],
                },
            )
        )
        session.commit()
    return add_product(services, engineer)


def _at(day: int, hour: int = 12) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=UTC)


class Plant:
    """Writes inspections of one product on days of March 2026."""

    def __init__(self, services: Services, person: Person, product: Product) -> None:
        self.services, self.person, self.product = services, person, product

    def add(self, day: int, count: int = 1, *, hour: int = 12, **values: Any) -> list[int]:
        return add_rows(self.services, self.person, self.product, count, created_at=_at(day, hour), **values)

    def add_version(self, number: int, at: datetime) -> int:
        """Add a version that came into use at that moment; return its id."""
        with self.services.database.unit_of_work() as session:
            row = ModelVersion(
                kind=MEMORY_BANK, scope=scope_of(self.product.id), product_id=self.product.id, number=number,
                state="retired", model_name="test", object_prefix="models/none", manifest_sha256="5" * 64,
                fingerprint="0" * 64, activated_at=at,
            )  # fmt: skip
            session.add(row)
            session.flush()
            session.add(ThresholdSetting(model_version_id=row.id, review_at=20.0, reject_at=25.0, method="manual"))
            session.commit()
            return row.id


@pytest.fixture
def plant(services: Services, engineer: Person, product: Product) -> Plant:
    return Plant(services, engineer, product)


def _march(**values: Any) -> TrendFilter:
    return TrendFilter(period="custom", first_day=date(2026, 3, 1), last_day=TODAY, **values)


def test_days_without_inspections_are_no_points(services: Services, plant: Plant) -> None:
    for day in (2, 3, 5):
        plant.add(day, 4)
    plant.add(5, 1, **NG, regions=[{"x": 1}, {"x": 2}])
    trend = read_trend(services, _march(), today=TODAY)
    assert [group.key for group in trend.groups] == [date(2026, 3, day) for day in (2, 3, 5)]
    assert [point.value for point in trend.rate.points] == [0.0, 0.0, 0.2]
    assert [point.value for point in trend.regions.points] == [0.0, 0.0, 0.4]
    assert trend.rate.phases[0].method == "none"  # three days are too few


def test_the_rate_of_one_type_is_a_share_of_all_parts(services: Services, plant: Plant) -> None:
    scratch, hole = (type_id(services, plant.product, code) for code in ("scratch", "hole"))
    plant.add(2, 7)
    plant.add(2, 1, **NG, suggested_defect_type_id=scratch)
    plant.add(2, 2, **NG, suggested_defect_type_id=hole)
    trend = read_trend(services, _march(defect_type=scratch), today=TODAY)
    assert [point.value for point in trend.rate.points] == [0.1]
    assert (trend.n_rejected, trend.total.n) == (1, 10)


def test_shifts_follow_the_calendar_and_not_the_alphabet(services: Services, plant: Plant) -> None:
    plant.add(2, 1, hour=19)
    plant.add(2, 1, hour=7)
    plant.add(3, 1, hour=2)  # after midnight, of the night before
    trend = read_trend(services, _march(by="shift"), today=TODAY)
    assert [group.key for group in trend.groups] == [(date(2026, 3, 2), "day"), (date(2026, 3, 2), "night")]
    assert [group.counts.n for group in trend.groups] == [1, 2]


def test_a_new_threshold_begins_a_phase(services: Services, engineer: Person, plant: Plant) -> None:
    for day in range(1, 31):
        plant.add(day, 20)
        plant.add(day, 1 + day % 2 + (5 if day > 15 else 0), **NG)
    with services.database.unit_of_work() as session:
        version = session.get(ModelVersion, 1)
        assert version is not None
        row = ThresholdSetting(
            model_version_id=version.id, review_at=21.0, reject_at=26.0, method="manual", reason="dust",
            created_at=_at(15, 20),
        )  # fmt: skip
        session.add(row)
        session.commit()
    trend = read_trend(services, _march(product=plant.product.id), today=TODAY)
    assert [(one.what, one.reason) for one in trend.changes] == [("thresholds", "dust")]
    assert trend.change_places == (15,)
    assert [(phase.start, phase.stop) for phase in trend.rate.phases] == [(0, 15), (15, 30)]
    assert trend.rate.n_signals == 0
    whole = read_trend(services, _march(product=plant.product.id, limits="whole"), today=TODAY)
    assert len(whole.rate.phases) == 1
    assert whole.rate.n_signals > 0
    assert whole.changes == trend.changes  # still marked


def test_limits_of_a_baseline_outside_of_what_is_shown(services: Services, plant: Plant) -> None:
    for day in range(1, 21):
        plant.add(day, 50)
        plant.add(day, 2 + day % 2, **NG)
    plant.add(25, 50)
    plant.add(25, 30, **NG)
    wanted = TrendFilter(
        period="custom", first_day=date(2026, 3, 21), last_day=TODAY, limits="baseline",
        baseline_first=date(2026, 3, 1), baseline_last=date(2026, 3, 20),
    )  # fmt: skip
    trend = read_trend(services, wanted, today=TODAY)
    (point,) = trend.rate.points
    assert point.place == 0
    assert point.center == pytest.approx(50 / 1050)
    assert point.rules == ("beyond_3",)
    assert trend.rate.phases[0].n_points == 20


def test_thresholds_set_on_a_candidate_are_no_change(services: Services, engineer: Person, plant: Plant) -> None:
    second = plant.add_version(2, _at(10))
    third = plant.add_version(3, _at(20))
    with services.database.unit_of_work() as session:
        for version, day in ((third, 12), (third, 21), (second, 11)):
            session.add(
                ThresholdSetting(
                    model_version_id=version, review_at=1, reject_at=2, method="manual", created_at=_at(day)
                )
            )
        session.commit()
    found = [(one.what, one.number, one.at.day) for one in list_changes(services, plant.product.id)]
    assert found == [("model", 2, 10), ("thresholds", 2, 11), ("model", 3, 20), ("thresholds", 3, 21)]


def test_a_saved_threshold_names_who_and_why(services: Services, engineer: Person, plant: Plant) -> None:
    with services.database.reading() as session:
        threshold = session.get(ThresholdSetting, 1)
    assert threshold is not None
    save_thresholds(services, engineer, 1, 21.0, 26.0, reason="new lamp", seen_id=threshold.id)
    (change,) = list_changes(services, plant.product.id)
    assert (change.person_name, change.reason, change.review_at) == (engineer.display_name, "new lamp", 21.0)


def test_each_version_has_limits_of_its_own_for_its_scores(services: Services, plant: Plant) -> None:
    second = plant.add_version(2, _at(15))
    for day in range(1, 13):
        plant.add(day, 3, score=10.0 + day % 3)
    for day in range(12, 25):
        plant.add(day, 3, score=30.0 + day % 2, memory_bank_version_id=second)
    plant.add(12, 5, score=99.0, **NG)  # no good part
    trend = read_score_trend(services, _march(product=plant.product.id), today=TODAY)
    assert [point.version_number for point in trend.points] == [1] * 12 + [2] * 13
    first, last = trend.individuals.phases
    assert first.center == pytest.approx(np.mean([10.0 + day % 3 for day in range(1, 13)]))
    assert last.center == pytest.approx(np.mean([30.0 + day % 2 for day in range(12, 25)]))
    assert len(trend.ranges.points) == 11 + 12


def test_single_parts_are_shown_with_their_number(services: Services, plant: Plant) -> None:
    ids = plant.add(3, 12, score=11.0) + plant.add(4, 1, score=14.0)
    plant.add(3, 1, score=50.0, **NG)
    trend = read_score_trend(services, _march(product=plant.product.id, scores="parts"), today=TODAY)
    assert [point.inspection_id for point in trend.points] == ids
    night = read_score_trend(
        services, _march(product=plant.product.id, scores="parts", shift="night"), today=TODAY
    )  # fmt: skip
    assert night.points == ()


def _add_pictures(services: Services, numbers: list[int], scores: dict[str, list[float]]) -> None:
    """Add a picture of each view to inspections that keep a probability; the version of a view is its code's."""
    with services.database.unit_of_work() as session:
        versions = {row.view: row.id for row in session.exec(select(ModelVersion)).all()}
        for place, number in enumerate(numbers):
            row = session.get_one(Inspection, number)
            row.score = 0.03
            row.memory_bank_version_id = versions["ct" if place % 2 else "rgb"]  # of the view that decided
            session.add_all(
                InspectionView(
                    inspection_id=number, view=view, original_name="p.png", image_key="p", image_sha256="0" * 64,
                    width_px=8, height_px=8, verdict="ok", score=found[place], review_at=15.0, reject_at=20.0,
                    memory_bank_version_id=versions[view],
                )
                for view, found in scores.items()
            )  # fmt: skip
        session.commit()


@pytest.fixture
def two_views(services: Services, plant: Plant) -> dict[str, int]:
    """Return the versions of the two views of the product by their codes."""
    versions = {"rgb": 1, "ct": plant.add_version(2, _at(1))}
    with services.database.unit_of_work() as session:
        for code, number in versions.items():
            session.get_one(ModelVersion, number).view = code
        session.commit()
    add_view(services, plant.product.id, "rgb", found_as="external")
    add_view(services, plant.product.id, "ct", found_as="internal")
    return versions


@pytest.mark.parametrize("scores", ["means", "parts"])
def test_of_a_product_with_views_the_scores_of_one_view_are_charted(
    services: Services, plant: Plant, two_views: dict[str, int], scores: str
) -> None:
    numbers = [plant.add(day)[0] for day in range(2, 14)]
    rgb, ct = [20.0 + day % 3 for day in range(2, 14)], [7.0 + day % 2 for day in range(2, 14)]
    _add_pictures(services, numbers, {"rgb": rgb, "ct": ct})
    wanted = _march(product=plant.product.id, scores=scores)

    first = read_score_trend(services, wanted, today=TODAY)
    other = read_score_trend(services, replace(wanted, view="ct"), today=TODAY)
    of_version = read_score_trend(services, replace(wanted, version=two_views["ct"]), today=TODAY)

    assert [view.code for view in first.views] == ["rgb", "ct"]
    for trend, view, expected in ((first, "rgb", rgb), (other, "ct", ct), (of_version, "ct", ct)):
        assert trend.view is not None
        assert trend.view.code == view
        assert [point.value for point in trend.points] == pytest.approx(expected)
        assert {point.version_id for point in trend.points} == {two_views[view]}
        assert len(trend.individuals.phases) == 1  # whichever view decided
    (line, *_rest) = score_sheet(other, "day", read_group_names(services), Words("en", UTC)).rows
    assert "CT slice" in line


def test_scores_need_a_product(services: Services, plant: Plant) -> None:
    plant.add(3, 12)
    assert read_score_trend(services, _march(), today=TODAY).points == ()


def test_causes_are_counted_by_part(services: Services, engineer: Person, plant: Plant) -> None:
    ids = plant.add(2, 3, **NG)
    for number in ids:
        tick_step(services, engineer, number, section="cause", text="Worn nozzle")
    tick_step(services, engineer, ids[0], section="cause", text="Wet material.")
    tick_step(services, engineer, ids[1], section="cause", text="wet  material")
    tick_step(services, engineer, ids[0], section="action", text="Clean the nozzle")
    passed = plant.add(2, 1)
    tick_step(services, engineer, passed[0], section="cause", text="Worn nozzle")
    found = count_steps(services, SCOPE, "cause")
    assert [(step.text, step.count) for step in found.steps] == [("Worn nozzle", 3), ("wet  material", 2)]
    assert found.n_parts == 3
    assert count_steps(services, SCOPE, "action").n_parts == 1
    assert count_steps(services, Scope(None, TODAY, line="L9"), "cause").n_parts == 0


def test_a_part_passes_at_once_or_not(services: Services, plant: Plant) -> None:
    plant.add(2, 1, serial="A", line="L1")
    plant.add(3, 1, serial="A", line="L2")
    plant.add(2, 1, serial="B", line="L1", **NG)
    plant.add(3, 1, serial="B", line="L1")  # after rework
    plant.add(2, 1, serial="C", line="L1", verdict="reject", final_verdict="ok")  # a person let it pass
    plant.add(2, 2, line="L1")  # without a number: two parts
    plant.add(4, 1, serial="A", line="L1", **NG)  # a second look at a part that had passed
    found = read_yields(services, SCOPE)
    assert (found.total.n_parts, found.total.n_first_ok) == (5, 3)
    assert [(one.line, one.n_parts, one.n_first_ok) for one in found.lines] == [("L1", 5, 3), ("L2", 1, 1)]
    assert found.n_repeated == 3
    assert found.rolled == pytest.approx(0.6)
    assert read_yields(services, Scope(None, TODAY, line="L7")).total.share is None
    assert read_yields(services, Scope(None, TODAY, shift="night")).total.n_parts == 0


def test_time_to_action_by_type_and_line(services: Services, plant: Plant) -> None:
    scratch = type_id(services, plant.product, "scratch")
    for minutes in (10, 20, 30):
        plant.add(
            2, 1, **NG, action_status="done", action_at=_at(2) + timedelta(minutes=minutes), line="L1",
            final_defect_type_id=scratch,
        )  # fmt: skip
    plant.add(2, 1, **NG, action_status="open", action_at=_at(3))
    found = read_action_times(services, SCOPE)
    assert found.total is not None
    assert (found.total.n, found.total.median_s) == (3, 1200.0)
    assert found.total.p90_s == pytest.approx(1680.0)
    assert set(found.by_type) == {scratch}
    assert set(found.by_line) == {"L1"}
    assert read_action_times(services, Scope(None, TODAY, line="L2")).total is None


def test_a_suggested_type_that_a_person_refused_counts_nowhere(
    services: Services, product: Product, plant: Plant
) -> None:
    scratch = type_id(services, product, "scratch")
    closed: dict[str, Any] = {**NG, "action_status": "done", "action_at": _at(3), "suggested_defect_type_id": scratch}
    plant.add(2, 1, **closed, confirmed_at=_at(2))
    plant.add(2, 1, **closed)
    assert set(read_action_times(services, SCOPE).by_type) == {None, scratch}
    of_type = Scope(SCOPE.first, TODAY, defect_type_id=scratch)
    found = read_action_times(services, of_type).total
    assert found is not None
    assert found.n == 1
    assert sum(group.counts.n for group in count_groups(services, of_type)) == 1


def test_people_and_the_model_agree_over_what_people_have_judged(services: Services, plant: Plant) -> None:
    plant.add(2, 9)  # nobody looked
    plant.add(2, 4, **NG, confirmed_at=_at(2))
    plant.add(2, 2, **NG, action_status="done")
    plant.add(2, 3, verdict="reject", final_verdict="ok")
    plant.add(2, 2, verdict="ok", final_verdict="reject")
    plant.add(2, 6, verdict="review", final_verdict="ok", review_state="done")
    plant.add(2, 5, verdict="ok", final_verdict="ok", review_state="done")
    found = read_agreement(services, SCOPE)
    assert found.table == ((5, 0, 2), (6, 0, 0), (3, 0, 6))
    assert found.n_judged == 22
    assert found.kappa.n == 16
    assert found.kappa.value == pytest.approx(cohen_kappa([[5, 2], [3, 6]]).value)


def test_kappa_of_published_examples() -> None:
    # Fleiss, Statistical Methods for Rates and Proportions: diagnoses of 100 people by two raters.
    found = cohen_kappa([[75, 1, 4], [5, 4, 1], [0, 0, 10]])
    assert found.value == pytest.approx(0.68, abs=0.005)
    assert found.low is not None
    assert (found.value or 0) - found.low == pytest.approx(1.96 * 0.087, abs=0.003)
    assert cohen_kappa([[20, 5], [10, 15]]).value == pytest.approx(0.4)
    assert cohen_kappa([[45, 15], [25, 15]]).value == pytest.approx(0.1304, abs=1e-4)
    assert cohen_kappa([[25, 35], [5, 35]]).value == pytest.approx(0.2593, abs=1e-4)


def test_kappa_agrees_with_scikit_learn_and_its_interval_with_resampling() -> None:
    from sklearn.metrics import cohen_kappa_score

    rng = np.random.default_rng(5)
    mine = rng.integers(0, 3, 400)
    theirs = np.where(rng.random(400) < 0.7, mine, rng.integers(0, 3, 400))
    table = np.zeros((3, 3))
    np.add.at(table, (mine, theirs), 1)
    found = cohen_kappa(table)
    assert found.value == pytest.approx(cohen_kappa_score(mine, theirs))
    drawn = rng.multinomial(400, table.ravel() / 400, 2_000).reshape(-1, 3, 3)
    low, high = np.percentile([cohen_kappa(one).value for one in drawn], [2.5, 97.5])
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.015)


@pytest.mark.parametrize("table", [[[0, 0], [0, 0]], [[12, 0], [0, 0]]])
def test_kappa_says_nothing_without_a_difference(table: list[list[int]]) -> None:
    assert cohen_kappa(table).value is None


def _calibrate(services: Services, scores: list[float], *, keep: bool = True) -> None:
    with services.database.unit_of_work() as session:
        version = session.get(ModelVersion, 1)
        threshold = session.get(ThresholdSetting, 1)
        assert version is not None
        assert threshold is not None
        growth = {
            "revision": 1, "normals_sha256": "0", "n_whole": 1, "n_since_whole": 0, "whole_radius": 1.0,
            "normal_scores": {f"image:{number}": score for number, score in enumerate(scores)},
        }  # fmt: skip
        version.sources = {"normal_ids": [], "growth": growth} if keep else {}
        threshold.figures = {
            "n_normal": len(scores), "normal_mean": float(np.mean(scores)), "normal_std": float(np.std(scores)),
        }  # fmt: skip
        session.add_all([version, threshold])
        session.commit()


def _add_scores(plant: Plant, scores: list[float]) -> None:
    with plant.services.database.unit_of_work() as session:
        for place, number in enumerate(plant.add(30, len(scores))):
            row = session.get(Inspection, number)
            assert row is not None
            row.score = scores[place]
        session.commit()


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize(("factor", "outcome"), [(1.0, "none"), (1.12, "rise"), (0.88, "fall")])
def test_drift_is_found_and_named(services: Services, plant: Plant, factor: float, outcome: str, keep: bool) -> None:
    rng = np.random.default_rng(2)
    _calibrate(services, rng.normal(10, 0.8, 150).tolist(), keep=keep)
    _add_scores(plant, (factor * rng.normal(10, 0.8, 120)).tolist())
    (found,) = measure_drift(services, now=_at(31))
    assert (found.outcome, found.is_summary, found.n_recent) == (outcome, not keep, 120)
    assert found.change == pytest.approx(factor - 1, abs=0.03)
    assert found.p_value is not None
    assert (found.p_value < 0.001) == (outcome != "none")
    assert [one.outcome for one in find_drift(services, now=_at(31))] == ([outcome] if outcome != "none" else [])


def test_another_shape_is_found_where_the_middle_stays(services: Services, plant: Plant) -> None:
    rng = np.random.default_rng(2)
    _calibrate(services, rng.normal(10, 0.2, 200).tolist())
    _add_scores(plant, rng.normal(10, 2.0, 200).tolist())
    (found,) = find_drift(services, now=_at(31))
    assert found.outcome == "shape"


def test_a_trifle_is_no_drift_however_certain(services: Services, plant: Plant) -> None:
    _calibrate(services, [10 + number / 1000 for number in range(400)])
    _add_scores(plant, [10.1 + number / 500 for number in range(100)])
    (found,) = measure_drift(services, now=_at(31))
    assert not found.has_drifted


def test_few_parts_old_ones_and_other_versions_say_nothing(services: Services, plant: Plant) -> None:
    _calibrate(services, [10.0 + number / 10 for number in range(50)])
    second = plant.add_version(2, _at(1))
    plant.add(2, 100, score=19.0)  # four weeks ago
    plant.add(30, 20, score=19.0)
    plant.add(30, 100, score=19.0, memory_bank_version_id=second)
    (found,) = measure_drift(services, now=_at(31))
    assert (found.outcome, found.n_recent) == ("too_few", 20)
    assert find_drift(services, now=_at(31)) == []


@pytest.mark.parametrize(("factor", "outcome"), [(1.0, "none"), (1.12, "rise")])
def test_a_product_with_views_drifts_view_by_view(
    services: Services, plant: Plant, factor: float, outcome: str
) -> None:
    rng = np.random.default_rng(2)
    _calibrate(services, rng.normal(10, 0.8, 150).tolist())
    add_view(services, plant.product.id, "ct", found_as="internal")
    numbers = plant.add(30, 120)
    with services.database.unit_of_work() as session:
        session.get_one(ModelVersion, 1).view = "ct"
        # What the views come to together is a probability: compared with distances it would have fallen to nothing.
        for number, score in zip(numbers, factor * rng.normal(10, 0.8, 120), strict=True):
            row = session.get_one(Inspection, number)
            row.score, row.review_at, row.reject_at = 0.03, 0.1, 0.2
            session.add(
                InspectionView(
                    inspection_id=number, view="ct", original_name="p.png", image_key="p", image_sha256="0" * 64,
                    width_px=8, height_px=8, verdict="ok", score=float(score), review_at=15.0, reject_at=20.0,
                    memory_bank_version_id=1,
                )
            )  # fmt: skip
        session.commit()
    (found,) = measure_drift(services, now=_at(31))
    assert (found.outcome, found.n_recent, found.view and found.view.code) == (outcome, 120, "ct")
    assert found.change == pytest.approx(factor - 1, abs=0.03)
    (line,) = drift_sheet([found], Words("en", UTC)).rows
    assert str(line[0]).endswith(" · CT slice")


def test_the_bank_of_the_whole_product_is_not_compared_once_it_has_views(services: Services, plant: Plant) -> None:
    _calibrate(services, [10 + number / 100 for number in range(100)])
    _add_scores(plant, [20.0] * 60)
    add_view(services, plant.product.id, "ct", found_as="internal")
    assert measure_drift(services, now=_at(31)) == []


def test_the_drift_of_many_products_takes_a_fixed_number_of_statements(
    services: Services, engineer: Person, plant: Plant
) -> None:
    for number in range(3):
        other = add_product(services, engineer, code=f"other{number}")
        add_rows(services, engineer, other, 40, created_at=_at(30))
    with services.database.reading() as session:
        engine = session.get_bind().engine
    said: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *args: said.append(args[2]))
    assert len(measure_drift(services, now=_at(31))) == 4
    assert sum("SELECT" in one for one in said) == 4


def test_hours_are_those_of_the_last_month_and_totals_of_all(services: Services, plant: Plant) -> None:
    plant.add(1, 3, hour=12)
    plant.add(1, 1, hour=12, **NG, regions=[{"x": 1}])
    plant.add(31, 2, hour=10)
    year = TrendFilter(period="custom", first_day=date(2025, 4, 15), last_day=date(2026, 4, 15), by="hour")
    trend = read_trend(services, year, today=TODAY)
    assert [group.key for group in trend.groups] == [_at(31, 9), _at(31, 10)]  # a minute apart, the last one at ten
    assert (trend.total.n, trend.n_rejected, trend.n_regions) == (6, 1, 1)
    assert trend.hours_from == date(2026, 3, 16)
    assert read_trend(services, _march(by="hour"), today=TODAY).hours_from is None


def test_types_are_shares_of_all_parts(services: Services, plant: Plant) -> None:
    scratch = type_id(services, plant.product, "scratch")
    plant.add(2, 8)
    plant.add(2, 2, **NG, suggested_defect_type_id=scratch)
    trend = read_trend(services, _march(by="type"), today=TODAY)
    assert [(group.key, point.value) for group, point in zip(trend.groups, trend.rate.points, strict=True)] == [
        (scratch, 0.2)
    ]
    assert (trend.total.n, trend.total.ok) == (10, 8)
    assert trend.rate.phases[0].method == "none"
