"""Train a model on screen: one configuration as form and YAML, a run from its start to its use, and what it found."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from streamlit.testing.v1 import AppTest

from core.access import Person
from core.datasets.freezing import create_dataset
from core.images.edits import delete_images
from core.services import Services
from core.training.configuration.yaml_text import parse_configuration
from core.training.runs.control import cancel_run
from core.training.runs.overview import list_runs, read_run
from core.training.runs.results import read_results
from core.training.runs.starting import start_run
from tests.compared_methods import build_product
from tests.pages.screen_reading import press, table_rows, texts
from tests.trained_runs import tiny_configuration, tiny_recipe, train, work_next

OpenApp = Callable[..., AppTest]
SCREEN = "pages/training/train_model.py"


@pytest.fixture(autouse=True)
def _recipe() -> Iterator[None]:
    with tiny_recipe():
        yield


def _open(open_app: OpenApp, language: str = "en", role: str = "engineer", **words: str) -> AppTest:
    app = open_app(SCREEN, language=language, role=role)
    for word, value in words.items():
        app.query_params[word] = value
    app.run()
    assert not app.exception
    return app


def _yaml(app: AppTest) -> str:
    return str(app.text_area(key="train_yaml_text").value)


def _show(app: AppTest, side: str) -> AppTest:
    app.segmented_control(key="train_side").set_value(side).run()
    assert not app.exception
    return app


def test_what_comes_first_is_said(open_app: OpenApp, services: Services, engineer: Person) -> None:
    assert "There is no product yet." in texts(open_app(SCREEN))
    assert "This screen is not open to you" in texts(open_app(SCREEN, role="worker"))
    build_product(services, engineer)
    shown = texts(open_app(SCREEN))
    assert "There is no dataset version yet" in shown
    assert "There is no training run yet" in shown
    assert "아직 학습 실행이 없습니다" in texts(open_app(SCREEN, language="ko"))
    for asked in ("99", "x", "-1"):
        assert "The training run of this link is not there." in texts(_open(open_app, run=asked))


def test_form_and_yaml_are_one_object(open_app: OpenApp, services: Services, engineer: Person) -> None:
    create_dataset(services, engineer, build_product(services, engineer))
    app = open_app(SCREEN)
    app.button(key="train_choose_fine_tune").click().run()
    app.number_input(key="train_field_training.epochs").set_value(7).run()
    app.number_input(key="train_field_report.goals.top1").set_value(0.85).run()
    app.multiselect(key="train_field_data.labels").set_value(["good", "spot"]).run()
    _show(app, "yaml")
    made = parse_configuration(_yaml(app))
    assert (made.model.recipe, made.training.epochs) == ("fine_tune", 7)
    assert (made.report.goals, made.data.labels) == ({"top1": 0.85}, ("good", "spot"))
    # What is typed there, comments with it, stays as it was typed, and the form shows the same.
    text = "# mine\n" + _yaml(app).replace("epochs: 7", "epochs: 11")
    app.text_area(key="train_yaml_text").set_value(text).run()
    assert _yaml(app) == text
    _show(app, "form")
    assert app.number_input(key="train_field_training.epochs").value == 11
    assert app.number_input(key="train_field_report.goals.top1").value == 0.85
    # Another recipe keeps what is wanted, and brings its own way.
    app.button(key="train_choose_probe").click().run()
    _show(app, "yaml")
    made = parse_configuration(_yaml(app))
    assert (made.model.recipe, made.report.goals, made.data.labels) == ("probe", {"top1": 0.85}, ("good", "spot"))


def test_a_text_with_an_error_is_kept_and_nothing_starts(
    open_app: OpenApp, services: Services, engineer: Person
) -> None:
    create_dataset(services, engineer, build_product(services, engineer))
    app = _show(open_app(SCREEN), "yaml")
    broken = "product: spots\ntraining:\n  epohcs: 3\n"
    app.text_area(key="train_yaml_text").set_value(broken).run()
    assert "Line 3: There is no setting “training.epohcs”. Did you mean “training.epochs”?" in _plain(app)
    assert app.button(key="train_start").disabled
    _show(app, "form")
    assert "is kept as you typed it" in texts(app)
    assert app.number_input(key="train_field_limits.minutes").disabled
    press(app, "Back to the YAML")
    assert _yaml(app) == broken
    app.text_area(key="train_yaml_text").set_value("product: spots\nmodel: {recipe: prob}\n").run()
    assert "Line 2: There is no recipe “prob”." in _plain(app)
    app.text_area(key="train_yaml_text").set_value("product: nothing\n").run()
    assert 'no product with the code or name "nothing"' in _plain(app)
    press(app, "Back to the last valid configuration")
    assert parse_configuration(_yaml(app)).product == "spots"
    assert list_runs(services, engineer) == []


def test_a_training_is_estimated_started_and_followed(open_app: OpenApp, services: Services, engineer: Person) -> None:
    build_product(services, engineer)
    app = open_app(SCREEN)
    app.button(key="train_choose_tiny").click().run()
    _show(app, "yaml")
    text = _yaml(app).replace("scratch: false", "scratch: true").replace("epochs: 20", "epochs: 2")
    app.text_area(key="train_yaml_text").set_value(text.replace("learning_rate: 0.001", "learning_rate: 1.0")).run()
    press(app, "Estimate time and memory")
    assert "Expected time" in [one.label for one in app.metric]
    assert "Batch size" in texts(app)
    press(app, "Start training")
    run = list_runs(services, engineer)[0]
    assert app.query_params["run"] in (str(run.id), [str(run.id)])
    assert "Waiting for the worker" in " ".join(str(one.text) for one in app.get("progress")) + texts(app)
    assert work_next(services) is None
    app = _open(open_app, run=str(run.id))
    shown = texts(app)
    assert "Test figures" in shown
    assert "waits to be put into use" in shown
    assert "Macro F1" in [one.label for one in app.metric]
    press(_open(open_app), "Details")


def test_what_it_found_is_shown_and_every_number_opens_its_images(
    open_app: OpenApp, services: Services, engineer: Person
) -> None:
    build_product(services, engineer)
    run_id = train(services, engineer, report={"goals": {"top1": 0.01, "macro_f1": 1.0}}, options={"shuffled": True})
    run, results = read_run(services, engineer, run_id), read_results(services, engineer, run_id)
    app = _open(open_app, run=str(run_id))
    matrix = table_rows(app, "Confusion matrix")
    assert [[int(cell) for cell in row[1:]] for row in matrix] == run.test["confusion"]
    assert len(table_rows(app, "Figures by class")) == len(run.test["per_class"])
    shown = texts(app)
    met = sum(goal.met for goal in run.head.goals)
    assert (
        shown.count(":green[:material/check_circle:] Top") + shown.count(":green[:material/check_circle:] Macro") == met
    )
    wrong = [one for one in results.of("test") if not one.right]
    assert wrong
    one = wrong[0]
    app = _open(open_app, run=str(run_id), look="images", truth=one.truth, named=one.named, wrong="1")
    same = [each for each in wrong if (each.truth, each.named) == (one.truth, one.named)]
    assert f"{len(same)} image" in texts(app)
    press(app, "Look closely")
    assert app.query_params["image"] in (str(same[0].image_id), [str(same[0].image_id)]) or len(same) > 1
    closely = texts(app)
    assert "In truth" in closely
    assert "Probability of a defect" in closely
    assert not [each.value for each in app.error]
    opened = int(str(app.query_params["image"]).strip("[']"))
    delete_images(services, engineer, [opened])
    assert "This image was deleted since." in texts(app.run())
    korean = texts(_open(open_app, "ko", run=str(run_id)))
    assert "클래스별 (성적이 낮은 순)" in korean


def test_a_model_goes_into_use_with_a_reason_and_out_again(
    open_app: OpenApp, services: Services, engineer: Person
) -> None:
    build_product(services, engineer)
    run_id = train(services, engineer, report={"goals": {"macro_f1": 1.0}}, options={"shuffled": True})
    app = _open(open_app, run=str(run_id))
    assert "This speaks against it:" in texts(app)
    press(app, "Put into use")
    assert "Say why it may be used in spite of this." in texts(app)
    assert read_run(services, engineer, run_id).head.version_state == "candidate"
    app.text_area(key="train_use_reason").set_value("Checked on the line by hand.").run()
    press(app, "Put into use")
    assert "This model is in use." in texts(app)
    assert "Delete" not in [button.label for button in app.button]
    press(app, "None")
    assert "This model is not in use any more." in texts(app)


def test_a_run_is_canceled_goes_on_and_is_deleted(open_app: OpenApp, services: Services, engineer: Person) -> None:
    build_product(services, engineer)
    run_id = start_run(services, engineer, tiny_configuration())
    app = _open(open_app, run=str(run_id))
    press(app, "Yes, stop it")
    assert read_run(services, engineer, run_id).head.state == "cancelled"
    press(app, "Go on with the training")
    assert read_run(services, engineer, run_id).head.state == "queued"
    cancel_run(services, engineer, run_id)
    app = _open(open_app, run=str(run_id), look="configuration")
    press(app, "Use for a new training")
    assert "run" not in app.query_params
    assert app.number_input(key="train_field_training.epochs").value == 3
    app = _open(open_app, role="admin", run=str(run_id))
    press(app, "Delete")
    assert "Delete this training run?" in _plain(app) or app.button(key="dialog_agree")
    app.button(key="dialog_agree").click().run()
    assert list_runs(services, engineer) == []


def _plain(app: AppTest) -> str:
    """Return what is written, without the signs that keep Markdown from reading it."""
    return texts(app).replace("\\", "")
