"""The gauge study on screen: the way of an engineer from the plan to the result, and of a worker who rates."""

from __future__ import annotations

from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from core.access import Person
from core.gauge.planning import create_study
from core.gauge.rating import open_task
from core.gauge.records import PlannedPart
from core.gauge.studies import list_studies, load_study
from core.services import Services
from tests.gauge_study import encode_gray, fill, make_plan, start
from tests.history_rows import add_product
from tests.pages.screen_reading import press, texts

OpenApp = Callable[..., AppTest]
STUDY, RATING, INSPECT = (
    "pages/analysis/gauge_study.py",
    "pages/inspection/gauge_rating.py",
    "pages/inspection/inspect_part.py",
)


def _open(open_app: OpenApp, study_id: int, step: str | None = None, **more: str) -> AppTest:
    app = open_app(STUDY, **more)
    app.query_params["study"] = str(study_id)
    if step is not None:
        app.query_params["step"] = step
    app.run()
    assert not app.exception
    return app


def _scores(part: int, setup: int, repeat: int) -> float:
    return {1: 10.0, 2: 12.0, 3: 20.0, 4: 40.0}[part] + 0.1 * ((3 * part + setup + 2 * repeat) % 5 - 2)


def _stops(name: str, part: int, repeat: int) -> bool:
    return part >= 3 and not (name == "Lee" and repeat == 2 and part == 3)


def test_without_studies_the_screen_says_what_they_are_for(open_app: OpenApp) -> None:
    app = open_app(STUDY)
    assert "IATF 16949" in texts(app)
    korean = open_app(STUDY, language="ko")
    assert "측정을 믿을 수 있습니까?" in texts(korean)
    assert "There is no product yet." in texts(press(app, "Plan the first study"))


def test_a_worker_does_not_get_in(open_app: OpenApp) -> None:
    assert "This screen is not open to you" in texts(open_app(STUDY, role="worker"))


def test_an_engineer_plans_saves_and_starts_a_study(open_app: OpenApp, services: Services, engineer: Person) -> None:
    add_product(services, engineer)
    app = press(open_app(STUDY), "New study")
    # A plan without a name is refused, and what was typed stays.
    app.text_area(key="gauge_plan_new_setups").set_value("Station A\nStation B").run()
    app = press(app, "Save the plan")
    assert "Give the study a name." in texts(app)
    assert app.text_area(key="gauge_plan_new_setups").value == "Station A\nStation B"
    app.text_input(key="gauge_plan_new_name").set_value("Lamp")
    app.number_input(key="gauge_plan_new_n_parts").set_value(4)
    app.run()
    assert "Fewer than 10 parts" in texts(app)
    app = press(app, "Save the plan")
    (line,) = list_studies(services)
    assert (line.name, line.state, line.n_parts) == ("Lamp", "draft", 4)
    stem = f"gauge_plan_{line.id}"
    app.radio(key=f"{stem}_kind").set_value("both").run()
    app.text_area(key=f"{stem}_names").set_value("Kim\nLee").run()
    app = press(press(app, "Start the study"), "Start")
    study = load_study(services, line.id)
    assert (study.state, study.kind, study.setups, len(study.trials)) == (
        "running", "both", ("Station A", "Station B"), 24,
    )  # fmt: skip
    assert [one.name for one in study.appraisers] == ["Kim", "Lee"]
    assert "0 of 24 pictures taken" in str(app.get("progress")[0].proto.text)


def test_a_kind_of_study_brings_its_usual_number_of_parts(
    open_app: OpenApp, services: Services, engineer: Person
) -> None:
    add_product(services, engineer)
    app = press(open_app(STUDY), "New study")
    assert app.number_input(key="gauge_plan_new_n_parts").value == 10
    app.radio(key="gauge_plan_new_kind").set_value("verdict").run()
    assert app.number_input(key="gauge_plan_new_n_parts").value == 30
    assert not app.exception


def test_labeled_images_that_are_not_there_are_a_sentence(
    open_app: OpenApp, services: Services, engineer: Person
) -> None:
    add_product(services, engineer)
    app = press(open_app(STUDY), "New study")
    app.radio(key="gauge_plan_new_kind").set_value("verdict").run()
    app.segmented_control(key="gauge_plan_new_way").set_value("images").run()
    app = press(app, "Choose images")
    assert "15 good parts are wanted, and there are images of 0" in texts(app)
    app.segmented_control(key="gauge_plan_new_way").set_value("inspected").run()
    assert "In the last 90 days no two parts" in texts(app)


def test_a_picture_is_stored_where_the_random_order_wants_it(
    open_app: OpenApp, services: Services, engineer: Person
) -> None:
    product = add_product(services, engineer)
    study = start(services, engineer, make_plan(product.id, kind="verdict", with_model=False))
    first = study.trials[0]
    app = _open(open_app, study.id)
    assert f"Part {study.parts_by_id[first.part_id].name}" in texts(app)
    app.file_uploader(key=f"gauge_file_{first.id}_0").upload("shot.png", encode_gray(120), "image/png").run()
    assert not app.exception
    assert load_study(services, study.id).trials[0].original_name == "shot.png"
    second = study.trials[1]
    # The same picture once more is refused with a reason.
    app.file_uploader(key=f"gauge_file_{second.id}_1").upload("again.png", encode_gray(120), "image/png").run()
    assert "the very picture" in texts(app)
    assert load_study(services, study.id).n_taken == 1


