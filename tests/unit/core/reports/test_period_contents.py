"""The figures of a period report, against the rows they are counted from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.access import Person
from core.errors import AppError
from core.reports.period.as_json import to_json
from core.reports.period.contents import MOST_PARTS, PeriodContents, gather
from core.reports.period.file_names import make_slug, name_report
from core.reports.period.request import PeriodChoice, ReportRequest, list_recent_lots, make_request
from core.reports.period.wording import list_notes, words_of
from core.rollups.calendar import KEY
from core.services import Services
from storage.tables import ChecklistTick, Product, SystemConfig, ThresholdSetting
from tests.history_rows import add_product, add_rows, type_id

NOON = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)  # 12:00 in Seoul, in the day shift
NIGHT = datetime(2026, 11, 26, 17, 0, tzinfo=UTC)  # 02:00 on the 27th, in the night shift of the 26th
LATER = datetime(2026, 11, 28, 0, 0, tzinfo=UTC)


@pytest.fixture
def plant(services: Services) -> Services:
    """Return services of a plant in Seoul with two shifts."""
    shifts = [{"name": "Day", "starts_at": "06:00"}, {"name": "Night", "starts_at": "18:00"}]
    with services.database.unit_of_work() as session:
        session.add(SystemConfig(key=KEY, value={"time_zone": "Asia/Seoul", "shifts": shifts}))
        session.commit()
    return services


@pytest.fixture
def product(plant: Services, engineer: Person) -> Product:
    return add_product(plant, engineer)


def _gather(services: Services, now: datetime = LATER, **choice: Any) -> PeriodContents:
    day = choice.pop("day", NOON.date() if choice.get("kind") != "lot" else None)
    request = make_request(services, PeriodChoice(day=day, **choice), language="en", now=now)
    return gather(services, request, made_by="Kim", now=now)


def _notes(contents: PeriodContents) -> str:
    return "\n".join(list_notes(contents, words_of(contents)))


def test_a_day_counts_what_people_decided_and_compares_with_the_day_before(
    plant: Services, engineer: Person, product: Product
) -> None:
    add_rows(plant, engineer, product, 5, created_at=NOON)
    add_rows(plant, engineer, product, 2, created_at=NIGHT, verdict="reject", final_verdict="reject")
    add_rows(plant, engineer, product, 1, created_at=NOON, verdict="reject")  # a person said that it is OK
    add_rows(plant, engineer, product, 1, created_at=NOON, verdict="review", final_verdict="review")
    add_rows(plant, engineer, product, 4, created_at=NOON - timedelta(days=1))
    found = _gather(plant, kind="day")
    counts = found.figures.counts
    assert (counts.n, counts.ok, counts.review, counts.reject, counts.overridden) == (9, 6, 1, 2, 1)
    assert counts.defect_rate == pytest.approx(2 / 9)
    assert found.before is not None
    assert (found.before.counts.n, found.before.counts.reject) == (4, 0)
    assert to_json(found)["figures"]["inspections"] == 9


def test_a_night_shift_has_what_was_inspected_after_midnight(
    plant: Services, engineer: Person, product: Product
) -> None:
    add_rows(plant, engineer, product, 3, created_at=NOON)
    add_rows(plant, engineer, product, 2, created_at=NIGHT)
    night = _gather(plant, kind="shift", shift="Night")
    assert night.figures.counts.n == 2
    assert night.before is not None
    assert night.before.counts.n == 3  # the day shift that ran before it


def test_the_shift_that_was_noted_counts_before_the_clock(plant: Services, engineer: Person, product: Product) -> None:
    add_rows(plant, engineer, product, 2, created_at=NOON, shift="Night")
    add_rows(plant, engineer, product, 1, created_at=NOON, verdict="reject", final_verdict="reject", shift="Night")
    night, day = _gather(plant, kind="shift", shift="Night"), _gather(plant, kind="shift", shift="Day")
    assert (night.figures.counts.n, len(night.parts), night.figures.first_pass.n) == (3, 1, 3)
    assert (day.figures.counts.n, day.is_empty) == (0, True)


def test_product_line_and_lot_narrow_it(plant: Services, engineer: Person, product: Product) -> None:
    other = add_product(plant, engineer, code="cover")
    add_rows(plant, engineer, product, 3, created_at=NOON, line="L1", lot="A")
    add_rows(plant, engineer, product, 2, created_at=NOON, line="L2", lot="A")
    add_rows(plant, engineer, other, 1, created_at=NOON, line="L1", lot="B")
    assert _gather(plant, kind="day", product=product.id).figures.counts.n == 5
    assert _gather(plant, kind="day", line="L1").figures.counts.n == 4
    everything = _gather(plant, kind="day")
    assert [(one.name, one.counts.n) for one in everything.lines] == [("L1", 4), ("L2", 2)]
    assert sorted(one.counts.n for one in everything.products) == [1, 5]
    assert _gather(plant, kind="day", product=product.id).products == ()


def test_a_lot_is_compared_with_the_lot_before_it(plant: Services, engineer: Person, product: Product) -> None:
    add_rows(plant, engineer, product, 4, created_at=NOON - timedelta(days=3), lot="A")
    add_rows(plant, engineer, product, 6, created_at=NOON, lot="B")
    add_rows(plant, engineer, product, 1, created_at=NIGHT + timedelta(days=1), lot="B")
    found = _gather(plant, kind="lot", lot="B")
    assert found.figures.counts.n == 7
    assert found.request.before is not None
    assert found.request.before.lot == "A"
    assert found.before is not None
    assert found.before.counts.n == 4
    assert _gather(plant, kind="lot", lot="A").before is None
    assert list_recent_lots(plant) == ["B", "A"]


def test_first_pass_counts_a_part_by_its_first_inspection(plant: Services, engineer: Person, product: Product) -> None:
    add_rows(plant, engineer, product, 1, created_at=NOON, serial="S1", verdict="reject", final_verdict="reject")
    add_rows(plant, engineer, product, 1, created_at=NOON + timedelta(hours=1), serial="S1")  # after rework
    add_rows(plant, engineer, product, 1, created_at=NOON, serial="S2")
    add_rows(plant, engineer, product, 1, created_at=NOON, serial="S3", verdict="review")  # OK by a person
    add_rows(plant, engineer, product, 2, created_at=NOON)
    first = _gather(plant, kind="day").figures.first_pass
    assert (first.n, first.n_ok) == (5, 3)


def test_actions_are_counted_and_the_median_is_of_the_closed_ones(
    plant: Services, engineer: Person, product: Product
) -> None:
    bad: dict[str, Any] = {"verdict": "reject", "final_verdict": "reject"}
    for minutes in (10, 30, 50):
        add_rows(
            plant, engineer, product, created_at=NOON, action_status="done",
            action_at=NOON + timedelta(minutes=minutes), **bad,
        )  # fmt: skip
    add_rows(plant, engineer, product, 2, created_at=NOON, action_status="open", **bad)
    add_rows(plant, engineer, product, 1, created_at=NOON - timedelta(days=9), action_status="open", **bad)
    found = _gather(plant, kind="day")
    actions = found.figures.actions
    assert (actions.n_open, actions.n_done, actions.median_to_done) == (2, 3, timedelta(minutes=30))
    assert (found.open_actions.n, sum(found.open_actions.by_age), found.open_actions.by_age[3]) == (3, 3, 1)
    assert found.open_actions.oldest[0].created_at == NOON - timedelta(days=9)


def test_types_and_causes_are_counted_of_the_rejected_parts(
    plant: Services, engineer: Person, product: Product
) -> None:
    scratch, hole = type_id(plant, product, "scratch"), type_id(plant, product, "hole")
    bad: dict[str, Any] = {"created_at": NOON, "verdict": "reject", "final_verdict": "reject"}
    ids = add_rows(plant, engineer, product, 3, suggested_defect_type_id=scratch, **bad)
    add_rows(plant, engineer, product, 1, suggested_defect_type_id=scratch, final_defect_type_id=hole, **bad)
    add_rows(plant, engineer, product, 1, **bad)
    good = add_rows(plant, engineer, product, 1, created_at=NOON)
    with plant.database.unit_of_work() as session:
        ticks = [
            (ids[0], "a", "Worn\n guide"),
            (ids[1], "a", "Worn guide"),
            (ids[2], "b", "Dust"),
            (good[0], "b", "Dust"),
        ]
        for inspection, key, text in ticks:
            session.add(ChecklistTick(inspection_id=inspection, step_key=key * 64, section="cause", step_text=text))
        session.add(ChecklistTick(inspection_id=ids[0], step_key="c" * 64, section="check", step_text="Look"))
        session.commit()
    found = _gather(plant, kind="day")
    counted = [(one.defect_type.code if one.defect_type else None, one.count) for one in found.types]
    assert counted[0] == ("scratch", 3)
    assert sorted(counted[1:], key=str) == [("hole", 1), (None, 1)]
    assert [(cause.text, cause.count) for cause in found.causes] == [("Worn guide", 2), ("Dust", 1)]


def test_the_first_rejected_parts_are_shown_and_how_many_there_are_is_said(
    plant: Services, engineer: Person, product: Product
) -> None:
    ids = add_rows(plant, engineer, product, MOST_PARTS + 3, created_at=NOON, verdict="reject", final_verdict="reject")
    found = _gather(plant, kind="day")
    assert [part.id for part in found.parts] == ids[:MOST_PARTS]
    assert f"The first {MOST_PARTS} of {MOST_PARTS + 3} rejected parts are shown." in _notes(found)


def test_a_change_of_thresholds_is_marked_and_said(plant: Services, engineer: Person, product: Product) -> None:
    add_rows(plant, engineer, product, 2, created_at=NOON)
    version_id = _gather(plant, kind="day").models[0].version_id
    with plant.database.unit_of_work() as session:
        row = ThresholdSetting(model_version_id=version_id, review_at=21.0, reject_at=26.0, method="manual")
        session.add(row)
        session.flush()
        number = row.id
        session.commit()
    add_rows(plant, engineer, product, 1, created_at=NOON + timedelta(hours=1), threshold_setting_id=number)
    found = _gather(plant, kind="day")
    assert [(model.review_at, model.n, model.is_change) for model in found.models] == [
        (20.0, 2, False),
        (21.0, 1, True),
    ]
    assert "Bracket: from 2026-11-26 13:00 on" in _notes(found)


def test_a_running_shift_says_so_and_an_empty_period_too(plant: Services, product: Product) -> None:
    found = _gather(plant, now=NOON, kind="shift", shift="Day")
    assert found.is_running
    assert "The shift is still running" in _notes(found)
    assert "Nothing was inspected in this period." in _notes(found)


def test_limits_are_those_of_the_time_before(plant: Services, engineer: Person, product: Product) -> None:
    for hours in range(30):
        at = NOON - timedelta(days=1, hours=hours)
        add_rows(plant, engineer, product, 19, created_at=at)
        add_rows(plant, engineer, product, 1, created_at=at, verdict="reject", final_verdict="reject")
    add_rows(plant, engineer, product, 12, created_at=NOON, verdict="reject", final_verdict="reject")
    add_rows(plant, engineer, product, 8, created_at=NOON)
    chart = _gather(plant, kind="shift", shift="Day").chart
    assert chart.by == "hour"
    assert chart.center == pytest.approx(0.05)
    assert not chart.is_own
    assert sum(point.n for point in chart.points) == 20
    assert len(chart.outside) >= 1
    upper = [point.upper for point in chart.points if point.n == 12 + 8]
    assert all(limit == pytest.approx(0.05 + 3 * (0.05 * 0.95 / 20) ** 0.5) for limit in upper)


def test_too_few_samples_give_no_limits_and_say_why(plant: Services, engineer: Person, product: Product) -> None:
    add_rows(plant, engineer, product, 5, created_at=NOON)
    found = _gather(plant, kind="day")
    assert found.chart.center is None
    assert all(point.upper is None for point in found.chart.points)
    assert "no control limits" in _notes(found)


def test_a_week_is_drawn_by_day_and_ends_with_what_has_come(
    plant: Services, engineer: Person, product: Product
) -> None:
    add_rows(plant, engineer, product, 2, created_at=NOON)
    found = _gather(plant, kind="week")
    assert found.chart.by == "day"
    assert len(found.chart.points) == 6  # Monday to Saturday; Sunday has not begun
    assert sum(point.n for point in found.chart.points) == found.figures.counts.n == 2


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"period": "month"}, "report_period_unknown"),
        ({"period": "day", "day": "26.11.2026"}, "report_day_invalid"),
        ({"period": "day", "day": "2027-01-01"}, "report_day_ahead"),
        ({"period": "shift", "day": "2026-11-26", "shift": "Dawn"}, "report_shift_unknown"),
        ({"period": "lot"}, "report_lot_missing"),
        ({"period": "lot", "lot": "none"}, "report_lot_unknown"),
        ({"period": "day", "product": "x"}, "report_product_invalid"),
        ({"period": "day", "product": "99"}, "not_found"),
        ({"period": "day", "line": "x" * 65}, "inspection_detail_too_long"),
    ],
)
def test_addresses_that_mean_nothing_are_refused(plant: Services, query: dict[str, str], code: str) -> None:
    with pytest.raises(AppError) as caught:
        make_request(plant, PeriodChoice.from_query(query), language="en", now=LATER)
    assert caught.value.code == code


def test_a_choice_comes_back_from_its_address() -> None:
    choice = PeriodChoice("shift", NOON.date(), "야간 조", "", 3, "L 1")
    assert PeriodChoice.from_query(choice.to_query()) == choice


def _name(services: Services, **choice: Any) -> str:
    request: ReportRequest = make_request(services, PeriodChoice(**choice), language="ko", now=LATER)
    return name_report(request, "pdf")


def test_names_of_files_are_stable_and_tell_reports_apart(plant: Services, engineer: Person, product: Product) -> None:
    add_rows(plant, engineer, product, 1, created_at=NOON, lot="A/1 ..")
    day = NOON.date()
    assert _name(plant, kind="shift", day=day, shift="Day") == "shift-report_2026-11-26_day_ko.pdf"
    assert _name(plant, kind="week", day=day) == "weekly-report_2026-W48_ko.pdf"
    assert _name(plant, kind="day", day=day, product=product.id, line="L1") == (
        "daily-report_2026-11-26_bracket_line-l1_ko.pdf"
    )
    lot = _name(plant, kind="lot", lot="A/1 ..")
    assert lot.startswith("lot-report_a-1-")
    assert "/" not in lot


@pytest.mark.parametrize("text", ["A/1", "A-1", "a:1", "..", "가" * 64, "CON", "x\u202ey", "A 1"])
def test_slugs_are_safe_and_different(text: str) -> None:
    slug = make_slug(text)
    assert slug
    assert len(slug.encode()) <= 60
    assert not set(slug) & set('/\\:*?"<>|. \u202e')
    assert slug == make_slug(text)


def test_slugs_of_different_names_differ() -> None:
    names = ["A/1", "A-1", "A:1", "A_1", "A.1", "가" * 30 + "1", "가" * 30 + "2", "..", "..."]
    assert len({make_slug(name) for name in names}) == len(names)
