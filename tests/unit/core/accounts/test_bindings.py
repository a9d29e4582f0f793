"""Bindings: what a bound line worker sees, and what is refused, whichever use case is asked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from sqlmodel import select

from core.access import Person, as_person
from core.accounts import people
from core.accounts.bindings import (
    UNBOUND,
    Bindings,
    bindings_of,
    fit_line,
    load_bindings,
    seen_by,
    set_bindings,
)
from core.analytics.dashboard import dashboard
from core.analytics.groups import count_groups
from core.analytics.scope import Scope
from core.assistant.tools.contract import open_context
from core.assistant.tools.inspections import explain_inspection, list_inspections
from core.batches.starting import BatchOrder, start_with_files
from core.catalog.defect_types import create_defect_type, list_defect_types
from core.catalog.products import get_product, list_products, list_products_in_use
from core.errors import AppError, BadInput, Conflict, NotAllowed, NotFound
from core.gauge.rating import list_tasks
from core.guidance.checklist import list_ticks, tick_step
from core.history.choices import load_choices
from core.history.filters import HistoryFilter
from core.history.review_queue import confirm_all, count_waiting, decide_review, list_waiting
from core.history.search import count_newer, find_inspections
from core.history.traceability import trace
from core.inspections.decisions import close_action, confirm_defect_type, override_verdict
from core.inspections.follow_up.drafts import save_draft
from core.inspections.inspection import inspect
from core.inspections.part_details import PartDetails
from core.inspections.records import load_record, recent
from core.removal.products import purge_product
from core.rollups.rebuilding import ensure_counts
from core.services import Services
from storage.tables import AuditLog, User, UserBinding, utc_now
from tests.bound_people import LINE, OTHER_LINE, BoundWorker, add_bound_worker, add_worker
from tests.history_rows import type_id


@pytest.fixture
def bound(services: Services, admin: Person) -> BoundWorker:
    return add_bound_worker(services, admin)


def test_what_is_read_is_within_the_bindings(services: Services, bound: BoundWorker) -> None:
    seen = seen_by(services, bound.person)
    wanted = sorted(bound.seen, reverse=True)
    assert list(find_inspections(seen, HistoryFilter()).ids) == wanted
    # Every way in which the search may walk the table: by one column, by two, by the type in two ways.
    assert list(find_inspections(seen, HistoryFilter(product=bound.other.id)).ids) == []
    assert list(find_inspections(seen, HistoryFilter(line=OTHER_LINE)).ids) == []
    assert list(find_inspections(seen, HistoryFilter(verdict="reject", action="open")).ids) == wanted
    assert list(find_inspections(seen, HistoryFilter(defect_type=type_id(services, bound.other, "hole"))).ids) == []
    assert count_newer(seen, 0) == count_waiting(seen) == len(wanted)
    assert {row.id for row in recent(seen)} == set(wanted)
    assert set(list_waiting(seen).ids) == set(wanted)
    assert [found.product.code for found in list_products(seen)] == ["bracket"]
    assert [found.code for found in list_products_in_use(seen)] == ["bracket"]
    assert load_choices(seen, product_id=None, defect_type_id=None).lines == (LINE,)
    for hidden in (*bound.other_line, *bound.other_product):
        for read in (partial(load_record, seen, hidden), partial(trace, seen, hidden, language="ko")):
            with pytest.raises(NotFound):
                read()
    with pytest.raises(NotFound):
        get_product(seen, bound.other.id)
    assert load_record(seen, bound.seen[0]).id == bound.seen[0]


@pytest.mark.parametrize("counted", [True, False])
def test_figures_are_those_within_the_bindings(services: Services, bound: BoundWorker, *, counted: bool) -> None:
    # From the roll-ups, and from the inspections themselves where these are not counted yet.
    if counted:
        ensure_counts(services)
    seen = seen_by(services, bound.person)
    scope = Scope(utc_now().date() - timedelta(days=2), utc_now().date() + timedelta(days=1))
    for by in ("all", "day", "line", "product", "type"):
        assert sum(group.counts.n for group in count_groups(seen, scope, by)) == 2
    view = dashboard(seen, scope)
    assert (view.n_inspections, view.n_defects, view.n_products, view.n_actions_open) == (2, 2, 1, 2)
    assert {line.inspection.id for line in (*view.last_inspections, *view.open_actions)} == set(bound.seen)
    assert dashboard(services, scope).n_inspections == 9


def test_every_decision_outside_the_bindings_is_refused_and_changes_nothing(
    services: Services, bound: BoundWorker
) -> None:
    who = bound.person
    for hidden, code in ((bound.other_line[0], "line_not_bound"), (bound.other_product[0], "product_not_bound")):
        before = load_record(services, hidden)
        acts: list[Callable[[], object]] = [
            partial(confirm_defect_type, services, who, hidden, row_version=1, defect_type_id=None),
            partial(override_verdict, services, who, hidden, row_version=1, verdict="ok", reason="x"),
            partial(close_action, services, who, hidden, row_version=1, status="done", note="x"),
            partial(decide_review, services, who, hidden, row_version=1),
            partial(save_draft, services, who, hidden, field="action", text="x"),
            partial(tick_step, services, who, hidden, section="action", text="x"),
        ]
        for act in acts:
            with pytest.raises(NotAllowed) as caught:
                act()
            assert caught.value.code == code
        assert set(confirm_all(services, who, {hidden: 1}).problems) == {hidden}
        assert load_record(services, hidden) == before
        assert list_ticks(services, hidden) == {}
    override_verdict(services, who, bound.seen[0], row_version=1, verdict="ok", reason="scratch is dust")
    # What was counted is right for everybody: a bound worker's change counts the inspections of all.
    ensure_counts(services)
    whole = count_groups(services, Scope(None, utc_now().date() + timedelta(days=1)))
    assert (whole[0].counts.n, whole[0].counts.ok) == (9, 1)


def test_inspecting_outside_the_bindings_is_refused_before_any_work(services: Services, bound: BoundWorker) -> None:
    who = bound.person
    acts: list[tuple[Callable[[], object], str]] = []
    for product_id, line, code in (
        (bound.other.id, LINE, "product_not_bound"),
        (bound.own.id, OTHER_LINE, "line_not_bound"),
    ):
        part = PartDetails(line=line)
        order = BatchOrder(product_id, part)
        acts += [
            (partial(inspect, services, who, product_id=product_id, data=b"x", file_name="x.png", part=part), code),
            (partial(start_with_files, services, who, order, []), code),
        ]
    for act, code in acts:
        with pytest.raises(NotAllowed) as caught:
            act()
        assert caught.value.code == code
    with pytest.raises(NotAllowed):
        create_defect_type(
            services, bound.person, product_id=bound.other.id, code="dent", name_ko="찍힘", name_en="Dent"
        )
    assert [row.code for row in list_defect_types(services, bound.other.id)] == ["hole", "scratch"]
    assert list_tasks(seen_by(services, bound.person), bound.person) == []


def test_the_only_line_is_noted_where_none_is_named(services: Services, admin: Person, bound: BoundWorker) -> None:
    product_id = bound.own.id
    assert fit_line(services, bound.person, product_id=product_id, line="") == LINE
    two = add_worker(services, admin, login="two", lines=[LINE, OTHER_LINE])
    with pytest.raises(NotAllowed) as caught:
        fit_line(services, two, product_id=product_id, line="")
    assert LINE in caught.value.sentence("ko")
    assert fit_line(services, two, product_id=bound.other.id, line=OTHER_LINE) == OTHER_LINE
    assert fit_line(services, admin, product_id=product_id, line="") == ""


def test_engineers_are_not_bound_whatever_rows_they_have(services: Services, admin: Person, bound: BoundWorker) -> None:
    user = people.set_role(services, admin, bound.person.id, "engineer")
    assert bindings_of(services, as_person(user)) == UNBOUND
    assert seen_by(services, as_person(user)) is services
    with pytest.raises(BadInput) as caught:
        set_bindings(services, admin, user.id, products=[], lines=["3"])
    assert caught.value.code == "bindings_for_workers"
    # Whoever is a line worker again is bound as before.
    user = people.set_role(services, admin, user.id, "worker")
    assert bindings_of(services, as_person(user)) == Bindings(frozenset({bound.own.id}), frozenset({LINE}))


def test_a_change_of_bindings_is_recorded_and_refused_when_stale(
    services: Services, admin: Person, bound: BoundWorker
) -> None:
    user_id = bound.person.id
    with services.database.reading() as session:
        version = session.get_one(User, user_id).row_version
    set_bindings(services, admin, user_id, products=[], lines=["  3 라인 ", ""], row_version=version)
    assert load_bindings(services, admin, [user_id])[user_id] == Bindings(None, frozenset({"3 라인"}))
    with services.database.reading() as session:
        row = session.exec(select(AuditLog).where(AuditLog.action == "user.bound").order_by(AuditLog.id.desc())).first()  # type: ignore[attr-defined]
    assert row is not None
    assert row.details["changes"] == {"lines": [[LINE], ["3 라인"]], "products": [["bracket"], []]}
    with pytest.raises(Conflict) as stale:
        set_bindings(services, admin, user_id, products=[], lines=[], row_version=version)
    assert stale.value.code == "stale_save"
    refused: list[tuple[dict[str, list[int] | list[str]], str]] = [
        ({"products": [99], "lines": []}, "not_found"),
        ({"products": [], "lines": ["x" * 65]}, "binding_line_invalid"),
        ({"products": [], "lines": [str(number) for number in range(101)]}, "bindings_too_many"),
    ]
    for wanted, code in refused:
        with pytest.raises(AppError) as caught:
            set_bindings(services, admin, user_id, **wanted)  # type: ignore[arg-type]
        assert caught.value.code == code
    with pytest.raises(NotAllowed):
        set_bindings(services, bound.person, user_id, products=[], lines=[])


def test_who_was_bound_to_a_product_that_is_purged_sees_nothing_and_not_everything(
    services: Services, admin: Person, bound: BoundWorker
) -> None:
    with pytest.raises(Conflict) as refused:
        purge_product(services, admin, bound.own.id, row_version=1, typed_code="bracket")
    assert refused.value.code == "purge_bound"
    # Of a disabled account nobody need think: enabled again it sees nothing.
    people.disable_user(services, admin, bound.person.id)
    purge_product(services, admin, bound.own.id, row_version=1, typed_code="bracket")
    people.enable_user(services, admin, bound.person.id)
    assert bindings_of(services, bound.person).products == frozenset()
    seen = seen_by(services, bound.person)
    assert list(find_inspections(seen, HistoryFilter()).ids) == []
    assert list_products(seen) == []
    # An administrator binds anew, or to nothing: then the last trace of the product is gone.
    set_bindings(services, admin, bound.person.id, products=[], lines=[])
    with services.database.reading() as session:
        assert session.exec(select(UserBinding)).all() == []
    assert bindings_of(services, bound.person) == UNBOUND


def test_the_assistant_answers_from_what_its_person_sees(services: Services, bound: BoundWorker) -> None:
    context = open_context(seen_by(services, bound.person), bound.person, "en")
    assert {row[0] for row in list_inspections(context, {}).rows} == set(bound.seen)
    with pytest.raises(NotFound):
        explain_inspection(context, {"inspection": str(bound.other_product[0])})
