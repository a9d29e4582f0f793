"""Compare methods on screen: from a dataset version to a comparison that runs, and through its result."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from streamlit.testing.v1 import AppTest

from core.access import Person
from core.comparisons.orders import read_order
from core.comparisons.overview import list_comparisons
from core.comparisons.starting import start_comparison
from core.datasets.freezing import create_dataset
from core.datasets.reading import list_datasets
from core.images.edits import delete_images
from core.services import Services
from tests.compared_methods import ToySpec, build_product, toy_methods, work_next
from tests.pages.screen_reading import press, texts

OpenApp = Callable[..., AppTest]
SCREEN = "pages/training/compare_methods.py"


@pytest.fixture
def toys() -> Iterator[dict[str, ToySpec]]:
    with toy_methods() as found:
        yield found


def _open(open_app: OpenApp, language: str = "en", **words: str) -> AppTest:
    app = open_app(SCREEN, language=language)
    for word, value in words.items():
        app.query_params[word] = value
    app.run()
    assert not app.exception
    return app


def _compare(services: Services, engineer: Person, toys: dict[str, ToySpec]) -> int:
    methods = [{"method": toys[name].name, "name": name} for name in ("gray", "broken")]
    combinations = [{"name": "both", "members": {"ct": "gray", "rgb": "gray"}}]
    order = read_order({"product": "spots", "methods": methods, "combinations": combinations})
    return start_comparison(services, engineer, order)


def test_what_comes_first_is_said(open_app: OpenApp, services: Services, engineer: Person) -> None:
    assert "There is no product yet." in texts(open_app(SCREEN))
    assert "This screen is not open to you" in texts(open_app(SCREEN, role="worker"))
    build_product(services, engineer)
    app = open_app(SCREEN)
    assert "There is no dataset version yet" in texts(app)
    press(app, "Freeze the images")
    assert "Dataset version 1 is made." in texts(app)
    assert [head.number for head in list_datasets(services, 1)] == [1]
    press(app, "Freeze the images")
    assert "Nothing has changed: version 1 has the same images." in texts(app)


def test_a_comparison_is_started_and_its_progress_shown(
    open_app: OpenApp, services: Services, engineer: Person, toys: dict[str, ToySpec]
) -> None:
    product_id = build_product(services, engineer, views=("ct", "rgb"))
    create_dataset(services, engineer, product_id)
    app = open_app(SCREEN)
    # What lacks something says so, and cannot be chosen.
    assert app.checkbox(key=f"compare_tick_{toys['absent'].name}").disabled
    for box in app.checkbox:
        if box.key is not None and box.key.startswith("compare_tick_") and not box.disabled:
            box.set_value(box.key == f"compare_tick_{toys['gray'].name}")
    app.run()
    press(app, "Start the comparison")
    assert app.query_params["comparison"] in ("1", ["1"])
    found = list_comparisons(services)[0]
    assert [one.method for one in found.order.methods] == [toys["gray"].name]
    assert found.order.combinations[0].members == {"ct": toys["gray"].name, "rgb": toys["gray"].name}
    assert "Waiting for the worker" in " ".join(str(one.text) for one in app.get("progress")) + texts(app)
    assert work_next(services) is None
    assert "F1" in texts(_open(open_app, comparison="1"))


def test_the_result_says_what_failed_and_what_differs(
    open_app: OpenApp, services: Services, engineer: Person, toys: dict[str, ToySpec]
) -> None:
    build_product(services, engineer, views=("ct", "rgb"))
    found = _compare(services, engineer, toys)
    assert work_next(services) is None
    shown = texts(_open(open_app, comparison=str(found)))
    assert "8 of 8 without a prediction, counted as wrong" in shown
    assert "is better than" in shown
    assert "What combining adds" in shown
    korean = texts(_open(open_app, "ko", comparison=str(found)))
    assert "종합 효과" in korean
    assert "오답으로 셌습니다" in korean


def test_images_are_filtered_and_one_is_looked_at(
    open_app: OpenApp, services: Services, engineer: Person, toys: dict[str, ToySpec]
) -> None:
    build_product(services, engineer, views=("ct", "rgb"))
    found = str(_compare(services, engineer, toys))
    assert work_next(services) is None
    app = _open(open_app, comparison=found, look="images", view="ct", entry="gray@ct", cell="defect_stopped")
    assert "2 images" in texts(app)
    press(app, "Look closely")
    assert "image:" in str(app.query_params["subject"])
    shown = texts(app)
    assert "In truth: **반점**" in shown or "In truth: **spot**" in shown
    assert "far from gray" in " ".join(one.value for one in app.text)
    assert "1 of 2" in shown
    press(app, "All images")
    assert "subject" not in app.query_params
    part = _open(open_app, comparison=found, look="images", view="ct+rgb", subject="part:part 19")
    assert "Internal defect" in texts(part)


def test_an_address_of_nothing_and_a_broken_version_are_said(
    open_app: OpenApp, services: Services, engineer: Person, toys: dict[str, ToySpec]
) -> None:
    product_id = build_product(services, engineer)
    create_dataset(services, engineer, product_id)
    for asked in ("99", "x", "-1"):
        assert "The comparison of this link is not there." in texts(_open(open_app, comparison=asked))
    delete_images(services, engineer, [1])
    app = open_app(SCREEN)
    assert "is broken: an image of it has been deleted" in texts(app)
    assert app.button(key="compare_start").disabled
