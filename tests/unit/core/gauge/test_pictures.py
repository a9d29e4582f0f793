"""Pictures of a study: stored at their places, judged by one version, and taken from where they are already."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from core.access import Person
from core.accounts.people import open_person
from core.catalog.products import create_product, find_product
from core.errors import AppError, Conflict, NotFound, NotReady, Unavailable
from core.gauge import judging, pictures, planning, rating, sources
from core.gauge.file_plans import name_of, plan_by_name, plan_by_order
from core.gauge.pictures import NewPicture, add_pictures
from core.gauge.records import PlannedPart, Study
from core.gauge.studies import close_study, load_study
from core.images.records import IncomingFile
from core.operations.orphans import list_orphans
from core.operations.stored_objects import find_missing, take_stock
from core.registry.thresholds import find_threshold, save_thresholds
from core.services import Services
from storage.object_store import ObjectStoreError
from storage.tables import Image, Inspection, ModelVersion, Product, utc_now
from tests.gauge_study import encode_gray, make_plan, photograph, reader, start
from tests.history_rows import add_product, add_rows
from tests.stored import stored_keys
from tests.viewed_plates import RGB, SPOT, inspect_plate, with_views


@pytest.fixture
def bracket(services: Services, engineer: Person) -> Product:
    return add_product(services, engineer)


def _judge(services: Services, person: Person, study: Study) -> list[tuple[int, int]]:
    return list(judging.judge_waiting(services, person, study.id))


def test_pictures_are_judged_by_the_version_in_use_and_stored_nowhere_else(toy_services: Services) -> None:
    engineer = open_person(toy_services, "engineer")
    product = find_product(toy_services, "plate")
    study = start(toy_services, engineer, make_plan(product.id))
    # A good plate has a gray of 140: every part is farther from it than the one before.
    outcomes = photograph(toy_services, engineer, study, lambda part, setup, repeat: 140 + 12 * part + setup)
    assert [one.error for one in outcomes] == [None] * 16
    assert _judge(toy_services, engineer, study) == [(16, 16)]
    assert _judge(toy_services, engineer, study) == []
    judged = load_study(toy_services, study.id)
    assert (judged.review_at, judged.reject_at, judged.version_number) == (30.0, 50.0, 1)
    verdicts = {judged.parts_by_id[one.part_id].place: one.verdict for one in judged.trials if one.setup == 0}
    assert verdicts == {1: "ok", 2: "ok", 3: "review", 4: "review"}
    assert all(one.score is not None and 0 < one.score < 55 for one in judged.trials)
    with toy_services.database.reading() as session:
        assert session.exec(select(Inspection)).all() == []
    stock = take_stock(toy_services)
    assert [one for one in find_missing(toy_services, stock) if one.table == "gauge_trials"] == []
    assert sum(one.table == "gauge_trials" for one in stock.named) == 32
    assert list_orphans(stock, now=utc_now() + timedelta(days=365)) == []


def test_all_pictures_keep_the_version_and_thresholds_of_the_first(toy_services: Services) -> None:
    engineer = open_person(toy_services, "engineer")
    product = find_product(toy_services, "plate")
    study = start(toy_services, engineer, make_plan(product.id))
    first = study.trials[0]
    list(add_pictures(toy_services, engineer, study.id, [NewPicture(first.id, _file(175))]))
    _judge(toy_services, engineer, study)
    study = load_study(toy_services, study.id)
    assert study.version_id is not None
    assert judging.find_change_of_model(toy_services, study.id) is None
    in_force = find_threshold(toy_services, study.version_id)
    save_thresholds(toy_services, engineer, study.version_id, 40.0, 60.0, reason="trial", seen_id=in_force.id)
    assert judging.find_change_of_model(toy_services, study.id) == (1, 40.0, 60.0)
    second = study.trials[1]
    list(add_pictures(toy_services, engineer, study.id, [NewPicture(second.id, _file(175, mark=1))]))
    _judge(toy_services, engineer, study)
    study = load_study(toy_services, study.id)
    assert (study.review_at, [one.verdict for one in study.trials[:2]]) == (30.0, ["review", "review"])
    judging.judge_again(toy_services, engineer, study.id, row_version=study.row_version)
    _judge(toy_services, engineer, study)
    again = load_study(toy_services, study.id)
    assert (again.review_at, [one.verdict for one in again.trials[:2]]) == (40.0, ["ok", "ok"])
    with pytest.raises(Conflict) as caught:
        judging.judge_again(toy_services, engineer, study.id, row_version=study.row_version)
    assert caught.value.code == "stale_save"


def _file(level: int, mark: int = 0, name: str = "part.png") -> IncomingFile:
    return IncomingFile(name, reader(encode_gray(level, mark)))


def test_one_bad_file_stops_no_other_and_leaves_nothing_behind(
    services: Services, engineer: Person, bracket: Product
) -> None:
    study = start(services, engineer, make_plan(bracket.id))
    before = stored_keys(services)
    first, second, third = study.trials[:3]
    outcomes = list(
        add_pictures(
            services,
            engineer,
            study.id,
            [
                NewPicture(first.id, IncomingFile("note.png", reader(b"no image at all"))),
                NewPicture(first.id, _file(100)),
                NewPicture(second.id, _file(100, name="same.png")),
                NewPicture(first.id, _file(120, name="there.png")),
                NewPicture(4711, _file(130, name="nowhere.png")),
                NewPicture(third.id, _file(140)),
            ],
        )
    )
    codes = [one.error.code if one.error is not None else None for one in outcomes]
    assert codes[1] is None
    assert codes[5] is None
    assert codes[2:5] == ["gauge_picture_twice", "gauge_picture_there", "gauge_picture_there"]
    assert codes[0] is not None
    assert codes[0].startswith("image_")
    assert len(stored_keys(services)) == len(before) + 4
    assert load_study(services, study.id).n_taken == 2


def test_pictures_wait_where_no_model_is_there_yet(services: Services, engineer: Person) -> None:
    product = create_product(services, engineer, name="New", code="new")
    study = start(services, engineer, make_plan(product.id))
    assert all(one.error is None for one in photograph(services, engineer, study, lambda *_: 100))
    with pytest.raises(NotReady) as caught:
        _judge(services, engineer, study)
    assert caught.value.code == "no_active_memory_bank"
    assert load_study(services, study.id).n_taken == 16


def test_a_picture_is_taken_anew_unless_somebody_has_rated_by_it(
    services: Services, engineer: Person, worker_person: Person, bracket: Product
) -> None:
    study = start(services, engineer, make_plan(bracket.id))
    photograph(services, engineer, study, lambda *_: 100)
    keys = stored_keys(services)
    look = rating.next_look(services, worker_person, study.appraisers[0].id)
    assert look is not None
    rating.rate(services, worker_person, study.appraisers[0].id, look, "ok")
    with pytest.raises(Conflict) as caught:
        pictures.remove_picture(services, engineer, study.id, look.trial_id)
    assert caught.value.code == "gauge_picture_rated"
    other = next(trial for trial in study.trials if trial.id != look.trial_id)
    pictures.remove_picture(services, engineer, study.id, other.id)
    assert len(stored_keys(services)) == len(keys) - 2
    again = load_study(services, study.id)
    assert again.next_trial is not None
    assert again.next_trial.id == other.id
    with pytest.raises(NotFound):
        pictures.read_for_screen(services, study.id, other.id)
    assert pictures.read_for_screen(services, study.id, look.trial_id)[:2] == b"\xff\xd8"
    close_study(services, engineer, study.id, row_version=again.row_version)
    with pytest.raises(Conflict):
        pictures.remove_picture(services, engineer, study.id, study.trials[0].id)
    with pytest.raises(Conflict):
        add_pictures(services, engineer, study.id, [])


def test_a_full_disk_ends_the_storing_and_keeps_what_is_there(
    services: Services, engineer: Person, bracket: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = start(services, engineer, make_plan(bracket.id))
    put = type(services.objects).put
    count = iter(range(100))

    def full(self: object, key: str, data: bytes, **more: str) -> None:
        if next(count) == 3:
            raise ObjectStoreError("object_store_full", reason="disk")
        put(self, key, data, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(type(services.objects), "put", full)
    with pytest.raises(Unavailable):
        photograph(services, engineer, study, lambda *_: 100)
    assert load_study(services, study.id).n_taken == 1
    assert len([key for key in stored_keys(services) if key.startswith("gauge/")]) == 2


class TestFilePlans:
    """Which file is which picture, by name or by order."""

    @pytest.fixture
    def study(self, services: Services, engineer: Person, bracket: Product) -> Study:
        return start(services, engineer, make_plan(bracket.id))

    def test_names_tell_part_setup_and_repeat(self, study: Study) -> None:
        names = [f"{name_of(study, trial)}.png" for trial in study.trials]
        assert [one.trial for one in plan_by_name(study, names)] == list(study.trials)
        told = plan_by_name(study, ["p1_station a_2.JPG", "1_2_1.png", "P9_Station A_1.png", "P1.png", "p1_1_2.png"])
        cells = [
            (study.parts_by_id[one.trial.part_id].name, one.trial.setup, one.trial.repeat_no)
            if one.trial is not None
            else one.error and one.error.code
            for one in told
        ]
        assert cells == [("P1", 0, 2), ("P1", 1, 1), "gauge_file_unknown", "gauge_file_unknown", "gauge_file_twice"]

    def test_order_is_as_people_count_and_what_is_left_over_is_said(self, study: Study) -> None:
        names = [f"shot{number}.png" for number in range(18, 0, -1)]
        planned = plan_by_order(study, names)
        assert [one.name for one in planned[:2]] == ["shot1.png", "shot2.png"]
        assert [one.trial for one in planned[:16]] == list(study.trials)
        assert [one.error.code for one in planned[16:] if one.error is not None] == ["gauge_file_left_over"] * 2

    def test_files_of_one_name_in_two_folders_stay_two(self, study: Study) -> None:
        planned = plan_by_order(study, ["b/1.png", "a/1.png"])
        assert [(one.place, one.name) for one in planned] == [(1, "a/1.png"), (0, "b/1.png")]

    def test_what_is_there_is_not_planned_again(self, services: Services, engineer: Person, study: Study) -> None:
        first = study.trials[0]
        list(add_pictures(services, engineer, study.id, [NewPicture(first.id, _file(100))]))
        again = load_study(services, study.id)
        (told,) = plan_by_name(again, [f"{name_of(study, first)}.png"])
        assert told.error is not None
        assert told.error.code == "gauge_file_there"
        assert plan_by_order(again, ["a.png"])[0].trial == again.trials[1]


class TestSources:
    """Parts that have pictures already."""

    def test_labeled_images_become_parts_with_their_label_as_truth(self, toy_services: Services) -> None:
        engineer = open_person(toy_services, "engineer")
        product = find_product(toy_services, "plate")
        parts = tuple(sources.pick_labeled_parts(toy_services, product.id, n_good=2, n_defect=2))
        with toy_services.database.reading() as session:
            images = {row.id: row for row in session.exec(select(Image))}
        for part in parts:
            image = images[part.sources["image"]]
            assert part.reference == ("good" if image.image_type == "normal" else "defect")
        assert sorted(part.reference for part in parts) == ["defect", "defect", "good", "good"]
        plan = make_plan(product.id, kind="verdict", parts=parts, setups=("",), one_picture=True)
        study = start(toy_services, engineer, plan)
        assert sources.count_fetchable(study) == 4
        assert [one.error for one in sources.fetch_pictures(toy_services, engineer, study.id)] == [None] * 4
        again = load_study(toy_services, study.id)
        assert (sources.count_fetchable(again), again.n_taken) == (0, 4)
        assert {one.image_id for one in again.trials} == {part.sources["image"] for part in parts}
        # The picture stays when the curated image goes.
        with toy_services.database.reading() as session:
            keys = {row.object_key for row in session.exec(select(Image))}
        assert not keys & {one.image_key for one in again.trials}

    def test_too_few_labeled_images_are_a_sentence(
        self, services: Services, engineer: Person, bracket: Product
    ) -> None:
        with pytest.raises(NotReady) as caught:
            sources.pick_labeled_parts(services, bracket.id, n_good=0, n_defect=3)
        assert caught.value.code == "gauge_defects_missing"

    def test_parts_inspected_repeatedly_are_found_and_copied(
        self, services: Services, engineer: Person, bracket: Product
    ) -> None:
        ids: dict[tuple[str, str], list[int]] = {}
        for number, serial in enumerate(("S1", "S2", "S3")):
            for line in ("L1", "L2"):
                for repeat in range(2):
                    key = f"inspections/{serial}{line}{repeat}.png"
                    level = 10 + 20 * number + 4 * repeat + (2 if line == "L2" else 0)
                    services.objects.put(key, encode_gray(level))
                    (row_id,) = add_rows(
                        services, engineer, bracket, serial=serial, line=line, image_key=key, image_sha256=key[:64]
                    )
                    ids.setdefault((serial, line), []).append(row_id)
        # Seen once, and the same picture twice: neither is a repeat.
        add_rows(services, engineer, bracket, serial="S4", image_sha256="once")
        add_rows(services, engineer, bracket, count=3, serial="S5", image_sha256="same")
        found = sources.find_repeated(services, bracket.id)
        assert (found.setups, found.n_repeats) == (("L1", "L2"), 2)
        assert {part.name: part.sources["inspections"] for part in found.parts} == {
            serial: [sorted(ids[serial, line], reverse=True) for line in ("L1", "L2")] for serial in ("S1", "S2", "S3")
        }
        plan = make_plan(bracket.id, kind="score", parts=found.parts, setups=found.setups)
        study = start(services, engineer, plan)
        assert all(one.error is None for one in sources.fetch_pictures(services, engineer, study.id))
        again = load_study(services, study.id)
        assert again.n_taken == 12
        assert {one.inspection_id for one in again.trials} == {number for rows in ids.values() for number in rows}
        assert planning.read_plan(services, study.id).parts[0].sources == found.parts[0].sources

    def test_without_repeats_nothing_is_proposed(self, services: Services, bracket: Product) -> None:
        assert sources.find_repeated(services, bracket.id).parts == ()

    def test_an_image_that_is_gone_is_left_to_be_taken(
        self, services: Services, engineer: Person, bracket: Product
    ) -> None:
        parts = tuple(PlannedPart(f"P{number}", sources={"image": 4700 + number}) for number in range(3))
        study = start(services, engineer, make_plan(bracket.id, kind="verdict", parts=parts, one_picture=True))
        assert list(sources.fetch_pictures(services, engineer, study.id)) == []


def test_a_picture_that_cannot_be_read_any_more_is_named_and_the_others_are_judged(toy_services: Services) -> None:
    engineer = open_person(toy_services, "engineer")
    product = find_product(toy_services, "plate")
    study = start(toy_services, engineer, make_plan(product.id))
    photograph(toy_services, engineer, study, lambda *_: 150)
    lost = load_study(toy_services, study.id).trials[3]
    toy_services.objects.delete(lost.image_key)
    assert _judge(toy_services, engineer, study) == [(16, 16)]
    again = load_study(toy_services, study.id)
    assert again.trials[3].error_code == "object_missing"
    assert again.n_judged == 15
    pictures.remove_picture(toy_services, engineer, study.id, lost.id)
    assert load_study(toy_services, study.id).trials[3].error_code == ""


class TestOneViewOfAProduct:
    @pytest.fixture
    def viewed(self, toy_services: Services) -> Product:
        product = find_product(toy_services, "plate")
        with_views(toy_services, product)
        return product

    def test_a_study_says_which_view_it_is_of(self, toy_services: Services, viewed: Product) -> None:
        engineer = open_person(toy_services, "engineer")
        for view, code in (("", "view_not_said"), ("side", "view_unknown")):
            with pytest.raises(AppError) as caught:
                planning.create_study(toy_services, engineer, make_plan(viewed.id, view=view))
            assert caught.value.code == code
        study = start(toy_services, engineer, make_plan(viewed.id, view=RGB))
        assert (study.view, planning.read_plan(toy_services, study.id).view) == (RGB, RGB)
        copied = planning.copy_plan(toy_services, engineer, study.id, name="once more")
        assert load_study(toy_services, copied).view == RGB

    def test_pictures_are_judged_by_the_bank_of_the_view(self, toy_services: Services, viewed: Product) -> None:
        engineer = open_person(toy_services, "engineer")
        study = start(toy_services, engineer, make_plan(viewed.id, view=RGB))
        photograph(toy_services, engineer, study, lambda *_: 150)
        assert _judge(toy_services, engineer, study) == [(16, 16)]
        judged = load_study(toy_services, study.id)
        with toy_services.database.reading() as session:
            bank = session.get_one(ModelVersion, judged.version_id)
        assert (bank.view, judged.n_judged) == (RGB, 16)
        assert judging.find_change_of_model(toy_services, study.id) is None

    def test_what_was_inspected_repeatedly_gives_the_pictures_of_the_view(
        self, toy_services: Services, viewed: Product
    ) -> None:
        engineer = open_person(toy_services, "engineer")
        rgb = [encode_gray(100, mark) for mark in range(6)]
        for number, picture in enumerate(rgb):
            # The inspection itself keeps the picture of the other view, which decides.
            record = inspect_plate(toy_services, viewed, engineer, ct=SPOT, rgb=picture)
            with toy_services.database.unit_of_work() as session:
                session.get_one(Inspection, record.id).serial = f"S{number // 2}"
                session.commit()
        found = sources.find_repeated(toy_services, viewed.id, view=RGB)
        assert {part.name for part in found.parts} == {"S0", "S1", "S2"}
        study = start(
            toy_services, engineer, make_plan(viewed.id, view=RGB, kind="score", parts=found.parts, setups=("",))
        )
        assert [one.error for one in sources.fetch_pictures(toy_services, engineer, study.id)] == [None] * 6
        trials = load_study(toy_services, study.id).trials
        assert {toy_services.objects.get(one.image_key) for one in trials} == set(rgb)
