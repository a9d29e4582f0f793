"""How a build chose to look at the images: kept with the version, and said in words."""

import pytest

from core.errors import describe
from core.models.detection_figures import BankFigures
from core.models.input_figures import InputFigures, input_messages
from inference.vision.detection.input_choice import InputChoice, Need

TAKEN = InputChoice(
    "coarse",
    "better",
    {"plain": 0.951, "fine": 0.974, "coarse": 0.976, "larger": 0.963},
    {"fine": 0.8, "coarse": 0.986, "larger": 0.9},
    Need(0.01, 0.95),
    40,
    38,
)
KEPT = InputChoice("plain", "no_gain", {"plain": 0.9, "fine": 0.9, "coarse": 0.8}, {}, Need(0.02, 0.99), 20, 20, True)
NOT_COMPARED = (InputChoice("plain", "few_images"), InputChoice("plain", "tiles"))


@pytest.mark.parametrize("choice", [TAKEN, KEPT, *NOT_COMPARED])
def test_a_choice_is_kept_with_the_figures_of_its_version(choice: InputChoice) -> None:
    figures = BankFigures(None, {"bank_size": 7}, input_choice=InputFigures.from_engine(choice))
    assert BankFigures.from_json(figures.to_json()) == figures


@pytest.mark.parametrize("stored", [None, 3, {}, {"chosen": "fine"}, {"chosen": 1, "reason": "tiles"}])
def test_rows_without_a_choice_have_none(stored: object) -> None:
    assert BankFigures.from_json({"bank_size": 7, "input_choice": stored}).input_choice is None
    assert "input_choice" not in BankFigures(None, {"bank_size": 7}).to_json()


def said(choice: InputChoice, language: str = "en") -> str:
    messages = input_messages(InputFigures.from_engine(choice))
    return " ".join(describe(code, dict(params), language) for code, params in messages)


def test_the_words_say_what_was_compared_what_was_chosen_and_why() -> None:
    assert said(TAKEN) == (
        "The build compared ways of looking at the images on 40 good parts and 38 labeled defects, by AUROC: as they "
        "are 0.951, local contrast fine 0.974 and coarse 0.976. At a larger input (448 px): 0.963. It chose coarse "
        "local contrast (windows of a quarter of the side), because that is better by 0.025 (99 % sure)."
    )
    assert "20 made-up defects" in said(KEPT)
    assert said(KEPT).endswith(
        "It kept the images as they are: another way must be better by 0.020 at least, and 99 % sure."
    )
    few, tiles = (said(choice) for choice in NOT_COMPARED)
    assert "12 good images of at least 4 parts" in few
    assert "tiles" in tiles


@pytest.mark.parametrize("choice", [TAKEN, KEPT, *NOT_COMPARED])
def test_the_words_are_there_in_korean(choice: InputChoice) -> None:
    assert "{" not in said(choice, "ko")
    assert "이미지" in said(choice, "ko")
