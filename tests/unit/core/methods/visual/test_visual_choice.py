"""The vision-language model: chosen by an engineer, never by an address alone; and the methods that stand on it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from core.access import Person
from core.catalog.defect_types import create_defect_type
from core.catalog.products import create_product
from core.errors import BadInput, Conflict, NotAllowed, NotFound, NotReady
from core.methods.models import open_method
from core.methods.records import LabelWords, Sample, TrainingSet
from core.methods.registry import find_method
from core.methods.visual.choice import (
    VisualChoice,
    choose_visual_model,
    current_visual_choice,
    find_visual_obstacle,
    list_visual_models,
)
from core.methods.visual.prompts import save_prompt
from core.services import Services
from inference.errors import ImageError
from inference.vision.images.preprocessing import Preprocessing
from tests.language_servers import LanguageServer, language_server

SAID = json.dumps({"verdict": "good", "confidence": 0.5, "type": "good", "boxes": [], "reason": "Sound."})
IMAGE = np.full((40, 40, 3), 90, np.uint8)


@pytest.fixture
def server() -> Iterator[LanguageServer]:
    with language_server() as running:
        running.response = SAID
        yield running


@pytest.fixture
def connected(services: Services, server: LanguageServer) -> Services:
    return replace(services, settings=replace(services.settings, vlm_base_url=f"{server.url}/v1"))


def _training(services: Services, engineer: Person) -> TrainingSet:
    product = create_product(services, engineer, name="셀", name_en="Cell", code="cell")
    create_defect_type(services, engineer, product_id=product.id, code="dirt", name_ko="오염", name_en="Dirt")

    def load() -> np.ndarray:
        return IMAGE

    def broken() -> np.ndarray:
        raise ImageError("image_object_missing", name="image:2")

    samples = tuple(
        Sample(f"image:{number}", number, "normal", "good", f"p{number}", "ct", "train", "0" * 64,
               broken if number == 2 else load, lambda: None, dict)
        for number in range(1, 6)
    )  # fmt: skip
    labels = (
        LabelWords("dirt", "오염", "Dirt", False, "dirt on metal"),
        LabelWords("good", "good", "good", True),
    )
    return TrainingSet(
        1, "0" * 64, product.id, "cell", "셀", "Cell", "ct", "ct", Preprocessing(), labels, samples
    )  # fmt: skip


def test_nothing_is_chosen_at_first_and_what_to_set_is_said(services: Services, connected: Services) -> None:
    assert current_visual_choice(services) == VisualChoice()
    obstacle = find_visual_obstacle(services)
    assert obstacle is not None
    assert obstacle.code == "vlm_not_set_up"
    assert "GEOMSA_VLM_BASE_URL" in str(obstacle)
    obstacle = find_visual_obstacle(connected)
    assert obstacle is not None
    assert obstacle.code == "vlm_not_chosen"


def test_a_choice_is_kept_audited_and_refused_where_somebody_was_faster(
    connected: Services, engineer: Person, worker_person: Person
) -> None:
    with pytest.raises(NotAllowed):
        choose_visual_model(connected, worker_person, VisualChoice("compatible", "m"))
    made = choose_visual_model(connected, engineer, VisualChoice("compatible", "qwen2.5vl:7b", "thousandths"))
    assert current_visual_choice(connected) == made
    assert made.convention == "thousandths"
    with pytest.raises(Conflict):
        choose_visual_model(connected, engineer, VisualChoice("compatible", "other"))
    off = choose_visual_model(connected, engineer, VisualChoice(row_version=made.row_version))
    assert (off.server, off.model) == ("off", "")


@pytest.mark.parametrize(
    ("choice", "kind", "code"),
    [
        (VisualChoice("compatible", " "), BadInput, "vlm_name_missing"),
        (VisualChoice("compatible", "a b"), BadInput, "vlm_name_invalid"),
        (VisualChoice("compatible", "m", "inches"), BadInput, "vlm_boxes_unknown"),
        (VisualChoice("claude", "claude-opus-4-5"), NotReady, "vlm_needs_key"),
        (VisualChoice("other", "m"), NotFound, "vlm_server_unknown"),
    ],
)
def test_a_choice_that_cannot_work_is_refused(
    connected: Services, engineer: Person, choice: VisualChoice, kind: type[Exception], code: str
) -> None:
    with pytest.raises(kind) as raised:
        choose_visual_model(connected, engineer, choice)
    assert raised.value.code == code  # type: ignore[attr-defined]


def test_the_servers_models_are_listed(connected: Services, engineer: Person) -> None:
    assert "claude-opus-4-5" in list_visual_models(connected, engineer, "compatible")


def test_the_method_asks_with_types_prompt_and_readable_good_parts(
    connected: Services, engineer: Person, server: LanguageServer
) -> None:
    choose_visual_model(connected, engineer, VisualChoice("compatible", "qwen3-vl"))
    training = _training(connected, engineer)
    save_prompt(connected, engineer, training.product_id, "ct", "Look for pores alone.", newest=0)
    method = open_method(connected, training, "vlm", {"language": "en", "references": 3})
    (said,) = method.predict([IMAGE])
    assert said.error is None
    assert said.score == pytest.approx(0.25)
    assert set(said.class_probabilities) == {"good", "dirt"}
    sent = server.asked[0].text
    assert sent.count("image/png") == 4
    assert "Look for pores alone." in sent
    assert "The first 3 pictures" in sent


def test_without_a_server_the_method_says_what_to_set(services: Services, engineer: Person) -> None:
    with pytest.raises(NotReady) as raised:
        open_method(services, _training(services, engineer), "vlm", {})
    assert raised.value.code == "vlm_not_set_up"


@pytest.mark.parametrize(
    ("name", "options", "code"),
    [
        ("vlm", {"references": 9}, "method_option_out_of_range"),
        ("vlm", {"references": True}, "method_option_out_of_range"),
        ("vlm", {"language": "fr"}, "method_option_no_choice"),
        ("vlm", {"temperature": 1}, "method_option_unknown"),
        ("vlg", {"network": "yolo"}, "method_option_no_choice"),
    ],
)
def test_options_are_checked(name: str, options: dict[str, object], code: str) -> None:
    with pytest.raises(BadInput) as raised:
        find_method(name).read_config(options)
    assert raised.value.code == code
    assert find_method(name).read_config({}).to_json()
