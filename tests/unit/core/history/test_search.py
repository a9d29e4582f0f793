"""Finding inspections by what they have in common."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from core.access import Person
from core.history.choices import load_choices
from core.history.filters import NO_TYPE, HistoryFilter
from core.history.lines import load_lines
from core.history.search import count_newer, find_inspections
from core.services import Services
from storage.tables import Job, Product
from tests.history_rows import add_product, add_rows, type_id


@pytest.fixture
def product(services: Services, engineer: Person) -> Product:
    return add_product(services, engineer)


def _ids(services: Services, wanted: HistoryFilter) -> list[int]:
    return list(find_inspections(services, wanted).ids)


def _add_batch(services: Services) -> int:
    with services.database.unit_of_work() as session:
        job = Job(kind="batch", state="succeeded")
        session.add(job)
        session.commit()
        return job.id


def test_every_filter_finds_what_it_asks_for_alone_and_beside_others(
    services: Services, engineer: Person, worker_person: Person, product: Product
) -> None:
    other = add_product(services, engineer, code="casting")
    add_rows(services, worker_person, other, 3, line="L9", lot="8")
    add_rows(services, worker_person, product, 2, line="L1", lot="7", serial="A-1")
    scratch = type_id(services, product, "scratch")
    batch = _add_batch(services)
    (wanted,) = add_rows(
        services,
        engineer,
        product,
        line="L2",
        lot="로트 7",
        serial="S-17",
        source="batch",
        batch_job_id=batch,
        original_name="Cam_1%top.png",
        verdict="review",
        final_verdict="reject",
        suggested_defect_type_id=scratch,
        suggestion_confidence=0.7,
        action_status="open",
        review_state="waiting",
        created_at=datetime(2026, 5, 4, 12, tzinfo=UTC),
    )
    alone = [
        HistoryFilter(verdict="reject"),
        HistoryFilter(model_verdict="review"),
        HistoryFilter(defect_type=scratch),
        HistoryFilter(action="open"),
        HistoryFilter(review="waiting"),
        HistoryFilter(first_day=date(2026, 5, 4), last_day=date(2026, 5, 4)),
        HistoryFilter(line="L2"),
        HistoryFilter(lot="로트 7"),
        HistoryFilter(serial="S-1"),
        HistoryFilter(person=engineer.id),
        HistoryFilter(source="batch"),
        HistoryFilter(batch=batch),
        HistoryFilter(name="cam_1%T"),
    ]
    for one in alone:
        assert _ids(services, one) == [wanted], one
    everything: dict[str, object] = {"product": product.id}
    for one in alone:
        everything |= {name: getattr(one, name) for name in one.to_query()}
        assert _ids(services, HistoryFilter(**everything)) == [wanted], everything  # type: ignore[arg-type]
        assert _ids(services, HistoryFilter(**{**everything, "product": other.id})) == []  # type: ignore[arg-type]
    assert len(_ids(services, HistoryFilter(product=product.id))) == 3
    assert len(_ids(services, HistoryFilter(product=other.id, line="L9"))) == 3
    assert _ids(services, HistoryFilter(serial="-1")) == []


def test_a_type_is_the_confirmed_one_and_else_the_suggested(
    services: Services, engineer: Person, product: Product
) -> None:
    scratch, hole = (type_id(services, product, code) for code in ("scratch", "hole"))
    at = datetime(2026, 5, 4, tzinfo=UTC)
    suggested = add_rows(services, engineer, product, suggested_defect_type_id=scratch)
    changed = add_rows(
        services,
        engineer,
        product,
        suggested_defect_type_id=scratch,
        final_defect_type_id=hole,
        confirmed_at=at,
    )
    # A person said that it is none of the known types.
    none_of_them = add_rows(services, engineer, product, suggested_defect_type_id=scratch, confirmed_at=at)
    unnamed = add_rows(services, engineer, product)
    assert set(_ids(services, HistoryFilter(defect_type=NO_TYPE))) == {*none_of_them, *unnamed}
    assert set(_ids(services, HistoryFilter(defect_type=NO_TYPE, verdict="ok"))) == {*none_of_them, *unnamed}
    assert _ids(services, HistoryFilter(defect_type=scratch)) == suggested
    assert _ids(services, HistoryFilter(defect_type=hole)) == changed
    assert _ids(services, HistoryFilter(defect_type=scratch, product=product.id)) == suggested
    (line,) = load_lines(services, changed)
    assert line.defect_type is not None
    assert (line.defect_type.code, line.is_type_confirmed) == ("hole", True)


def test_moments_leave_out_what_is_made_at_the_second_of_them(
    services: Services, engineer: Person, product: Product
) -> None:
    at = datetime(2026, 5, 4, 6, tzinfo=UTC)
    first, second = (add_rows(services, engineer, product, created_at=at + timedelta(hours=hours)) for hours in (0, 1))
    hour = HistoryFilter(since=at, until=at + timedelta(hours=1))
    assert _ids(services, hour) == first
    assert _ids(services, HistoryFilter(since=at + timedelta(minutes=1))) == second
    assert _ids(services, HistoryFilter(until=at + timedelta(hours=1), verdict="ok")) == first


def test_days_are_those_of_the_person(services: Services, engineer: Person, product: Product) -> None:
    (late,) = add_rows(services, engineer, product, created_at=datetime(2026, 5, 3, 20, 30, tzinfo=UTC))
    seoul = ZoneInfo("Asia/Seoul")
    fourth = HistoryFilter(first_day=date(2026, 5, 4), last_day=date(2026, 5, 4))
    assert list(find_inspections(services, fourth, zone=seoul).ids) == [late]
    assert list(find_inspections(services, fourth, zone=UTC).ids) == []
    assert list(find_inspections(services, HistoryFilter(first_day=date.min, last_day=date.max)).ids) == [late]


@pytest.mark.parametrize("asked", [{}, {"verdict": "ok"}, {"verdict": "ok", "source": "upload"}])
def test_pages_stay_as_they_were_while_inspections_arrive(
    services: Services, engineer: Person, product: Product, asked: dict[str, str]
) -> None:
    wanted = HistoryFilter(**asked)  # type: ignore[arg-type]
    ids = add_rows(services, engineer, product, 25)
    first = find_inspections(services, wanted)
    pages = [first.page(number, 10) for number in (1, 2, 3)]
    assert [len(page) for page in pages] == [10, 10, 5]
    assert [number for page in pages for number in page] == ids[::-1]
    add_rows(services, engineer, product, 7)
    assert find_inspections(services, wanted, newest=first.newest).ids == first.ids
    assert count_newer(services, first.newest) == 7
    assert find_inspections(services, wanted).total == 32


def test_a_page_that_is_not_there_is_the_nearest(services: Services, engineer: Person, product: Product) -> None:
    ids = add_rows(services, engineer, product, 3)
    found = find_inspections(services, HistoryFilter())
    assert found.page(0, 2) == [ids[2], ids[1]]
    assert found.page(99, 2) == [ids[0]]
    nothing = find_inspections(services, HistoryFilter(line="none"))
    assert (nothing.total, nothing.count_pages(), nothing.page(5)) == (0, 1, [])


def test_more_than_can_be_listed_is_said_to_be_cut(services: Services, engineer: Person, product: Product) -> None:
    ids = add_rows(services, engineer, product, 5)
    cut = find_inspections(services, HistoryFilter(), limit=3)
    assert (list(cut.ids), cut.is_cut) == (ids[:1:-1], True)
    assert not find_inspections(services, HistoryFilter(), limit=5).is_cut
    assert find_inspections(services, HistoryFilter(), limit=None).total == 5


def test_an_empty_history_is_empty(services: Services) -> None:
    found = find_inspections(services, HistoryFilter(verdict="ok", name="x"))
    assert (found.total, found.newest, count_newer(services, 0)) == (0, 0, 0)


def test_lines_are_known_in_order_and_once(services: Services, engineer: Person, product: Product) -> None:
    for line in ("L2", "L1", "", "L2"):
        add_rows(services, engineer, product, line=line)
    choices = load_choices(services, product_id=product.id, defect_type_id=None)
    assert choices.lines == ("L1", "L2")
    assert [kind.code for kind in choices.types] == ["hole", "scratch"]
    chosen = load_choices(services, product_id=None, defect_type_id=choices.types[1].id)
    assert [kind.code for kind in chosen.types] == ["scratch"]