def test_many_files_are_stored_by_their_names_after_the_plan_was_seen(
    open_app: OpenApp, services: Services, engineer: Person
) -> None:
    product = add_product(services, engineer)
    study = start(services, engineer, make_plan(product.id, kind="verdict", with_model=False))
    app = _open(open_app, study.id)
    app.segmented_control(key="gauge_way").set_value("many").run()
    app.file_uploader(key="gauge_files_0").set_value(
        [(f"P{n}_1.png", encode_gray(100 + n), "image/png") for n in (1, 2)] + [("x.png", encode_gray(9), "image/png")]
    ).run()
    assert load_study(services, study.id).n_taken == 0
    app = press(app, "Store 2 pictures")
    again = load_study(services, study.id)
    assert {one.original_name for one in again.trials if one.is_taken} == {"P1_1.png", "P2_1.png"}


def test_the_result_says_the_verdict_and_what_to_do(open_app: OpenApp, services: Services, engineer: Person) -> None:
    product = add_product(services, engineer)
    study = start(services, engineer, make_plan(product.id))
    fill(services, study.id, _scores, _stops)
    app = _open(open_app, study.id, "result")
    shown = texts(app)
    assert "Part P3 flips between OK" in shown
    assert "What to do next" in shown
    assert "GRR of the total variation" in [one.label for one in app.metric]
    korean = texts(_open(open_app, study.id, "result", language="ko"))
    assert "판정이 갈립니다." in korean
    assert "What" not in korean
    app = press(press(app, "Complete the study"), "Complete")
    assert load_study(services, study.id).state == "closed"


def test_progress_of_people_is_shown_with_their_links(open_app: OpenApp, services: Services, engineer: Person) -> None:
    product = add_product(services, engineer)
    study = start(services, engineer, make_plan(product.id))
    app = _open(open_app, study.id, "ratings")
    assert "Rating begins when every part has a picture" in texts(app)
    fill(services, study.id, _scores)
    app = _open(open_app, study.id, "ratings")
    assert [one.proto.text for one in app.get("progress")] == ["0 of 8 looks"] * 2
    assert len([one for one in app.get("page_link") if "gauge_rating" in one.proto.page]) == 2


def test_a_study_is_copied_cancelled_and_deleted_by_its_name(
    open_app: OpenApp, services: Services, engineer: Person
) -> None:
    product = add_product(services, engineer)
    study = start(services, engineer, make_plan(product.id))
    app = press(_open(open_app, study.id), "Copy the plan")
    app = press(app, "Copy")
    assert {line.name for line in list_studies(services)} == {"Bracket camera", "Bracket camera (copy)"}
    app = press(_open(open_app, study.id), "Cancel the study")
    app.button(key="dialog_agree").click().run()
    assert load_study(services, study.id).state == "cancelled"
    assert "Delete the study" not in [button.label for button in _open(open_app, study.id).button]
    app = press(_open(open_app, study.id, role="admin"), "Delete the study")
    app = press(app, "Delete for good")
    assert "Type the name of the study" in texts(app)
    app.text_input(key="gauge_delete_name").set_value("Bracket camera").run()
    app = press(app, "Delete for good")
    assert [line.name for line in list_studies(services)] == ["Bracket camera (copy)"]
    assert "Bracket camera" in texts(app)


def test_a_link_to_a_study_that_is_gone_is_a_sentence(open_app: OpenApp) -> None:
    for asked in ("4711", "none"):
        app = open_app(STUDY)
        app.query_params["study"] = asked
        assert "The study of this link is not there." in texts(app.run())


def test_a_worker_rates_blind_one_part_after_the_other(
    open_app: OpenApp, services: Services, engineer: Person, worker_person: Person
) -> None:
    product = add_product(services, engineer)
    plan = make_plan(product.id, parts=(PlannedPart("Secret1", "good", "expert"), PlannedPart("Secret2", "defect")))
    study = start(services, engineer, plan)
    services.objects.put("inspections/part.png", encode_gray(120))
    fill(services, study.id, lambda *_: 33.25)
    app = open_app(RATING, role="worker")
    assert "**Kim**" in texts(app)
    kim = study.appraisers[0].id
    app.query_params["appraiser"] = str(kim)
    app.run()
    for number in range(4):
        assert open_task(services, worker_person, kim).done == number
        app = press(app, "OK" if number % 2 else "NG")
        shown = texts(app)
        # Neither the part nor its score nor the truth is told.
        assert "Secret" not in shown
        assert "33.25" not in shown
        if number == 1:
            app = press(app, "Back to the last part")
            assert open_task(services, worker_person, kim).done == 1
            app = press(app, "OK")
    assert "All parts are rated. Thank you, Kim." in texts(app)


def test_what_waits_is_said_where_a_worker_inspects(open_app: OpenApp, services: Services, engineer: Person) -> None:
    product = add_product(services, engineer)
    assert not [one for one in open_app(INSPECT, role="worker").get("page_link") if "gauge" in one.proto.page]
    study = start(services, engineer, make_plan(product.id))
    fill(services, study.id, _scores)
    app = open_app(INSPECT, role="worker")
    labels = [one.proto.label for one in app.get("page_link") if "gauge_rating" in one.proto.page]
    assert labels == ["16 looks of a gauge study wait for you"]


def test_a_plan_that_is_still_a_draft_opens_with_what_was_typed(
    open_app: OpenApp, services: Services, engineer: Person
) -> None:
    product = add_product(services, engineer)
    study_id = create_study(services, engineer, make_plan(product.id, purpose="Release"))
    app = _open(open_app, study_id)
    stem = f"gauge_plan_{study_id}"
    assert app.text_input(key=f"{stem}_name").value == "Bracket camera"
    assert app.text_area(key=f"{stem}_purpose").value == "Release"
    assert app.text_area(key=f"{stem}_names").value == "Kim\nLee"
