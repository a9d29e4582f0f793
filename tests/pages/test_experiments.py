"""Experiments on screen: what comes first, the table, and runs side by side down to one image."""

from __future__ import annotations

from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from core.access import Person
from core.services import Services
from tests.compared_methods import build_product
from tests.pages.screen_reading import press, table_rows, texts
from tests.tracked_runs import add_run, configure, freeze_set, keep_results, said_of

OpenApp = Callable[..., AppTest]
SCREEN = "pages/training/experiments.py"
CURVE = [{"macro_f1": 0.5, "top1": 0.6}] * 2


def _open(open_app: OpenApp, language: str = "en", **words: str) -> AppTest:
    app = open_app(SCREEN, language=language)
    for word, value in words.items():
        app.query_params[word] = value
    app.run()
    assert not app.exception
    return app


def _build(services: Services, engineer: Person) -> tuple[int, int]:
    """Add two runs that were measured on real images, of which they name the second differently."""
    plates = freeze_set(services, build_product(services, engineer))
    runs = []
    for seed, second in ((0, "spot"), (1, "good")):
        run_id = add_run(
            services, plates, configure(seed=seed, epochs=3 + seed), name=f"try {seed}", epochs=CURVE,
            person_id=engineer.id, val={"macro_f1": 0.5 + seed / 10},
        )  # fmt: skip
        images = [said_of(1, "spot", "spot"), said_of(2, "spot", second), said_of(3, "good", "good")]
        keep_results(services, run_id, images)
        runs.append(run_id)
    return runs[0], runs[1]


def test_what_comes_first_is_said_and_workers_are_kept_out(open_app: OpenApp) -> None:
    assert "There is no training run yet." in texts(open_app(SCREEN))
    assert "This screen is not open to you" in texts(open_app(SCREEN, role="worker"))


def test_runs_are_listed_filtered_and_their_seeds_put_together(
    open_app: OpenApp, services: Services, engineer: Person
) -> None:
    _build(services, engineer)
    app = _open(open_app)
    assert list(app.dataframe[0].value["name"]) == ["try 1", "try 0"]
    assert "Tick 2 to 6 lines; 0 are chosen." in texts(app)
    app = app.selectbox(key="experiments_state").select("failed").run()
    assert "No training run is left by this filter." in texts(app)
    app = app.selectbox(key="experiments_state").select(None).run()
    app = app.toggle(key="experiments_together").set_value(True).run()
    # Their epochs differ as well: two configurations.
    assert list(app.dataframe[0].value["run"]) == ["2", "1"]
    assert list(app.dataframe[0].value["val"]) == ["60.0 %", "50.0 %"]


def test_a_run_that_one_comes_from_is_chosen_already(open_app: OpenApp, services: Services, engineer: Person) -> None:
    first, _second = _build(services, engineer)
    app = _open(open_app, runs=str(first))
    assert "Already chosen: 1 (try 0)" in texts(app)
    assert "Tick 2 to 6 lines; 1 are chosen." in texts(app)


def test_two_runs_stand_side_by_side_down_to_one_image(open_app: OpenApp, services: Services, engineer: Person) -> None:
    first, second = _build(services, engineer)
    app = _open(open_app, runs=f"{first},{second}")
    written = texts(app)
    assert "3 images that all runs were measured on." in written
    settings = {row[0]: row[1:] for row in table_rows(app, "Settings that differ")}
    # They differ in their epochs as well, at which a probe does not look.
    assert settings == {"Seed": ["0", "1"]}
    figures = {row[0]: row[1:] for row in table_rows(app, "Figures")}
    assert figures["Top-1 accuracy"][0].startswith("100.0% (")
    assert "no difference shown" in figures["Top-1 accuracy: difference from A"][1]

    app = app.segmented_control(key="experiments_look").select("curves").run()
    assert not app.exception
    assert app.get("plotly_chart")

    app = app.segmented_control(key="experiments_look").select("images").run()
    assert "1 of 3 images." in texts(app)
    app = press(app, "Look closely")
    assert app.query_params["image"] == "2"
    assert "In truth: **spot**" in texts(app)
    assert len(app.get("imgs")) + len(app.get("image")) >= 2


def test_a_link_to_runs_that_cannot_be_compared_says_why(
    open_app: OpenApp, services: Services, engineer: Person
) -> None:
    first, _second = _build(services, engineer)
    assert "There is no training run 99." in texts(_open(open_app, runs=f"{first},99"))
    many = ",".join(str(number) for number in range(1, 9))
    assert "From 2 to 6 runs stand side by side; 8 are chosen." in texts(_open(open_app, runs=many))
    app = _open(open_app, runs="x,-1,;drop")
    assert list(app.dataframe[0].value["name"]) == ["try 1", "try 0"]


def test_the_screen_speaks_korean(open_app: OpenApp, services: Services, engineer: Person) -> None:
    first, second = _build(services, engineer)
    app = _open(open_app, "ko", runs=f"{first},{second}")
    assert "실험" in texts(app)
    assert table_rows(app, "다른 설정")
