"""A study from its plan to its end: what is refused, what is fixed, what stays when something goes wrong."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from sqlmodel import col, select

from core.access import Person, as_person
from core.accounts import people
from core.catalog.products import create_product
from core.errors import AppError, BadInput, Conflict, NotAllowed, NotFound
from core.gauge import planning, rating, studies
from core.gauge.records import PlannedAppraiser, PlannedPart
from core.gauge.studies import list_studies, load_study
from core.services import Services
from storage.tables import AuditLog, GaugeAppraiser, GaugePart, GaugeRating, GaugeTrial
from tests.gauge_study import fill, make_plan, photograph, start
from tests.stored import stored_keys


@pytest.fixture
def product_id(services: Services, engineer: Person) -> int:
    return create_product(services, engineer, name="Bracket", code="bracket").id


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"name": " \t "}, "gauge_name_missing"),
        ({"kind": "length"}, "gauge_kind_unknown"),
        ({"n_repeats": 1}, "gauge_repeats_invalid"),
        ({"n_repeats": 6}, "gauge_repeats_invalid"),
        ({"parts": (PlannedPart("P1"),)}, "gauge_parts_invalid"),
        ({"parts": tuple(PlannedPart(str(number)) for number in range(101))}, "gauge_parts_invalid"),
        ({"parts": (PlannedPart("P1"), PlannedPart(" "))}, "gauge_part_unnamed"),
        ({"parts": (PlannedPart("P1"), PlannedPart(" p1 "))}, "gauge_part_twice"),
        ({"parts": (PlannedPart("P1", "fine"), PlannedPart("P2"))}, "gauge_reference_unknown"),
        ({"setups": ()}, "gauge_setups_invalid"),
        ({"setups": ("A", "")}, "gauge_setup_unnamed"),
        ({"setups": ("A", "a")}, "gauge_setup_twice"),
        ({"appraisers": ()}, "gauge_needs_people"),
        ({"appraisers": tuple(PlannedAppraiser(str(number)) for number in range(11))}, "gauge_appraisers_too_many"),
        ({"appraisers": (PlannedAppraiser(""),)}, "gauge_appraiser_unnamed"),
        ({"appraisers": (PlannedAppraiser("김"), PlannedAppraiser("김"))}, "gauge_appraiser_twice"),
        (
            {
                "parts": tuple(PlannedPart(str(number)) for number in range(100)),
                "setups": tuple("ABCDE"),
                "n_repeats": 3,
            },
            "gauge_too_many_pictures",
        ),
    ],
)
def test_a_plan_that_will_not_do_is_refused_by_its_fault(
    services: Services, engineer: Person, product_id: int, values: dict[str, object], code: str
) -> None:
    with pytest.raises(BadInput) as caught:
        planning.create_study(services, engineer, make_plan(product_id, **values))
    assert caught.value.code == code
    assert list_studies(services) == []


def test_a_plan_is_stored_as_it_was_given_and_can_be_changed_until_it_starts(
    services: Services, engineer: Person, product_id: int
) -> None:
    plan = make_plan(product_id)
    study_id = planning.create_study(services, engineer, plan)
    assert planning.read_plan(services, study_id) == plan
    changed = replace(plan, name="Other", parts=plan.parts[:3], n_repeats=3)
    planning.update_plan(services, engineer, study_id, changed, row_version=1)
    assert planning.read_plan(services, study_id) == changed
    with pytest.raises(Conflict) as caught:
        planning.update_plan(services, engineer, study_id, plan, row_version=1)
    assert caught.value.code == "stale_save"
    planning.start_study(services, engineer, study_id, row_version=2)
    with pytest.raises(Conflict) as caught:
        planning.update_plan(services, engineer, study_id, plan, row_version=3)
    assert caught.value.code == "gauge_started"
    with pytest.raises(Conflict):
        planning.start_study(services, engineer, study_id, row_version=3)


def test_every_part_is_planned_at_every_setup_and_repeat_in_a_random_order_that_is_kept(
    services: Services, engineer: Person, product_id: int
) -> None:
    plan = make_plan(product_id, parts=tuple(PlannedPart(f"P{number}") for number in range(12)), n_repeats=3)
    study = start(services, engineer, plan)
    assert Counter((one.part_id, one.setup, one.repeat_no) for one in study.trials) == Counter(
        (part.id, setup, repeat) for part in study.parts for setup in (0, 1) for repeat in (1, 2, 3)
    )
    orders = [
        tuple(one.part_id for one in study.trials if (one.repeat_no, one.setup) == round_)
        for round_ in ((1, 0), (2, 0), (1, 1))
    ]
    assert len(set(orders)) == 3
    assert [one.position for one in study.trials] == list(range(1, 73))
    assert [(one.done, one.total) for one in study.appraisers] == [(0, 36), (0, 36)]
    assert load_study(services, study.id).trials == study.trials


def test_nobody_sees_a_part_twice_in_a_row(services: Services, engineer: Person, product_id: int) -> None:
    for seed in range(6):
        parts = tuple(PlannedPart(f"P{number}") for number in range(2 + seed % 2))
        study = start(services, engineer, make_plan(product_id, name=f"S{seed}", parts=parts, n_repeats=5))
        with services.database.reading() as session:
            rows = session.exec(
                select(GaugeRating)
                .where(GaugeRating.study_id == study.id)
                .order_by(col(GaugeRating.appraiser_id), col(GaugeRating.position))
            ).all()
        for before, after in pairwise(rows):
            assert before.appraiser_id != after.appraiser_id or before.part_id != after.part_id


def test_references_can_be_said_later_but_not_when_the_study_is_over(
    services: Services, engineer: Person, product_id: int
) -> None:
    study = start(services, engineer, make_plan(product_id))
    wanted = {study.parts[0].id: "defect", study.parts[3].id: ""}
    planning.set_references(services, engineer, study.id, wanted, row_version=study.row_version)
    changed = load_study(services, study.id)
    assert [part.reference for part in changed.parts] == ["defect", "good", "defect", ""]
    with pytest.raises(Conflict) as caught:
        planning.set_references(services, engineer, study.id, {}, row_version=study.row_version)
    assert caught.value.code == "stale_save"
    with pytest.raises(BadInput):
        planning.set_references(
            services, engineer, study.id, {study.parts[1].id: "fine"}, row_version=changed.row_version
        )
    studies.close_study(services, engineer, study.id, row_version=changed.row_version)
    with pytest.raises(Conflict) as caught:
        planning.set_references(services, engineer, study.id, {}, row_version=changed.row_version + 1)
    assert caught.value.code == "gauge_over"


def test_a_copy_has_the_plan_and_nothing_of_what_was_done(
    services: Services, engineer: Person, product_id: int
) -> None:
    study = start(services, engineer, make_plan(product_id))
    fill(services, study.id, lambda *_: 10.0, lambda *_: False)
    copy = load_study(services, planning.copy_plan(services, engineer, study.id, name="Once more"))
    assert (copy.name, copy.state, copy.trials) == ("Once more", "draft", ())
    assert planning.read_plan(services, copy.id) == replace(planning.read_plan(services, study.id), name="Once more")


def test_a_study_is_deleted_with_all_that_is_its_own_and_with_nothing_else(
    services: Services, engineer: Person, admin: Person, product_id: int
) -> None:
    other = start(services, engineer, make_plan(product_id, name="Other"))
    before = stored_keys(services)
    study = start(services, engineer, make_plan(product_id))
    assert all(one.error is None for one in photograph(services, engineer, study, lambda *_: 140))
    assert len(stored_keys(services)) == len(before) + 32
    assert {key.split("/")[0] for key in set(stored_keys(services)) - set(before)} == {"gauge"}
    with pytest.raises(BadInput) as caught:
        studies.delete_study(services, admin, study.id, typed_name="Bracket")
    assert caught.value.code == "gauge_name_differs"
    with pytest.raises(NotAllowed):
        studies.delete_study(services, engineer, study.id, typed_name="Bracket  camera ")
    studies.delete_study(services, admin, study.id, typed_name="Bracket  camera ")
    assert stored_keys(services) == before
    with pytest.raises(NotFound):
        load_study(services, study.id)
    with services.database.reading() as session:
        for column in (GaugePart.study_id, GaugeTrial.study_id, GaugeAppraiser.study_id, GaugeRating.study_id):
            assert set(session.exec(select(column))) == {other.id}
        actions = [row.action for row in session.exec(select(AuditLog)) if row.subject_id == study.id]
    assert actions == ["gauge_study.created", "gauge_study.started", "gauge_study.deleted"]


def test_a_study_ends_once(services: Services, engineer: Person, product_id: int) -> None:
    draft = planning.create_study(services, engineer, make_plan(product_id))
    with pytest.raises(Conflict) as caught:
        studies.close_study(services, engineer, draft, row_version=1)
    assert caught.value.code == "gauge_not_running"
    studies.cancel_study(services, engineer, draft, row_version=1)
    assert load_study(services, draft).state == "cancelled"
    with pytest.raises(Conflict):
        studies.cancel_study(services, engineer, draft, row_version=2)


def test_the_list_counts_what_is_done(services: Services, engineer: Person, product_id: int) -> None:
    assert list_studies(services) == []
    planning.create_study(services, engineer, make_plan(product_id, name="Draft"))
    study = start(services, engineer, make_plan(product_id))
    fill(services, study.id, lambda *_: 10.0, lambda *_: False)
    newest, oldest = list_studies(services)
    assert (newest.name, newest.n_parts, newest.n_taken, newest.n_pictures) == ("Bracket camera", 4, 16, 16)
    assert (newest.n_rated, newest.n_ratings) == (16, 16)
    assert (oldest.state, oldest.n_pictures, oldest.n_ratings) == ("draft", 0, 0)
    assert list_studies(services, product_id=4711) == []


def test_workers_plan_nothing(services: Services, engineer: Person, worker_person: Person, product_id: int) -> None:
    with pytest.raises(NotAllowed):
        planning.create_study(services, worker_person, make_plan(product_id))


class TestRating:
    """People rate blind: each in an order of its own, every look kept at once."""

    def test_looks_come_in_the_planned_order_and_are_kept_one_by_one(
        self, services: Services, engineer: Person, worker_person: Person, product_id: int
    ) -> None:
        study = start(services, engineer, make_plan(product_id))
        assert rating.list_tasks(services, worker_person) == []
        with pytest.raises(AppError) as caught:
            rating.open_task(services, worker_person, study.appraisers[0].id)
        assert caught.value.code == "gauge_pictures_missing"
        fill(services, study.id, lambda *_: 10.0)
        kim, lee = rating.list_tasks(services, worker_person)
        assert (kim.appraiser_name, kim.done, kim.total, kim.by_name_alone) == ("Kim", 0, 8, True)
        for number in range(1, 9):
            look = rating.next_look(services, worker_person, kim.appraiser_id)
            assert look is not None
            assert look.position == number
            rating.rate(services, worker_person, kim.appraiser_id, look, "reject" if number % 2 else "ok")
            # A second press on the same part changes nothing.
            rating.rate(services, worker_person, kim.appraiser_id, look, "ok")
        assert rating.next_look(services, worker_person, kim.appraiser_id) is None
        assert rating.open_task(services, worker_person, kim.appraiser_id).is_done
        assert rating.open_task(services, worker_person, lee.appraiser_id).done == 0
        with services.database.reading() as session:
            rows = session.exec(
                select(GaugeRating).where(GaugeRating.verdict != "").order_by(col(GaugeRating.position))
            ).all()
        assert [row.verdict for row in rows] == ["reject", "ok"] * 4
        assert all(row.rated_by == worker_person.id and row.trial_id is not None for row in rows)

    def test_another_picture_is_shown_at_each_repeat(
        self, services: Services, engineer: Person, worker_person: Person, product_id: int
    ) -> None:
        study = start(services, engineer, make_plan(product_id))
        fill(services, study.id, lambda *_: 10.0)
        cells = {one.id: (one.part_id, one.setup, one.repeat_no) for one in study.trials}
        seen = []
        for person in study.appraisers:
            while (look := rating.next_look(services, worker_person, person.id)) is not None:
                seen.append((person.place, *cells[look.trial_id]))
                rating.rate(services, worker_person, person.id, look, "ok")
        assert len(set(seen)) == 16
        assert {(place, setup) for place, _part, setup, _repeat in seen} == {(1, 0), (2, 1)}

    def test_the_last_look_is_taken_back(
        self, services: Services, engineer: Person, worker_person: Person, product_id: int
    ) -> None:
        study = start(services, engineer, make_plan(product_id))
        fill(services, study.id, lambda *_: 10.0)
        kim = study.appraisers[0].id
        assert not rating.take_back(services, worker_person, kim)
        first = rating.next_look(services, worker_person, kim)
        assert first is not None
        rating.rate(services, worker_person, kim, first, "reject")
        assert rating.take_back(services, worker_person, kim)
        assert rating.next_look(services, worker_person, kim) == first

    def test_with_an_account_only_its_person_rates(
        self, services: Services, engineer: Person, admin: Person, worker_person: Person, product_id: int
    ) -> None:
        user = people.create_user(
            services, admin, login="kim", display_name="김민수", role="worker", password="correct horse battery"
        )
        assert planning.list_appraiser_choices(services, engineer) == [PlannedAppraiser("김민수", user.id)]
        study = start(services, engineer, make_plan(product_id, appraisers=(PlannedAppraiser("김민수", user.id),)))
        fill(services, study.id, lambda *_: 10.0)
        assert rating.list_tasks(services, worker_person) == []
        with pytest.raises(NotAllowed) as caught:
            rating.open_task(services, worker_person, study.appraisers[0].id)
        assert caught.value.code == "gauge_not_yours"
        assert [one.appraiser_name for one in rating.list_tasks(services, as_person(user))] == ["김민수"]

    def test_an_account_that_is_gone_stops_the_start(
        self, services: Services, engineer: Person, admin: Person, product_id: int
    ) -> None:
        user = people.create_user(
            services, admin, login="kim", display_name="Kim", role="worker", password="correct horse battery"
        )
        plan = make_plan(product_id, appraisers=(PlannedAppraiser("Kim", user.id),))
        study_id = planning.create_study(services, engineer, plan)
        people.disable_user(services, admin, user.id)
        with pytest.raises(BadInput) as caught:
            planning.start_study(services, engineer, study_id, row_version=1)
        assert caught.value.code == "gauge_account_gone"

    def test_nothing_is_rated_when_the_study_is_over(
        self, services: Services, engineer: Person, worker_person: Person, product_id: int
    ) -> None:
        study = start(services, engineer, make_plan(product_id))
        fill(services, study.id, lambda *_: 10.0)
        kim = study.appraisers[0].id
        look = rating.next_look(services, worker_person, kim)
        assert look is not None
        with pytest.raises(BadInput):
            rating.rate(services, worker_person, kim, look, "review")
        studies.close_study(services, engineer, study.id, row_version=study.row_version)
        with pytest.raises(Conflict):
            rating.rate(services, worker_person, kim, look, "ok")
        assert rating.list_tasks(services, worker_person) == []
