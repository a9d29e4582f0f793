"""The screen of models: what each needs, choosing one, what is refused, trying it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.access import WORKER
from core.guidance.writer_choice import TEXT_GENERATION, current_text_choice
from core.guidance.writers.claude import CLAUDE
from core.guidance.writers.extractive import EXTRACTIVE
from core.guidance.writers.registry import register, unregister
from core.guidance.writers.specification import WriterSetting
from core.models.options import DETECTION
from core.registry.choices import current_choice
from core.services import Services
from inference.vision.detection import registry
from tests.language_servers import language_server
from tests.pages.conftest import OpenApp
from tests.pages.screen_reading import press, texts
from tests.toy_detector import ToySpec

SCREEN = "pages/settings/models.py"


def test_the_default_is_shown_as_chosen_and_nothing_more_is_needed(open_app: OpenApp) -> None:
    written = texts(open_app(SCREEN))
    assert "PatchCore on EfficientNet-Lite0" in written
    assert "This is the chosen model" in written
    assert "Weights included" in written


def test_a_chosen_model_with_its_options_is_kept_for_the_next_deployment(open_app: OpenApp, services: Services) -> None:
    app = open_app(SCREEN)
    app.selectbox(key="models_detection_name").select("padim-efficientnet_lite1").run()
    app.number_input(key="models_padim-efficientnet_lite1_channel_count").set_value(60).run()
    app = press(app, "Use from the next deployment on")
    choice = current_choice(services, DETECTION)
    assert (choice.option.name, choice.options) == ("padim-efficientnet_lite1", {"channel_count": 60})
    assert "This is the chosen model" in texts(app)


def test_a_model_without_weights_says_how_to_bring_them_and_cannot_be_chosen(
    open_app: OpenApp, services: Services, tmp_path: Path
) -> None:
    app = open_app(SCREEN)
    app.selectbox(key="models_detection_name").select("patchcore-resnet18").run()
    assert "Weights not here" in texts(app)
    app = press(app, "Use from the next deployment on")
    assert "ResNet18" in app.error[0].value
    assert current_choice(services, DETECTION).row_version == 0

    wrong = tmp_path / "model.safetensors"
    wrong.write_bytes(b"nothing of the kind")
    app.text_input(key="weights_resnet18_path").set_value(str(wrong)).run()
    app.button(key="weights_resnet18_add").click().run()
    assert ".safetensors" in app.error[0].value
    assert app.text_input(key="weights_resnet18_path").value == str(wrong)


def test_a_detector_that_needs_no_network_is_offered_and_asks_for_no_weights(
    open_app: OpenApp, services: Services
) -> None:
    registry.register(ToySpec())
    try:
        app = open_app(SCREEN)
        app.selectbox(key="models_detection_name").select("toy").run()
        assert "Compares a part with the mean of good ones." in texts(app)
        assert "Weights not here" not in texts(app)
        app = press(app, "Use from the next deployment on")
        assert not app.exception
        assert current_choice(services, DETECTION).option.name == "toy"
    finally:
        registry.unregister("toy")


def test_similarity_has_its_own_models(open_app: OpenApp) -> None:
    app = open_app(SCREEN)
    app.segmented_control(key="models_purpose").set_value("similarity").run()
    assert not app.exception
    assert "Embeddings of EfficientNet-Lite0" in texts(app)


def test_a_trial_says_how_long_the_model_takes(open_deployed: OpenApp) -> None:
    app = open_deployed(SCREEN)
    app.button(key="models_try").click().run(timeout=120)
    assert not app.exception
    assert {"Time for an image", "Computed by", "Score of the image"} <= {found.label for found in app.metric}


@pytest.mark.parametrize("language", ["ko", "en"])
def test_it_reads_in_both_languages(open_app: OpenApp, language: str) -> None:
    written = texts(open_app(SCREEN, language=language))
    assert ("다음 배포" in written) == (language == "ko")


def test_a_worker_may_not_open_it(open_app: OpenApp) -> None:
    app = open_app(SCREEN, role=WORKER)
    assert not [box for box in app.selectbox if box.key == "models_detection_name"]


def test_who_writes_is_chosen_on_the_same_screen_and_a_missing_key_is_said(
    open_app: OpenApp, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    with language_server() as server:
        app = open_app(SCREEN)
        app.segmented_control(key="models_purpose").set_value(TEXT_GENERATION).run()
        assert "This is the chosen way" in texts(app)
        app.radio(key="text_writer").set_value(CLAUDE.name).run()
        app.button(key="text_list_claude").click().run()
        assert "ANTHROPIC_API_KEY" in app.error[0].value

        monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-test")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        app.button(key="text_list_claude").click().run()
        app.selectbox(key="text_model_claude").select("claude-haiku-4-5").run()
        press(app, "Use from now on")
        assert not app.error
        assert current_text_choice(services).model == "claude-haiku-4-5"
        assert "sk-ant-test" not in texts(app)


def test_a_writer_that_was_registered_is_offered_with_what_it_needs(open_app: OpenApp, services: Services) -> None:
    setting = WriterSetting("Speed ({variable})", "A_SPEED", lambda _settings: "very fast")
    register(replace(EXTRACTIVE, name="quick", title="Quick quotes", settings=(setting,)))
    try:
        app = open_app(SCREEN)
        app.segmented_control(key="models_purpose").set_value(TEXT_GENERATION).run()
        app.radio(key="text_writer").set_value("quick").run()
        assert "Speed (`A_SPEED`): `very fast`" in texts(app)
        press(app, "Use from now on")
        assert current_text_choice(services).writer == "quick"
    finally:
        unregister("quick")
